import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { CONSUMER_METRICS, type ConsumerMetricName } from '../../lib/aws/metric-names.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { Claims } from './claim.ts';
import { type BatchReport, Consumer } from './consumer.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { Deadline } from './deadline.ts';
import { Markers } from './mark.ts';
import { Oversize } from './oversize.ts';
import { Publisher } from './publish.ts';
import { Quarantine } from './quarantine.ts';

/** Kept back from an invocation's time for marking and reporting. */
const RESERVE_MS = 2_000;
/** Of a short time limit no more than this share is kept back. */
const RESERVE_SHARE = 0.3;
/** Latencies a batch that go into the metrics; an EMF document ends with the hundredth value of a metric. */
const LATENCY_SAMPLES = 99;

/** The consumer's connections to the world. */
export interface ConsumerEdges {
  /** A client that does not repeat requests by itself. */
  dynamodb: DynamoDBClient;
  sqs: SQSClient;
  eventbridge: EventBridgeClient;
  /** Takes events that are too large for the bus; without it they are quarantined. */
  objectStore?: ObjectStore | undefined;
  logger: Logger;
  metrics: Metrics;
  /** Told what each batch came to. */
  onBatch?: (report: BatchReport) => void;
}

/** A Lambda handler for batches of the events queue. */
export type ConsumerHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** The consumer as a Lambda handler with partial batch response. */
export function createHandler(config: ConsumerConfig, edges: ConsumerEdges): ConsumerHandler {
  const { dynamodb, sqs, eventbridge, logger, metrics } = edges;
  const consumer = new Consumer({
    claims: new Claims(dynamodb, config.claimsTable, config.dedupWindowSeconds),
    markers: new Markers(dynamodb, config.claimsTable, config.dedupWindowSeconds),
    publisher: new Publisher(eventbridge, {
      busName: config.eventBusName,
      source: config.eventSource,
      oversizeBytes: config.oversizeBytes,
      oversize: edges.objectStore && new Oversize(edges.objectStore),
    }),
    quarantine: new Quarantine(sqs, config.quarantineQueueUrl),
    log: logger,
  });
  const handle = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const leftMs = context.getRemainingTimeInMillis();
    const deadline = new Deadline(Date.now() + leftMs - Math.min(RESERVE_MS, leftMs * RESERVE_SHARE));
    const records = event.Records.map(({ messageId, body, attributes }) => ({
      messageId,
      body,
      receiveCount: Number(attributes.ApproximateReceiveCount),
    }));
    const report = await consumer.process(records, deadline);
    measure(metrics, report);
    edges.onBatch?.(report);
    return { batchItemFailures: report.failedMessageIds.map((itemIdentifier) => ({ itemIdentifier })) };
  };
  // Our own deadline ends retries in time; an early answer would leave the work running beside the next batch.
  return middy<SQSEvent, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics))
    .handler(handle) as unknown as ConsumerHandler;
}

function measure(
  metrics: Metrics,
  { received, published, duplicates, quarantined, failedMessageIds }: BatchReport,
): void {
  const add = (name: ConsumerMetricName, value: number) =>
    metrics.addMetric(name, CONSUMER_METRICS[name].unit, value);
  add('EventsReceived', received);
  add('EventsPublished', published.length);
  add('DuplicatesDropped', duplicates);
  add('EventsQuarantined', quarantined);
  add('EventsLate', published.filter(({ late }) => late).length);
  add('MessagesReturned', failedMessageIds.length);
  const now = Date.now();
  const step = Math.max(1, Math.ceil(published.length / LATENCY_SAMPLES));
  for (const { receivedAt } of published.filter((_, index) => index % step === 0)) {
    const latencyMs = Math.max(0, now - Date.parse(receivedAt));
    add('ReceivedToPublishedLatency', latencyMs);
  }
}
