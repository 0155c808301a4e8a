import { randomUUID } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Context, SQSRecord } from 'aws-lambda';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type AwsFaultKind, type Fault, FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { BusEvent } from 'switchboard-local/emulator/eventbridge/bus-event.ts';
import { bytesToText } from 'switchboard-local/emulator/request-body.ts';
import type { RequestHandler } from 'switchboard-local/emulator/request-handler.ts';
import type { StoredMessage } from 'switchboard-local/emulator/sqs/sqs-queue-types.ts';
import {
  type CallMade,
  type CrashPoint,
  ExecutionEnvironment,
  type Outcome,
} from 'switchboard-local/lambda/environment.ts';
import { failedMessageIds } from 'switchboard-local/lambda/payload.ts';
import { vi } from 'vitest';
import { createAuditLog } from '../../bin/local/audit-records.ts';
import { localRedaction } from '../../bin/local/local-redaction.ts';
import { createResources, NAMES } from '../../bin/local/resources.ts';
import type { BatchReport } from '../../functions/consumer/batch-report.ts';
import type { ConsumerConfig } from '../../functions/consumer/consumer-config.ts';
import { fingerprint } from '../../functions/consumer/mark.ts';
import { MAX_PUT_EVENTS_BYTES } from '../../functions/consumer/publish.ts';
import { createHandler } from '../../functions/consumer/sqs-handler.ts';
import { auditTrail } from '../../lib/aws/audit-settings.ts';
import {
  cloudWatchLogsClient,
  dynamoDbClient,
  eventBridgeClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';

/** Targets of the consumer's AWS calls. UpdateItem writes marks, and releases and takes over turns. */
export const CALLS = {
  insert: 'DynamoDB_20120810.BatchExecuteStatement',
  read: 'DynamoDB_20120810.BatchGetItem',
  takeOver: 'DynamoDB_20120810.PutItem',
  mark: 'DynamoDB_20120810.UpdateItem',
  publish: 'AWSEvents.PutEvents',
  quarantine: 'AmazonSQS.SendMessageBatch',
} as const;

const REGION = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const DEDUP_WINDOW_SECONDS = 7 * 86_400;
// Only the test of the metrics enables EMF documents, to keep them out of the test output.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** One delivery of a message. */
export interface Delivered {
  messageId: string;
  body: string;
  receiveCount?: number;
}

/** The result of one invocation. */
export interface Invoked {
  outcome: Outcome;
  /** SQS ids of the messages that are redelivered. */
  failed: string[];
  calls: readonly CallMade[];
}

interface Interception {
  target: string;
  /** Called before the call is made. A response that it returns replaces the call. */
  before?: (body: string) => Promise<object | undefined> | object | undefined;
  /** Called after the call is made, before the consumer gets the response. */
  after?: (body: string) => Promise<void>;
}

/** The consumer as Lambda runs it, on an in-process AWS emulator whose calls can be intercepted one by one. */
export class LocalConsumer {
  readonly emulator: Emulator;
  readonly faults: FaultInjector;
  /** Faults that were injected. */
  readonly happened: readonly Fault[];
  readonly reports: BatchReport[] = [];
  readonly published: BusEvent[] = [];
  readonly calls: { target: string; body: string }[] = [];
  readonly dynamodb: DynamoDBClient;
  private readonly config: ConsumerConfig;
  private readonly logLevel: LogLevel;
  private readonly interceptions: Interception[] = [];
  private readonly answers = new Map<string, () => Promise<object> | object>();
  /** Storage for oversized events; a test may set it. */
  objectStore: ObjectStore | undefined;
  /** Signals of the calls that {@link hang} did not answer. */
  readonly signals: (AbortSignal | undefined)[] = [];
  /** Called before each AWS call of the consumer. */
  onCall: (target: string, body: string) => Promise<void> | void = () => undefined;
  private environments = 0;
  private readonly idle: ExecutionEnvironment[] = [];

  private constructor(
    emulator: Emulator,
    faults: FaultInjector,
    happened: readonly Fault[],
    config: ConsumerConfig,
    logLevel: LogLevel,
  ) {
    this.emulator = emulator;
    this.faults = faults;
    this.happened = happened;
    this.config = config;
    this.logLevel = logLevel;
    this.dynamodb = dynamoDbClient({ ...REGION, requestHandler: emulator.requestHandler() }, 1);
    emulator.eventbridge.onEvent(({ event }) => this.published.push(event));
  }

  /** Creates queues, table and bus as `switchboard local` does. */
  static async create(
    options: {
      seed?: number;
      rates?: Partial<Record<AwsFaultKind, number>>;
      config?: Partial<ConsumerConfig>;
      logLevel?: LogLevel;
    } = {},
  ): Promise<LocalConsumer> {
    const happened: Fault[] = [];
    const faults = new FaultInjector({
      seed: options.seed ?? 1,
      stallMs: 0,
      onFault: (fault) => happened.push(fault),
      ...(options.rates ? { rates: options.rates } : {}),
    });
    faults.enabled = false;
    const emulator = new Emulator({ faults });
    createAuditLog(emulator);
    const edge = { ...REGION, requestHandler: emulator.requestHandler() };
    const { quarantineQueueUrl } = await createResources({
      sqs: sqsClient(edge),
      dynamodb: dynamoDbClient(edge, 1),
      eventbridge: eventBridgeClient(edge),
    });
    const config = {
      claimsTable: NAMES.claimsTable,
      eventBusName: NAMES.bus,
      quarantineQueueUrl,
      eventSource: 'genesys.cloud',
      dedupWindowSeconds: DEDUP_WINDOW_SECONDS,
      oversizeBucket: undefined,
      oversizeBytes: MAX_PUT_EVENTS_BYTES,
      redaction: undefined,
      logLevel: 'SILENT' as const,
      ...options.config,
    };
    faults.enabled = true;
    return new LocalConsumer(emulator, faults, happened, config, options.logLevel ?? 'SILENT');
  }

  /** Ids of the events on the bus, in the order in which they were published. */
  get publishedIds(): string[] {
    return this.published.map(({ detail }) => (detail as { metadata: { eventId: string } }).metadata.eventId);
  }

  get quarantined(): Readonly<StoredMessage>[] {
    return this.emulator.sqs.queue(NAMES.quarantineQueue).peek();
  }

  /** Reasons of the quarantined items. */
  get reasons(): string[] {
    return this.quarantined.map(({ attributes }) => attributes.reason?.stringValue ?? '');
  }

  /** The report of the last batch. */
  get report(): BatchReport {
    const report = this.reports.at(-1);
    if (!report) throw new Error('The consumer has not reported a batch yet.');
    return report;
  }

  /** How many calls of a target the consumer made. */
  count(target: string): number {
    return this.calls.filter((call) => call.target === target).length;
  }

  /** Intercepts the next call of a target. */
  intercept(target: string, interception: Omit<Interception, 'target'>): void {
    this.interceptions.push({ target, ...interception });
  }

  /** Refuses the next call of a target as AWS does. */
  refuse(target: string, type: string, status = 400): void {
    this.intercept(target, {
      before: () => responseOf(status, { __type: type, message: `${type} injected` }),
    });
  }

  /** Refuses every call of a target from now on. */
  deny(target: string, type = 'AccessDeniedException'): void {
    const refusal = { __type: type, message: `${type} injected` };
    this.answers.set(target, () => responseOf(400, refusal));
  }

  /** Answers no call of a target from now on. */
  hang(target: string): void {
    this.answers.set(target, () => new Promise(() => undefined));
  }

  /** Ends {@link deny} and {@link hang}. */
  recover(): void {
    this.answers.clear();
  }

  /** Runs the consumer on a batch. `isLastAttempt`: no time is left for any retry. */
  async invoke(
    messages: readonly Delivered[],
    options: { remainingMs?: number; crashAt?: CrashPoint; isLastAttempt?: boolean } = {},
  ): Promise<Invoked> {
    const { remainingMs = 60_000, crashAt, isLastAttempt = false } = options;
    // The delay before a retry is proportional to this number, and must end before the deadline.
    const random = isLastAttempt ? vi.spyOn(Math, 'random').mockReturnValue(1e9) : undefined;
    const environment = this.idle.pop() ?? this.newEnvironment();
    const outcome = await environment.invoke({
      event: { Records: messages.map(toRecord) },
      context: contextOf(remainingMs),
      timeoutMs: 60_000,
      ...(crashAt ? { crashAt } : {}),
    });
    random?.mockReturnValue(0);
    if (environment.reusable) this.idle.push(environment);
    const ids = new Set(messages.map(({ messageId }) => messageId));
    const failed = outcome.kind === 'response' ? failedMessageIds(outcome.value, ids) : ids;
    return { outcome, failed: [...failed], calls: environment.calls };
  }

  /** Runs the consumer on a batch, and throws if it fails. Returns the SQS ids of the redelivered messages. */
  async deliver(...messages: readonly Delivered[]): Promise<string[]> {
    const { outcome, failed } = await this.invoke(messages);
    if (outcome.kind === 'error') throw outcome.error;
    return failed;
  }

  /** Ends the lease of an attempt that crashed. SQS redelivers the message after that. */
  async endLease(owner: string): Promise<void> {
    await this.dynamodb.send(
      new UpdateItemCommand({
        TableName: NAMES.claimsTable,
        Key: { pk: { S: `turn#${owner}` } },
        UpdateExpression: 'SET leaseEndsAt = :now',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':now': { N: String(Math.floor(Date.now() / 1000)) } },
      }),
    );
  }

  /** An item of the claims table. */
  async item(pk: string): Promise<Record<string, AttributeValue> | undefined> {
    const Key = { pk: { S: pk } };
    return (await this.dynamodb.send(new GetItemCommand({ TableName: NAMES.claimsTable, Key }))).Item;
  }

  /** Puts an item into the claims table. */
  async put(pk: string, attributes: Record<string, AttributeValue>): Promise<void> {
    const Item = { pk: { S: pk }, ...attributes };
    await this.dynamodb.send(new PutItemCommand({ TableName: NAMES.claimsTable, Item }));
  }

  /** Puts a claim into the claims table. */
  async putClaim(eventId: string, owner: string, expiresAtSeconds: number): Promise<void> {
    await this.put(`event#${eventId}`, { owner: { S: owner }, expiresAt: { N: String(expiresAtSeconds) } });
  }

  /** Owner of a claim. */
  async ownerOf(eventId: string): Promise<string | undefined> {
    return (await this.item(`event#${eventId}`))?.owner?.S;
  }

  /** Those of the events that the owner's turn has as done. */
  async marked(owner: string, eventIds: readonly string[]): Promise<string[]> {
    const stored = (await this.item(`turn#${owner}`))?.done?.BS ?? [];
    const done = new Set(stored.map((bytes) => Buffer.from(bytes).toString('base64url')));
    return eventIds.filter((id) => done.has(fingerprint(id)));
  }

  async close(): Promise<void> {
    this.dynamodb.destroy();
    await this.emulator.close();
  }

  private newEnvironment(): ExecutionEnvironment {
    const logger = createLogger('consumer', this.logLevel);
    const metrics = new Metrics({ namespace: 'Switchboard', serviceName: 'consumer', logger });
    return new ExecutionEnvironment(++this.environments, ({ wrap }) => {
      const edge = { ...REGION, requestHandler: this.intercepted(wrap(this.emulator.requestHandler())) };
      return createHandler(this.config, {
        dynamodb: dynamoDbClient(edge, 1),
        sqs: sqsClient(edge),
        eventbridge: eventBridgeClient(edge),
        objectStore: this.objectStore,
        redaction: localRedaction(this.config.redaction),
        audit: auditTrail(this.config.audit, () => cloudWatchLogsClient(edge), {
          service: 'consumer',
          log: logger,
          writes: 'on flush',
        }),
        logger,
        metrics,
        onBatch: (report) => this.reports.push(report),
      });
    });
  }

  private intercepted(inner: RequestHandler): RequestHandler {
    return {
      ...inner,
      handle: async (request, options) => {
        const target = request.headers['x-amz-target'] ?? '';
        const body =
          typeof request.body === 'string' ? request.body : bytesToText(request.body as Uint8Array);
        this.calls.push({ target, body });
        await this.onCall(target, body);
        if (this.answers.has(target)) this.signals.push(options?.abortSignal as AbortSignal | undefined);
        const answer = await this.answers.get(target)?.();
        if (answer) return { response: answer as never };
        const index = this.interceptions.findIndex((one) => one.target === target);
        const interception = index < 0 ? undefined : this.interceptions.splice(index, 1)[0];
        const replacement = await interception?.before?.(body);
        if (replacement) return { response: replacement as never };
        const response = await inner.handle(request, options);
        await interception?.after?.(body);
        return response;
      },
    };
  }
}

