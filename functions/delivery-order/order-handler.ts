import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { DELIVERY_ORDER_METRICS, type DeliveryOrderMetricName } from '../../lib/aws/metric-names.ts';
import { FifoSender } from './fifo-sender.ts';
import type { OrderConfig } from './order-config.ts';

/** The clients of the order function. */
export interface OrderDependencies {
  sqs: SQSClient;
  logger: Logger;
  metrics: Metrics;
}

/** A handler for batches from the order queue of a delivery. */
export type OrderHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Creates the Lambda handler of the order function, which returns partial batch responses. */
export function createHandler(config: OrderConfig, dependencies: OrderDependencies): OrderHandler {
  const { sqs, logger, metrics } = dependencies;
  const sender = new FifoSender(sqs, config.fifoQueueUrl, logger);
  const handle = async ({ Records }: SQSEvent): Promise<SQSBatchResponse> => {
    const { received, failedMessageIds } = await sender.send(Records);
    const add = (name: DeliveryOrderMetricName, value: number) =>
      metrics.addMetric(name, DELIVERY_ORDER_METRICS[name].unit, value);
    add('EventsReceived', received);
    add('EventsOrdered', received - failedMessageIds.length);
    add('MessagesReturned', failedMessageIds.length);
    return { batchItemFailures: failedMessageIds.map((itemIdentifier) => ({ itemIdentifier })) };
  };
  return (
    middy<SQSEvent, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
      // Overrides the environment, because events contain personal data.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .use(logMetrics(metrics))
      .handler(handle) as unknown as OrderHandler
  );
}
