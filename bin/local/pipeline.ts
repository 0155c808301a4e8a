import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import type { GapRecord } from 'switchboard-local/simulator/gap-judge.ts';
import type { NativeIntegration } from 'switchboard-local/simulator/native-integration.ts';
import { type AwsEdge, dynamoDbClient, eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import type { Accounting } from './accounting.ts';
import { auditEnvironment, createAuditLog } from './audit-records.ts';
import { createLocalBackfill } from './backfill-poller.ts';
import { ConsumerFailures } from './consumer-failures.ts';
import { createLocalConsumer } from './consumer-poller.ts';
import { ConsumerTotals } from './consumer-totals.ts';
import { AWS_FAULT_RATES, CONSUMER_CRASH_RATE } from './fault-options.ts';
import { readGapRecords } from './gap-records.ts';
import { LocalDedupWindow } from './local-dedup-window.ts';
import { createLocalIngester, type LocalIngesterOptions } from './local-ingester.ts';
import { redactionVariables } from './local-redaction.ts';
import { createPartnerBus, partnerCall } from './partner-bus.ts';
import { createBucket, createResources, NAMES, type Resources } from './resources.ts';
import { joined, type RunningIngester } from './running-ingester.ts';
import { createLocalWebhook } from './served-webhook.ts';
import { localLimits } from './simulation-limits.ts';
import { readObject } from './stored-objects.ts';

/** Region and credentials of the local AWS. */
export const LOCAL_AWS: AwsEdge = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

/** Options of {@link startPipeline}. */
export interface PipelineOptions extends Omit<LocalIngesterOptions, 'onKilled' | 'isSimulated'> {
  /** Receives the events. Default: an ingester. */
  receivers?: ReadonlySet<'ingester' | 'webhook'>;
  /** Sends events to EventBridge, in addition to the WebSockets of an ingester. */
  integration?: NativeIntegration | undefined;
  seed: number;
  accounting: Accounting;
  /** Which audit records are written. Default `off`. */
  audit?: AuditLevel;
  /** Whether Genesys Cloud is simulated, so that the limits can be shorter. Default false. */
  isSimulated?: boolean;
  /** Whether gaps are filled. Default false. */
  fillsGaps?: boolean;
  /** Called when the ingester process was killed. */
  onIngesterKilled?: () => void;
  /** Deletes old claims, so that memory is bounded. Default false. */
  hasShortDedupWindow?: boolean;
  /** Called for each call that AWS would bill. */
  onCall?: (call: { target: string; body: string }) => void;
  /** Called for each invocation of the consumer. */
  onInvocation?: (invocation: Invocation) => void;
  /** Called with a description of each kind of failure of the consumer. */
  onFailure?: (message: string) => void;
}

/** A running pipeline: local AWS, ingester and consumer. */
export interface Pipeline {
  emulator: Emulator;
  emulatorUrl: string;
  ingester: RunningIngester;
  awsFaults: FaultInjector;
  consumed: ConsumerTotals;
  failures: ConsumerFailures;
  dedupWindow: LocalDedupWindow;
  /** Stops reading, sends what was read, and waits up to `timeoutMs` for the consumer to finish. */
  drain(timeoutMs: number): Promise<void>;
  /** The gaps that the product has recorded so far. */
  gapRecords(): Promise<GapRecord[]>;
  close(): Promise<void>;
}

/** Starts the local AWS, the consumer and the ingester. */
export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { accounting, faults, onCall, seed } = options;
  const awsFaults = new FaultInjector({
    seed,
    rates: Object.fromEntries(faults.aws.map((kind) => [kind, AWS_FAULT_RATES[kind]])),
    onFault: (fault) => accounting.onAwsFault(fault),
  });
  const emulator = new Emulator({ faults: awsFaults, ...(onCall ? { onCall } : {}) });
  const { url } = await emulator.listen();
  const edge = { ...LOCAL_AWS, endpoint: url };
  const clients = {
    sqs: sqsClient(edge),
    dynamodb: dynamoDbClient(edge),
    eventbridge: eventBridgeClient(edge),
  };
  const resources = await createResources(clients, localLimits(faults).visibilityTimeoutSeconds);
  createBucket(emulator, NAMES.oversizeBucket);
  createAuditLog(emulator);
  emulator.eventbridge.onEvent((published) => {
    if (published.busName !== NAMES.bus) return;
    accounting.onPublished(published, (bucket, key) => readObject(emulator, bucket, key));
  });
  const consumed = new ConsumerTotals();
  const failures = new ConsumerFailures(options.onFailure ?? (() => undefined));
  const dedupWindow = new LocalDedupWindow((pk) => deleteClaim(emulator, pk));
  const poller = createPoller(options, emulator, edge, resources.quarantineQueueUrl, {
    consumed,
    failures,
    dedupWindow,
  });
  poller.start();
  if (options.integration) await connect(options.integration, emulator, clients, resources.eventsQueueUrl);
  const backfill = createBackfill(options, emulator, edge, resources);
  backfill?.start();
  const ingester = createReceivers(options, emulator, edge, {
    eventsQueueUrl: resources.eventsQueueUrl,
    gapsQueueUrl: backfill && resources.gapsQueueUrl,
  });
  try {
    await ingester.start();
  } catch (error) {
    await ingester.stop();
    await poller.stop();
    await emulator.close();
    throw error;
  }
  return {
    emulator,
    emulatorUrl: url,
    ingester,
    awsFaults,
    consumed,
    failures,
    dedupWindow,
    drain: async (timeoutMs) => {
      await ingester.stop();
      // The backfill wakes itself until every gap is filled.
      await backfill?.idle(timeoutMs);
      await poller.idle(timeoutMs);
    },
    gapRecords: () => readGapRecords(dynamoDbAction(emulator, 'Scan'), NAMES.stateTable),
    close: async () => {
      await backfill?.stop();
      await poller.stop();
      await emulator.close();
    },
  };
}

