import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, ScheduledEvent, SQSEvent } from 'aws-lambda';
import { contentRedactionReader } from '../../lib/aws/content-redaction-key.ts';
import { BACKFILL_METRICS, type BackfillMetricName } from '../../lib/aws/metric-names.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { gapIdIn, gapsMessage } from '../../lib/events/gaps-message.ts';
import { PacedRequests } from '../../lib/genesys/paced-requests.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { type Credentials, TokenSource } from '../../lib/genesys/token-source.ts';
import { Backfill, type BackfillReport } from './backfill.ts';
import type { BackfillConfig } from './backfill-config.ts';
import { BackfillMarks } from './backfill-marks.ts';
import { EventSender } from './event-sender.ts';
import { FILL_TIMES, type FillTimes } from './fill.ts';
import { FillStore } from './fill-store.ts';
import { uncoveredParts } from './uncovered-parts.ts';

/** Part of an invocation that is left for storing progress and for the next wake-up. */
const RESERVE_MS = 10_000;
/** Maximum delay of an SQS message. */
const MAX_DELAY_SECONDS = 900;

/** The backfill's clients. */
export interface BackfillDependencies {
  dynamodb: DynamoDBClient;
  /** A client that does not retry by itself. */
  sqs: SQSClient;
  /** Reads the key for hashes. */
  secretsManager: SecretsManagerClient;
  /** Stores events that do not fit into a message. */
  objects: Pick<ObjectStore, 'bucket' | 'putJson'>;
  credentials: () => Promise<Credentials>;
  logger: Logger;
  metrics: Metrics;
  /** Shorter times make tests and simulations fast. @default FILL_TIMES */
  times?: FillTimes;
  turnMs?: number;
  onReport?: (report: BackfillReport) => void;
}

/** A handler for messages of the gaps queue, and for a schedule that searches for gaps whose message was lost. */
export type BackfillHandler = (event: SQSEvent | ScheduledEvent, context: Context) => Promise<void>;

/** Creates the backfill's Lambda handler. */
export function createHandler(config: BackfillConfig, dependencies: BackfillDependencies): BackfillHandler {
  const {
    dynamodb,
    sqs,
    objects,
    secretsManager,
    logger,
    metrics,
    times = FILL_TIMES,
    turnMs,
    onReport,
  } = dependencies;
  const { apiUrl, loginUrl, requestsPerMinute, stateTable, subscriptionSet, gapsQueueUrl } = config;
  const pace = new PacedRequests(requestsPerMinute);
  const tokens = new TokenSource({ loginUrl, credentials: dependencies.credentials });
  const backfill = new Backfill({
    store: new FillStore(dynamodb, stateTable, subscriptionSet),
    marks: new BackfillMarks(dynamodb, stateTable, subscriptionSet),
    rest: new RestClient({
      apiUrl,
      tokens,
      rateLimit: pace,
      quotes: config.redaction ? 'permissions' : 'message',
    }),
    sender: new EventSender(sqs, config.eventsQueueUrl),
    objects,
    redaction: contentRedactionReader(config.redaction, () => secretsManager),
    times,
    log: logger,
    uncovered: (gap, topics) =>
      uncoveredParts({ client: dynamodb, tableName: stateTable, subscriptionSet }, gap, topics),
    ...(turnMs === undefined ? {} : { turnMs }),
  });
  const handle = async (event: SQSEvent | ScheduledEvent, context: Context) => {
    const requestsBefore = pace.count;
    if ('Records' in event) for (const gapId of gapIdsIn(event)) await backfill.register(gapId);
    else await backfill.sweep();
    const remainingMs = Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
    const report = await backfill.run(AbortSignal.timeout(remainingMs));
    addMetrics(metrics, report, pace.count - requestsBefore);
    onReport?.(report);
    if (report.nextDueMs === undefined) return;
    const DelaySeconds = Math.ceil((report.nextDueMs - Date.now()) / 1000);
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: gapsQueueUrl,
        MessageBody: gapsMessage(),
        DelaySeconds: Math.min(MAX_DELAY_SECONDS, Math.max(0, DelaySeconds)),
      }),
    );
  };
  return middy<SQSEvent | ScheduledEvent, void, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics))
    .handler(handle) as unknown as BackfillHandler;
}

function gapIdsIn({ Records }: SQSEvent): Set<string> {
  return new Set(Records.flatMap(({ body }) => gapIdIn(body) ?? []));
}

function addMetrics(metrics: Metrics, report: BackfillReport, requests: number): void {
  const { recovered, closed, newlyMissing, failures, oldestOpenMs } = report;
  const values: Readonly<Record<BackfillMetricName, number>> = {
    EventsRecovered: recovered,
    GapsFilled: closed.length,
    OldestOpenGapAge: oldestOpenMs === undefined ? 0 : (Date.now() - oldestOpenMs) / 1000,
    PermissionsMissing: newlyMissing,
    RoundsFailed: failures,
    RequestsSent: requests,
  };
  for (const [name, value] of Object.entries(values) as [BackfillMetricName, number][])
    metrics.addMetric(name, BACKFILL_METRICS[name].unit, value);
}
