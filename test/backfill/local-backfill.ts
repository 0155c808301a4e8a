import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Listening, Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { createBucket, createResources, NAMES } from '../../bin/local/resources.ts';
import { readObject } from '../../bin/local/stored-objects.ts';
import { Backfill, type BackfillReport } from '../../functions/backfill/backfill.ts';
import { BackfillMarks } from '../../functions/backfill/backfill-marks.ts';
import { EventSender } from '../../functions/backfill/event-sender.ts';
import type { FillTimes } from '../../functions/backfill/fill.ts';
import { FillStore } from '../../functions/backfill/fill-store.ts';
import { DynamoDbCoverageStore, gapIdOf, topicsId } from '../../functions/ingester/coverage-store.ts';
import {
  dynamoDbClient,
  eventBridgeClient,
  objectStore,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { ContentRules } from '../../lib/events/content-rules.ts';
import { envelopeSchema, type QueuedEvent } from '../../lib/events/schema.ts';
import { PacedRequests } from '../../lib/genesys/paced-requests.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { TestLog } from '../ingester/test-log.ts';

const SUBSCRIPTION_SET = 'default';
const TASK = 'task-1';

/** Rounds without waiting for the end of the gap, which is in the future. */
export const AT_ONCE: FillTimes = {
  roundsAfterMs: [-70_000, -70_000, -70_000],
  edgeMs: 1_000,
  unprovenMs: 2_000,
  retryAfterMs: 60_000,
};

/** A process that is killed at one of its calls. */
export class KillableProcess {
  /** Calls that were made. */
  calls = 0;
  private readonly abort = new AbortController();
  private readonly killAt: number;
  private readonly when: 'before' | 'after';

  /** @param killAt - number of the call, from 0, before which it is killed, or after which without its answer */
  constructor(killAt = Number.POSITIVE_INFINITY, when: 'before' | 'after' = 'before') {
    this.killAt = killAt;
    this.when = when;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  async call<T>(make: () => Promise<T>): Promise<T> {
    const isLast = this.calls === this.killAt;
    if (this.signal.aborted || (isLast && this.when === 'before')) this.kill();
    this.calls++;
    const answer = await make();
    if (isLast) this.kill();
    return answer;
  }

  private kill(): never {
    this.abort.abort();
    throw new Error('killed');
  }
}

/** Starts a simulated Genesys Cloud whose REST API knows everything at once. */
export async function startCloud(options: SimulatorOptions = {}): Promise<LocalCloud> {
  const simulator = new Simulator({ historyDelayMs: 0, requestsPerMinute: 1_000_000, ...options });
  return { simulator, listening: await simulator.listen() };
}

/** A running simulator. */
export interface LocalCloud {
  readonly simulator: Simulator;
  readonly listening: Listening;
}

/** An emulated AWS with a backfill. */
export class LocalBackfill {
  readonly log = new TestLog();
  private readonly emulator: Emulator;
  private readonly cloud: LocalCloud;
  private readonly eventsQueueUrl: string;
  /** Nothing listens there. */
  private s3Url = 'http://127.0.0.1:9';

  private constructor(emulator: Emulator, cloud: LocalCloud, eventsQueueUrl: string) {
    this.emulator = emulator;
    this.cloud = cloud;
    this.eventsQueueUrl = eventsQueueUrl;
  }

  static async start(cloud: LocalCloud): Promise<LocalBackfill> {
    const emulator = new Emulator();
    createBucket(emulator, NAMES.oversizeBucket);
    const edge = edgeOf(emulator, new KillableProcess());
    const { eventsQueueUrl } = await createResources({
      sqs: sqsClient(edge),
      dynamodb: dynamoDbClient(edge),
      eventbridge: eventBridgeClient(edge),
    });
    return new LocalBackfill(emulator, cloud, eventsQueueUrl);
  }

  get store(): FillStore {
    return new FillStore(this.dynamodb(), NAMES.stateTable, SUBSCRIPTION_SET);
  }

  dynamodb(process = new KillableProcess()): DynamoDBClient {
    return dynamoDbClient(edgeOf(this.emulator, process));
  }

  get marks(): BackfillMarks {
    return new BackfillMarks(this.dynamodb(), NAMES.stateTable, SUBSCRIPTION_SET);
  }

  /** What the ingester writes. */
  get coverage(): DynamoDbCoverageStore {
    return new DynamoDbCoverageStore(this.dynamodb(), NAMES.stateTable, SUBSCRIPTION_SET);
  }

  sqs(process = new KillableProcess()): SQSClient {
    return sqsClient(edgeOf(this.emulator, process));
  }

  /** Where large events are stored. The bucket exists once the emulator listens. */
  get objects(): ObjectStore {
    return objectStore(NAMES.oversizeBucket, this.dynamodb(), this.s3Url);
  }

  /** Makes the bucket reachable. @returns ends that */
  async serveBucket(): Promise<() => Promise<void>> {
    this.s3Url = (await this.emulator.listen()).url;
    return () => this.emulator.close();
  }

  /** A stored object, parsed. */
  storedObject(bucket: string, key: string): unknown {
    return readObject(this.emulator, bucket, key);
  }

  get secretsManager(): SecretsManagerClient {
    return secretsManagerClient(edgeOf(this.emulator, new KillableProcess()));
  }

  setSecret(name: string, value: string): void {
    this.emulator.secretsManager.set(name, value);
  }

  queueUrl(name: string): string {
    return this.emulator.sqs.queueUrl(name);
  }

  /** Messages in the gaps queue. */
  wakeUps(): { visible: number; delayed: number; inFlight: number } {
    const { visible, delayed, inFlight } = this.emulator.sqs.queue(NAMES.gapsQueue).counts();
    return { visible, delayed, inFlight };
  }

  /** Records a gap as the ingester does. @returns its id */
  async recordGap(fromMs: number, toMs: number, topics: readonly string[]): Promise<string> {
    const store = this.coverage;
    const id = topicsId(topics);
    await store.putTopics(id, topics);
    const gap = { subscription: 's', topicsId: id, fromMs, toMs, reason: 'a test' };
    await store.putGap(gap, TASK);
    return gapIdOf(gap, TASK);
  }

  /** A new process of the backfill. */
  backfill(
    process = new KillableProcess(),
    {
      times = AT_ONCE,
      turnMs = -1,
      redaction,
    }: { times?: FillTimes; turnMs?: number; redaction?: ContentRules | undefined } = {},
  ): Backfill {
    const { url } = this.cloud.listening;
    const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
    return new Backfill({
      store: new FillStore(this.dynamodb(process), NAMES.stateTable, SUBSCRIPTION_SET),
      marks: new BackfillMarks(this.dynamodb(process), NAMES.stateTable, SUBSCRIPTION_SET),
      rest: new RestClient({
        apiUrl: url,
        tokens: new TokenSource({ loginUrl: url, credentials }),
        fetch: (input, init) => process.call(() => fetch(input, init)),
        rateLimit: new PacedRequests(60_000_000),
      }),
      sender: new EventSender(this.sqs(process), this.eventsQueueUrl),
      objects: this.objects,
      times,
      ...(redaction ? { redaction: async () => new ContentRedaction(redaction) } : {}),
      log: this.log,
      turnMs,
    });
  }

  /** Fills a gap until it is closed. */
  async fill(gapId: string, times: FillTimes = AT_ONCE, redaction?: ContentRules): Promise<BackfillReport> {
    const backfill = this.backfill(undefined, { times, redaction });
    await backfill.register(gapId);
    return backfill.run();
  }

  /** The events in the events queue, in the order in which they were sent, copies included. */
  get sent(): QueuedEvent[] {
    return this.emulator.sqs
      .queue(NAMES.eventsQueue)
      .peek()
      .flatMap(({ body }) => envelopeSchema.parse(JSON.parse(body)).events as QueuedEvent[]);
  }

  /** What the consumer publishes of them: the first of each id. */
  get published(): QueuedEvent[] {
    return [...new Map(this.sent.toReversed().map((event) => [event.id, event])).values()].toReversed();
  }
}

function edgeOf(emulator: Emulator, process: KillableProcess) {
  const handler = emulator.requestHandler();
  const handle: typeof handler.handle = (...args) => process.call(() => handler.handle(...args));
  return {
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { ...handler, handle },
  };
}
