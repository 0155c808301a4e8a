import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import { readConfig } from '../../functions/delivery-order/order-config.ts';
import { createHandler } from '../../functions/delivery-order/order-handler.ts';
import { type AwsEdge, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { NAMES } from './resources.ts';

/** As in a deployment. */
const CONCURRENCY = 5;
const MAX_SDK_ATTEMPTS = 2;

/** Options of {@link orderPoller}. */
export interface OrderPollerOptions {
  readonly emulator: Emulator;
  readonly edge: AwsEdge;
  readonly fifoQueueUrl: string;
  readonly timeoutMs: number;
  readonly logLevel: LogLevel;
  readonly seed: number;
  /** Probability that an invocation is killed. */
  readonly crashRate: number;
  readonly onOrderInvocation: (invocation: Invocation) => void;
}

/** The function that moves events to the FIFO queue, as Lambda runs it. */
export function orderPoller(options: OrderPollerOptions): SqsPoller {
  const { emulator, edge, logLevel } = options;
  const config = readConfig({ FIFO_QUEUE_URL: options.fifoQueueUrl, LOG_LEVEL: logLevel });
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: NAMES.orderQueue,
    maximumConcurrency: CONCURRENCY,
    functionTimeoutMs: options.timeoutMs,
    random: new Random(options.seed).fork('delivery-order'),
    crash: { rate: options.crashRate },
    createHandler: (environment) => {
      const requestHandler = environment.wrap(emulator.requestHandler());
      const logger = createLogger('delivery-order', logLevel);
      return createHandler(config, {
        sqs: sqsClient({ ...edge, requestHandler }, MAX_SDK_ATTEMPTS),
        logger,
        metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'delivery-order', logger }),
      });
    },
    onInvocation: options.onOrderInvocation,
  });
}
