import { randomUUID } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { StoredMessage } from 'switchboard-local/emulator/sqs/sqs-queue-types.ts';
import { SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import { vi } from 'vitest';
import type { DeliveryReport } from '../../functions/delivery/delivery-batch.ts';
import { readConfig } from '../../functions/delivery/delivery-config.ts';
import { createHandler } from '../../functions/delivery/delivery-handler.ts';
import { type Destination, DestinationStore } from '../../functions/delivery/destination-store.ts';
import type { Call, CallResult } from '../../functions/delivery/http-call.ts';
import { dynamoDbClient, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger } from '../../lib/aws/logger.ts';

const EDGE = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const TABLE = 'state';
const CLAIMS = 'claims';
const FUNCTION_TIMEOUT_MS = 120_000;
const VISIBILITY_TIMEOUT_SECONDS = 720;
const MAX_RECEIVES = 1_000;
const RETENTION_SECONDS = 14 * 86_400;
/** Default time of a call. */
const NETWORK_MS = 20;
/** Step of the simulated time while a condition is awaited. */
const STEP_MS = 100;
export const START_MS = Date.parse('2027-01-15T08:00:00Z');
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** A call that the destination has received. */
export interface ReceivedCall {
  readonly atMs: number;
  readonly id: string;
  readonly body: string;
  readonly result: CallResult;
}

/** The current response of a destination. */
export type Answers = (id: string) => CallResult;

export const ACCEPTED: CallResult = { kind: 'answer', status: 200, text: '' };
export const DOWN: CallResult = {
  kind: 'failed',
  reason: 'network',
  message: 'connect ECONNREFUSED',
  mayHaveArrived: false,
};

export function answered(status: number, retryAfter?: string): CallResult {
  return { kind: 'answer', status, text: `answer ${status}`, ...(retryAfter ? { retryAfter } : {}) };
}

/** An event as EventBridge puts it into the delivery queue. */
export function publishedEvent(eventId: string, eventBody: object = {}): object {
  return {
    version: '0',
    id: randomUUID(),
    source: 'genesys.cloud',
    'detail-type': 'v2.users.{id}.presence',
    account: '000000000000',
    time: new Date().toISOString().replace(/\.\d+/, ''),
    region: 'us-east-1',
    resources: [],
    detail: {
      topicName: 'v2.users.1.presence',
      timestamp: new Date().toISOString(),
      eventBody,
      metadata: {
        eventId,
        protocol: 'notification-channels',
        receivedAt: new Date().toISOString(),
        backfilled: false,
        late: false,
        identity: 'stable',
      },
    },
  };
}

type FaultInjectorOptions = ConstructorParameters<typeof FaultInjector>[0];

/** Options of {@link SimulatedDelivery}. */
export interface SimulationOptions {
  /** Environment variables besides those of the resources. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly concurrency?: number;
  /** Time of a call. */
  readonly callMs?: number;
  /** Faults of AWS, and the probability that an invocation is killed. */
  readonly faults?: FaultInjectorOptions;
  readonly crashRate?: number;
}

/**
 * The delivery function as Lambda runs it, with its queues and its table, under fake timers. The destination is a
 * function. A test file mocks `node:timers/promises` with `../ingester/timers-promises.ts`.
 */
export class SimulatedDelivery {
  readonly calls: ReceivedCall[] = [];
  readonly reports: DeliveryReport[] = [];
  /** Events whose invocation was killed: their deliveries have an unknown outcome. */
  readonly unknown = new Set<string>();
  readonly store: DestinationStore;
  answers: Answers = () => ACCEPTED;
  /** Which calls of AWS fail now, by action and body of the request. */
  broken: (action: string, body: string) => boolean = () => false;
  private readonly emulator: Emulator;
  private readonly dynamodb: DynamoDBClient;
  private readonly sqs: SQSClient;
  private readonly poller: SqsPoller;
  private readonly callMs: number;

  private constructor(
    emulator: Emulator,
    { environment = {}, concurrency = 5, callMs = NETWORK_MS, faults, crashRate = 0 }: SimulationOptions,
  ) {
    this.emulator = emulator;
    const edge = { ...EDGE, requestHandler: emulator.requestHandler() };
    this.dynamodb = dynamoDbClient(edge);
    this.sqs = sqsClient(edge);
    this.callMs = callMs;
    const config = readConfig({
      DESTINATION: 'Crm',
      DESTINATION_URL: 'https://crm.example.com/events',
      DELIVERY_QUEUE_URL: this.emulator.sqs.queueUrl('delivery'),
      DEAD_LETTER_QUEUE_URL: this.emulator.sqs.queueUrl('dead-letter'),
      QUARANTINE_QUEUE_URL: this.emulator.sqs.queueUrl('quarantine'),
      STATE_TABLE: TABLE,
      CLAIMS_TABLE: CLAIMS,
      ...environment,
    });
    this.poller = new SqsPoller({
      sqs: this.emulator.sqs,
      queueName: 'delivery',
      maximumConcurrency: concurrency,
      functionTimeoutMs: FUNCTION_TIMEOUT_MS,
      random: new Random(faults?.seed ?? 0),
      crash: { rate: crashRate },
      onCrash: ({ records }) => {
        for (const { body } of records) this.unknown.add(idIn(body));
      },
      createHandler: (lambda) => {
        const own = { ...EDGE, requestHandler: lambda.wrap(this.breakable()) };
        const logger = createLogger('delivery', 'SILENT');
        return createHandler(config, {
          dynamodb: dynamoDbClient(own),
          sqs: sqsClient(own),
          secretsManager: secretsManagerClient(own),
          caller: { post: (call) => this.receive(call) },
          logger,
          metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'delivery', logger }),
          onBatch: (report) => this.reports.push(report),
        });
      },
    });
    const { queueUrl, deadLetterQueueUrl } = config;
    const facts = { origin: config.url.origin, queueUrl, deadLetterQueueUrl };
    this.store = new DestinationStore(this.dynamodb, { tableName: TABLE, name: 'Crm', facts });
  }

  static async start(options: SimulationOptions = {}): Promise<SimulatedDelivery> {
    vi.useFakeTimers({ now: START_MS });
    const faults = options.faults && new FaultInjector(options.faults);
    const emulator = new Emulator(faults ? { faults } : {});
    await createResources(emulator);
    const simulated = new SimulatedDelivery(emulator, options);
    simulated.poller.start();
    return simulated;
  }

  /** Puts events into the delivery queue, as the rule does. */
  async publish(...events: readonly object[]): Promise<void> {
    for (const event of events) await this.publishText(JSON.stringify(event));
  }

  /** Puts an event into the delivery queue with a client that retries, for runs with faults of AWS. */
  async publishReliably(event: object): Promise<void> {
    this.emulator.sqs.queue('delivery').send({ body: JSON.stringify(event) });
  }

  async publishText(MessageBody: string): Promise<void> {
    const QueueUrl = this.emulator.sqs.queueUrl('delivery');
    await this.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }

  /** Lets time pass until a condition holds. */
  async until(isReached: () => boolean, timeoutMs: number): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    while (!isReached()) {
      if (Date.now() >= endMs) throw new Error(`not reached within ${timeoutMs} ms of simulated time`);
      await vi.advanceTimersByTimeAsync(STEP_MS);
    }
  }

  /** Lets time pass. */
  async pass(durationMs: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(durationMs);
  }

  /** Ids of the events that the destination has accepted, in order, including repeats. */
  get accepted(): string[] {
    return this.calls
      .filter(({ result }) => result.kind === 'answer' && result.status < 300)
      .map(({ id }) => id);
  }

  messages(queue: 'delivery' | 'dead-letter' | 'quarantine'): readonly Readonly<StoredMessage>[] {
    return this.emulator.sqs.queue(queue).peek();
  }

  destination(): Promise<Destination> {
    return this.store.read();
  }

  async stop(): Promise<void> {
    const stopped = this.poller.stop();
    await vi.advanceTimersByTimeAsync(FUNCTION_TIMEOUT_MS);
    await stopped;
    vi.useRealTimers();
  }

  private breakable(): ReturnType<Emulator['requestHandler']> {
    const handler = this.emulator.requestHandler();
    return {
      ...handler,
      handle: async (request) => {
        const action = request.headers['x-amz-target']?.split('.').at(-1) ?? '';
        if (this.broken(action, String(request.body)))
          throw Object.assign(new Error('connect ECONNREFUSED'), { name: 'TimeoutError' });
        return handler.handle(request);
      },
    };
  }

  private async receive({ headers, body }: Call): Promise<CallResult> {
    await pause(this.callMs / 2);
    const id = headers['idempotency-key'] ?? '';
    const result = this.answers(id);
    this.calls.push({ atMs: Date.now() - START_MS, id, body, result });
    await pause(this.callMs / 2);
    return result;
  }
}

function idIn(body: string): string {
  return JSON.parse(body).detail.metadata.eventId;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

async function createResources(emulator: Emulator): Promise<void> {
  const edge = { ...EDGE, requestHandler: emulator.requestHandler() };
  const sqs = sqsClient(edge);
  for (const name of ['dead-letter', 'quarantine', 'delivery']) {
    const redrive = {
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead-letter',
      maxReceiveCount: MAX_RECEIVES,
    };
    await sqs.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: {
          MessageRetentionPeriod: String(RETENTION_SECONDS),
          ...(name === 'delivery'
            ? {
                VisibilityTimeout: String(VISIBILITY_TIMEOUT_SECONDS),
                RedrivePolicy: JSON.stringify(redrive),
              }
            : {}),
        },
      }),
    );
  }
  for (const [TableName, ...keys] of [
    [TABLE, 'pk', 'sk'],
    [CLAIMS, 'pk'],
  ])
    await dynamoDbClient(edge).send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: keys.map((AttributeName, index) => ({
          AttributeName,
          KeyType: index === 0 ? 'HASH' : 'RANGE',
        })),
      }),
    );
}