/** An HTTP response with a JSON body. */
export function responseOf(status: number, body: object): object {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  return { statusCode: status, headers, body: Buffer.from(text) };
}

/** An event as the ingester queues it. Different numbers are different events. */
export function queuedEvent(number: number, changes: Partial<QueuedEvent> = {}): QueuedEvent {
  const frame = {
    topicName: 'v2.users.6f6b0d8a-6c1e-4a3e-9a53-0b6c1f3f21e1.activity',
    version: '2',
    eventBody: { number, id: '6f6b0d8a-6c1e-4a3e-9a53-0b6c1f3f21e1' },
    metadata: { CorrelationId: '2f5f7d0a-0a43-4f2c-9d56-6d3bb6b0a1c2' },
  };
  return {
    id: contentIdentity(frame),
    type: 'v2.users.{id}.activity',
    protocol: 'notification-channels',
    receivedAt: '2026-11-20T08:00:00.000Z',
    frame,
    ...changes,
  };
}

/** Several events. */
export function queuedEvents(...numbers: number[]): QueuedEvent[] {
  return numbers.map((number) => queuedEvent(number));
}

/** A message as the ingester sends it, delivered for the first time. */
export function message(
  items: readonly unknown[],
  changes: { id?: string; owner?: string; messageId?: string; receiveCount?: number } = {},
): Required<Delivered> & { owner: string } {
  const id = changes.id ?? randomUUID();
  const owner = changes.owner ?? id;
  const envelope = { v: 1, id, owner, sentAt: '2026-11-20T08:00:00.000Z', events: items };
  return {
    messageId: changes.messageId ?? randomUUID(),
    body: JSON.stringify(envelope),
    receiveCount: changes.receiveCount ?? 1,
    owner,
  };
}