/** Connects the integration with its bus. Genesys Cloud calls AWS in-process, like the consumer. */
async function connect(
  integration: NativeIntegration,
  emulator: Emulator,
  { eventbridge, sqs }: { eventbridge: EventBridgeClient; sqs: SQSClient },
  eventsQueueUrl: string,
): Promise<void> {
  await createPartnerBus(eventbridge, sqs, integration.eventSource, eventsQueueUrl);
  const edge = { ...LOCAL_AWS, requestHandler: emulator.requestHandler() };
  integration.connect(partnerCall(eventBridgeClient(edge)));
}

/** The receivers that send events to the events queue. */
function createReceivers(
  options: PipelineOptions,
  emulator: Emulator,
  edge: AwsEdge & { endpoint: string },
  queues: { eventsQueueUrl: string; gapsQueueUrl: string | undefined },
): RunningIngester {
  const { receivers = new Set(['ingester']), isSimulated = false, audit = 'off' } = options;
  const environment = { ...options.environment, ...auditEnvironment(audit) };
  const onKilled = options.onIngesterKilled ?? (() => undefined);
  return joined([
    ...(receivers.has('ingester')
      ? [createLocalIngester({ ...options, environment, isSimulated, onKilled }, edge, queues)]
      : []),
    ...(receivers.has('webhook') ? [createLocalWebhook(options, emulator, edge, queues.eventsQueueUrl)] : []),
  ]);
}

/** The function that fills gaps, if Genesys Cloud can return past events. */
function createBackfill(
  { fillsGaps, genesys, logLevel, redaction, isSimulated = false }: PipelineOptions,
  emulator: Emulator,
  edge: AwsEdge,
  { eventsQueueUrl, gapsQueueUrl }: Resources,
): SqsPoller | undefined {
  if (!fillsGaps) return undefined;
  return createLocalBackfill({
    emulator,
    edge,
    eventsQueueUrl,
    gapsQueueUrl,
    genesys,
    logLevel,
    redaction,
    isSimulated,
  });
}

function createPoller(
  options: PipelineOptions,
  emulator: Emulator,
  edge: AwsEdge,
  quarantineQueueUrl: string,
  observers: Pick<Pipeline, 'consumed' | 'failures' | 'dedupWindow'>,
): SqsPoller {
  const { accounting, faults, seed, logLevel } = options;
  const { consumed, failures, dedupWindow } = observers;
  const timeoutMs = localLimits(faults).consumerTimeoutMs;
  return createLocalConsumer({
    emulator,
    edge,
    quarantineQueueUrl,
    environment: { ...auditEnvironment(options.audit ?? 'off'), ...redactionVariables(options.redaction) },
    logLevel,
    seed,
    timeoutMs,
    crashRate: faults.consumerCrash ? CONSUMER_CRASH_RATE : 0,
    onBatch: (report) => consumed.addBatch(report),
    onInvocation: (invocation) => {
      options.onInvocation?.(invocation);
      consumed.addInvocation(invocation);
      failures.add(invocation.outcome);
      if (options.hasShortDedupWindow) dedupWindow.onInvocation(invocation);
      accounting.onInvocation(invocation, timeoutMs);
    },
  });
}

/** An action of the local DynamoDB. No fault is injected into it. */
function dynamoDbAction(emulator: Emulator, name: string) {
  return (input: Record<string, unknown>) => emulator.dynamodb.actions[name]?.(input);
}

function deleteClaim(emulator: Emulator, pk: string): void {
  try {
    void dynamoDbAction(emulator, 'DeleteItem')({ TableName: NAMES.claimsTable, Key: { pk: { S: pk } } });
  } catch {
    // The table was deleted.
  }
}
