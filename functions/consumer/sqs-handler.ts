import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import { CONSUMER_METRICS, type ConsumerMetricName } from '../../lib/aws/metric-names.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { BatchReport } from './batch-report.ts';
import { Consumer } from './consumer.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { timeLimits } from './deadline.ts';
import { EventAudit } from './event-audit.ts';
import { Oversize } from './oversize.ts';
import { Publisher } from './publish.ts';
import { Quarantine } from './quarantine.ts';
import { Reservations } from './reservation.ts';
import { Turns } from './turn.ts';

/** Latency values per batch in the metrics. Powertools starts a new EMF document after 100 values of a metric. */
const MAX_LATENCY_SAMPLES = 99;

/** The consumer's clients and callbacks. */
export interface ConsumerDependencies {
  /** A client that does not retry by itself. */
  dynamodb: DynamoDBClient;
  sqs: SQSClient;
  eventbridge: EventBridgeClient;
  /** Stores events that are too large for the bus. If undefined, these events are quarantined. */
  objectStore?: ObjectStore | undefined;
  /** Applied to events of the native integration, which EventBridge puts into the queue unchanged. */
  redaction?: ContentRedaction | undefined;
  /** Receives the audit records. If undefined, none are written. */
  audit?: AuditTrail | undefined;
  logger: Logger;
  metrics: Metrics;
  /** Called after each batch. */
  onBatch?: (report: BatchReport) => void;
}

/** A handler for batches from the events queue. */
export type ConsumerHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Creates the consumer's Lambda handler, which returns partial batch responses. */
export function createHandler(config: ConsumerConfig, dependencies: ConsumerDependencies): ConsumerHandler {
  const { dynamodb, sqs, eventbridge, logger, metrics } = dependencies;
  const audit = new EventAudit(dependencies.audit);
  const consumer = new Consumer({
    reservations: new Reservations(dynamodb, config.claimsTable),
    turns: new Turns(dynamodb, config.claimsTable),
    publisher: new Publisher(eventbridge, {
      busName: config.eventBusName,
      source: config.eventSource,
      oversizeBytes: config.oversizeBytes,
      oversize: dependencies.objectStore && new Oversize(dependencies.objectStore),
      audit,
    }),
    quarantine: new Quarantine(sqs, config.quarantineQueueUrl),
    redaction: dependencies.redaction,
    dedupWindowSeconds: config.dedupWindowSeconds,
    audit,
    log: logger,
  });
  const handle = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    using limits = timeLimits(context.getRemainingTimeInMillis());
    try {
      const report = await consumer.process(event.Records, limits);
      measure(metrics, report);
      dependencies.onBatch?.(report);
      return { batchItemFailures: report.failedMessageIds.map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      // Last, because it must not delay the steps that prevent loss and duplicates.
      const lost = await audit.write(context.getRemainingTimeInMillis());
      if (lost !== undefined)
        metrics.addMetric('AuditRecordsLost', CONSUMER_METRICS.AuditRecordsLost.unit, lost);
    }
  };
  // Do not respond early: this batch would continue while the next one runs. The deadline ends retries in time.
  return (
    middy<SQSEvent, SQSBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
      // Overrides the environment, because events contain data that redaction removes.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .use(logMetrics(metrics))
      .handler(handle) as unknown as ConsumerHandler
  );
}

function measure(
  metrics: Metrics,
  { received, published, duplicates, quarantined, failedMessageIds }: BatchReport,
): void {
  const add = (name: ConsumerMetricName, value: number) =>
    metrics.addMetric(name, CONSUMER_METRICS[name].unit, value);
  add('EventsReceived', received);
  add('EventsPublished', published.length);
  add('DuplicatesDropped', duplicates.length);
  add('EventsQuarantined', quarantined);
  add('EventsLate', published.filter(({ late }) => late).length);
  add('MessagesReturned', failedMessageIds.length);
  const now = Date.now();
  const step = Math.max(1, Math.ceil(published.length / MAX_LATENCY_SAMPLES));
  for (const { receivedAt } of published.filter((_, index) => index % step === 0)) {
    const latencyMs = Math.max(0, now - Date.parse(receivedAt));
    add('ReceivedToPublishedLatency', latencyMs);
  }
}
