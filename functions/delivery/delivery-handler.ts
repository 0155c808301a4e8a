import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { contentRedactionReader } from '../../lib/aws/content-redaction-key.ts';
import { DELIVERY_METRICS, type DeliveryMetricName } from '../../lib/aws/metric-names.ts';
import { DeliveryBatch, type DeliveryReport, type MessageEnd } from './delivery-batch.ts';
import type { DeliveryConfig } from './delivery-config.ts';
import { DeliveryMarks } from './delivery-marks.ts';
import { DELIVERY_TIMES, type DeliveryTimes } from './delivery-times.ts';
import { DestinationCalls, MAX_CALLS_PER_ATTEMPT } from './destination-calls.ts';
import { Credentials } from './destination-credentials.ts';
import { DestinationStore } from './destination-store.ts';
import { Gate } from './gate.ts';
import { HttpCaller } from './http-call.ts';
import { MessageExits } from './message-exits.ts';
import { RetryDelays } from './retry-delay.ts';

/** The clients of the delivery function. */
export interface DeliveryDependencies {
  dynamodb: DynamoDBClient;
  /** A client that does not retry. */
  sqs: SQSClient;
  secretsManager: SecretsManagerClient;
  logger: Logger;
  metrics: Metrics;
  /** Makes the calls. @default - over HTTPS, as configured */
  caller?: Pick<HttpCaller, 'post'>;
  /** Simulated runs use shorter times. @default DELIVERY_TIMES */
  times?: DeliveryTimes;
  /** Called after each batch. */
  onBatch?: (report: DeliveryReport) => void;
}

/** A handler for batches from a delivery queue. */
export type DeliveryHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Creates the Lambda handler of a destination, which returns partial batch responses. */
export function createHandler(config: DeliveryConfig, dependencies: DeliveryDependencies): DeliveryHandler {
  const { dynamodb, sqs, secretsManager, logger, metrics, times = DELIVERY_TIMES } = dependencies;
  const { url, timeoutMs, ratePerSecond, addresses, content, fields } = config;
  const caller = dependencies.caller ?? new HttpCaller({ addresses, timeoutMs });
  const { queueUrl, deadLetterQueueUrl } = config;
  const store = new DestinationStore(dynamodb, {
    tableName: config.stateTable,
    name: config.destination,
    facts: { origin: url.origin, queueUrl, deadLetterQueueUrl },
  });
  const gate = new Gate({ store, times, ratePerSecond, attemptMs: MAX_CALLS_PER_ATTEMPT * timeoutMs });
  const credentials = new Credentials(secretsManager, config.credentials, caller);
  const exits = new MessageExits(sqs, config.destination, config);
  const marks = new DeliveryMarks(dynamodb, config.claimsTable, config.destination);
  const delays = new RetryDelays(times);
  const redaction = contentRedactionReader(config.redaction, () => secretsManager);

  const handle = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const endMs = Date.now() + context.getRemainingTimeInMillis();
    const batch = new DeliveryBatch(
      {
        content: { content, fields, redaction: await redaction() },
        calls: new DestinationCalls({ url, timeoutMs, gate, caller, credentials, log: logger }, endMs),
        marks,
        delays,
        exits,
        log: logger,
      },
      endMs,
    );
    const report = await batch.deliver(event.Records);
    measure(metrics, report);
    dependencies.onBatch?.(report);
    const returned = [...report.ends].filter(([, end]) => end === 'returned');
    return { batchItemFailures: returned.map(([itemIdentifier]) => ({ itemIdentifier })) };
  };
  // Do not respond early: this batch would continue while the next one runs.
  return (
    middy<SQSEvent, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
      // Overrides the environment, because events contain data that redaction removes.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .use(logMetrics(metrics))
      .handler(handle) as unknown as DeliveryHandler
  );
}

function measure(metrics: Metrics, report: DeliveryReport): void {
  const { ends, failedCalls, callMs, latencyMs, waitsFor } = report;
  const add = (name: DeliveryMetricName, value: number) =>
    metrics.addMetric(name, DELIVERY_METRICS[name].unit, value);
  const count = (wanted: MessageEnd) => [...ends.values()].filter((end) => end === wanted).length;
  add('EventsDelivered', count('delivered'));
  add('DuplicatesDropped', count('duplicate'));
  add('EventsDeadLettered', count('dead_lettered'));
  add('EventsQuarantined', count('quarantined'));
  add('MessagesReturned', count('returned'));
  add('CallsFailed', failedCalls);
  add('BreakerOpen', waitsFor === 'open' || waitsFor === 'probe' ? 1 : 0);
  add('Stopped', waitsFor === 'stopped' ? 1 : 0);
  for (const value of callMs) add('CallDuration', value);
  for (const value of latencyMs) add('ReceivedToDeliveredLatency', value);
}