/** The same message as SQS redelivers it. */
export function redelivered<T extends Delivered>(delivered: T): T {
  return { ...delivered, receiveCount: (delivered.receiveCount ?? 1) + 1 };
}

/** Ids of events. */
export function idsOf(events: readonly QueuedEvent[]): string[] {
  return events.map(({ id }) => id);
}

function toRecord({ messageId, body, receiveCount = 1 }: Delivered): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: '0',
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${NAMES.eventsQueue}`,
    awsRegion: 'us-east-1',
  };
}

function contextOf(remainingMs: number): Context {
  const endsAtMs = Date.now() + remainingMs;
  const unsupported = () => {
    throw new Error('nodejs24.x does not support callbacks.');
  };
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'consumer',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:consumer',
    memoryLimitInMB: '256',
    awsRequestId: randomUUID(),
    logGroupName: '/aws/lambda/consumer',
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, endsAtMs - Date.now()),
    done: unsupported,
    fail: unsupported,
    succeed: unsupported,
  };
}

/** Time that passes at once, after everything that needs no time has been done. */
const STEP_MS = 10;

/** With fake timers: lets time pass until the invocation ends, however busy the machine is. */
export async function asTimePasses(invocation: Promise<Invoked>): Promise<Invoked> {
  let isDone = false;
  void invocation.finally(() => {
    isDone = true;
  });
  for (;;) {
    // The AWS of these tests is in memory: what is answered is answered before the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (isDone) return invocation;
    await vi.advanceTimersByTimeAsync(STEP_MS);
  }
}
