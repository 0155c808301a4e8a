import { Metrics } from '@aws-lambda-powertools/metrics';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Context, SQSEvent } from 'aws-lambda';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type AwsFaultKind, FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { BusEvent } from 'switchboard-local/emulator/eventbridge/bus-event.ts';
import type { RequestHandler } from 'switchboard-local/emulator/request-handler.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { type GapVerdict, judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { NativeIntegration } from 'switchboard-local/simulator/native-integration.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { type DynamoDbAction, readGapRecords } from '../../bin/local/gap-records.ts';
import { createPartnerBus, partnerCall } from '../../bin/local/partner-bus.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { createBucket, createResources, NAMES } from '../../bin/local/resources.ts';
import { localLimits } from '../../bin/local/simulation-limits.ts';
import { readObject } from '../../bin/local/stored-objects.ts';
import { readConfig as readConsumerConfig } from '../../functions/consumer/consumer-config.ts';
import { createHandler } from '../../functions/consumer/sqs-handler.ts';
import type { IngesterDependencies } from '../../functions/ingester/dependencies.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/ingester-config.ts';
import type { StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { dynamoDbClient, eventBridgeClient, objectStore, sqsClient } from '../../lib/aws/aws-clients.ts';
import { scannedLogger } from '../secret-scan/scanned-logger.ts';

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
/** Time for the ingester to connect, and for the pipeline to settle. */
const TIMEOUT_MS = 60_000;
/** Long enough for a busy machine, because a timeout causes repeats, and shorter than the visibility timeout. */
const FUNCTION_TIMEOUT_MS = 25_000;
const VISIBILITY_TIMEOUT_SECONDS = 30;
const REQUEST_TIMEOUT_MS = 15_000;
// EMF documents would flood the output of the tests.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

const LIMITS = localLimits(parseFaults('none'));

/** What a test can change. */
export interface LocalSystemOptions {
  rates?: Partial<Record<AwsFaultKind, number>>;
  maximumConcurrency?: number;
  /** The simulated Genesys Cloud sends every event, whatever the subscribed topics. */
  everyTopic?: boolean;
  /** The simulated Genesys Cloud sends the events of these topics through its EventBridge integration too. */
  nativeTopics?: readonly string[];
  /** Another protocol than the default one, its environment and limits. */
  ingester?: {
    protocols: readonly StreamProtocol[];
    environment: Record<string, string>;
    limits: IngesterDependencies['limits'] & object;
  };
}

/**
 * The complete path of an event, with every hop over a socket: simulated Genesys Cloud, ingester, local AWS over HTTP,
 * and the consumer as Lambda runs it.
 */
export class LocalSystem {
  readonly simulator: Simulator;
  readonly ledger = new Ledger();
  readonly integration: NativeIntegration;
  readonly emulator: Emulator;
  readonly faults: FaultInjector;
  readonly accounting = new Accounting([new ProtocolAccount(this.ledger)]);
  readonly published: BusEvent[] = [];
  readonly invocations: Invocation[] = [];
  poller!: SqsPoller;
  ingester!: Ingester;
  /** Receipt handle → owner, for messages in progress. */
  private readonly working = new Map<string, string>();
  /** Receipt handle → owner, for returned messages. */
  private readonly returned = new Map<string, string>();
  private readonly http = new NodeHttpHandler({
    connectionTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });

  private constructor({ rates = {}, everyTopic = false, nativeTopics = [] }: LocalSystemOptions) {
    this.faults = new FaultInjector({
      seed: 1,
      rates,
      stallMs: 20,
      onFault: (fault) => this.accounting.onAwsFault(fault),
    });
    this.emulator = new Emulator({ faults: this.faults });
    this.integration = new NativeIntegration({ ledger: this.ledger, seed: 1, topics: nativeTopics });
    this.emulator.eventbridge.onEvent((published) => {
      if (published.busName !== NAMES.bus) return;
      this.published.push(published.event);
      this.accounting.onPublished(published, (bucket, key) => readObject(this.emulator, bucket, key));
    });
    this.simulator = new Simulator({
      seed: 1,
      users: 5,
      queues: 2,
      ledger: this.ledger,
      heartbeatMs: 500,
      requestsPerMinute: 3_000,
      everyTopic,
      integration: this.integration,
    });
  }

  static async start(options: LocalSystemOptions = {}): Promise<LocalSystem> {
    const system = new LocalSystem(options);
    await system.startAll(options);
    return system;
  }

  get events(): Queue {
    return this.emulator.sqs.queue(NAMES.eventsQueue);
  }

  /** Number of messages in a queue, by its name in `NAMES`. */
  countIn(queue: keyof typeof NAMES): number {
    const { visible, delayed, inFlight } = this.emulator.sqs.queue(NAMES[queue]).counts();
    return visible + delayed + inFlight;
  }

  /** Resolves when all sent events are on the bus and the queue is empty. */
  async settled(): Promise<void> {
    if (!(await this.ledger.settled(TIMEOUT_MS)))
      throw new Error(`Not settled after ${TIMEOUT_MS} ms: ${JSON.stringify(this.ledger.report())}`);
    await this.poller.idle(TIMEOUT_MS);
  }

  /**
   * Compares the events that no connection received with the gaps that the product recorded.
   *
   * @param topics - used instead of those of the records, to judge their times only
   */
  async judgeGaps(topics?: readonly string[]): Promise<GapVerdict> {
    const scan: DynamoDbAction = (input) => this.emulator.dynamodb.actions.Scan?.(input);
    const records = await readGapRecords(scan, NAMES.stateTable);
    return judgeGaps(
      this.ledger.missing(),
      records.map((record) => ({ ...record, topics: topics ?? record.topics })),
    );
  }

  /** Stops reading, sends what was read, and waits for the consumer. */
  async drain(): Promise<void> {
    await this.ingester.stop();
    await this.poller.idle(TIMEOUT_MS);
  }

  async close(): Promise<void> {
    await this.ingester.stop();
    await this.poller.stop();
    this.integration.close();
    await this.simulator.close();
    await this.emulator.close();
    this.http.destroy();
  }

  private async startAll({ maximumConcurrency = 5, ingester }: LocalSystemOptions): Promise<void> {
    const { url: cloudUrl } = await this.simulator.listen();
    const { url: endpoint } = await this.emulator.listen();
    const edge = { ...LOCAL, endpoint };
    const [sqs, dynamodb] = [sqsClient(edge), dynamoDbClient(edge)];
    const eventbridge = eventBridgeClient(edge);
    const urls = await createResources({ sqs, dynamodb, eventbridge }, VISIBILITY_TIMEOUT_SECONDS);
    await createPartnerBus(eventbridge, sqs, this.integration.eventSource, urls.eventsQueueUrl);
    this.integration.connect(partnerCall(eventbridge));
    createBucket(this.emulator, NAMES.oversizeBucket);
    this.poller = new SqsPoller({
      sqs: this.emulator.sqs,
      queueName: NAMES.eventsQueue,
      functionTimeoutMs: FUNCTION_TIMEOUT_MS,
      maximumConcurrency,
      createHandler: ({ wrap }) => {
        const consumerEdge = { ...edge, requestHandler: wrap(this.http as unknown as RequestHandler) };
        const config = readConsumerConfig({
          CLAIMS_TABLE: NAMES.claimsTable,
          EVENT_BUS_NAME: NAMES.bus,
          QUARANTINE_QUEUE_URL: urls.quarantineQueueUrl,
          OVERSIZE_BUCKET: NAMES.oversizeBucket,
          LOG_LEVEL: 'SILENT',
        });
        const logger = scannedLogger('consumer');
        const handler = createHandler(config, {
          dynamodb: dynamoDbClient(consumerEdge, 1),
          objectStore: objectStore(config.oversizeBucket, dynamodb, endpoint),
          sqs: sqsClient(consumerEdge),
          eventbridge: eventBridgeClient(consumerEdge),
          logger,
          metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'consumer', logger }),
        });
        return (event: SQSEvent, context: Context) => {
          for (const { receiptHandle, body } of event.Records) this.working.set(receiptHandle, ownerOf(body));
          return handler(event, context);
        };
      },
      onInvocation: (invocation) => this.onInvocation(invocation),
    });
    this.poller.start();
    const config = readIngesterConfig(
      {
        GENESYS_API_URL: cloudUrl,
        GENESYS_LOGIN_URL: cloudUrl,
        GENESYS_CLIENT_ID: 'simulator-client',
        GENESYS_CLIENT_SECRET: 'simulator-secret',
        TOPICS: DEFAULT_TOPICS.join(','),
        EVENTS_QUEUE_URL: urls.eventsQueueUrl,
        STATE_TABLE: NAMES.stateTable,
        OVERSIZE_BUCKET: NAMES.oversizeBucket,
        HEALTH_PORT: '0',
        LOG_LEVEL: 'SILENT',
        ...ingester?.environment,
      },
      ingester?.protocols,
    );
    this.ingester = new Ingester(config, {
      sqs,
      dynamodb,
      objectStore: objectStore(config.oversizeBucket, dynamodb, endpoint),
      credentials: [async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' })],
      log: scannedLogger('ingester'),
      limits: { ...LIMITS.ingester, ...ingester?.limits },
    });
    await this.ingester.start();
    await until(
      () => this.ingester.isCovered && (ingester !== undefined || this.simulator.liveConnections > 0),
    );
  }

  /**
   * Makes returned messages visible as soon as no invocation works on them, instead of after the visibility timeout. A
   * message that was sent twice is two messages of one owner, which have one turn.
   */
  private onInvocation(invocation: Invocation): void {
    const { records, failedMessageIds } = invocation;
    this.invocations.push(invocation);
    this.accounting.onInvocation(invocation, FUNCTION_TIMEOUT_MS);
    for (const { messageId, receiptHandle, body } of records) {
      this.working.delete(receiptHandle);
      if (failedMessageIds.has(messageId)) this.returned.set(receiptHandle, ownerOf(body));
    }
    const busy = new Set(this.working.values());
    for (const [receiptHandle, owner] of this.returned) {
      if (busy.has(owner)) continue;
      this.returned.delete(receiptHandle);
      void this.endLease(owner).then(() => this.makeVisible(receiptHandle));
    }
  }

  private makeVisible(receiptHandle: string): void {
    try {
      this.events.changeVisibility(receiptHandle, 0);
    } catch (error) {
      // On a busy machine its visibility timeout can end before.
      if ((error as { code?: string }).code !== 'MessageNotInflight') throw error;
    }
  }

  /** Ends the lease of a message's turn, which ends before the visibility timeout. */
  private async endLease(owner: string): Promise<void> {
    const client = dynamoDbClient({ ...LOCAL, requestHandler: this.emulator.requestHandler() });
    const update = new UpdateItemCommand({
      TableName: NAMES.claimsTable,
      Key: { pk: { S: `turn#${owner}` } },
      UpdateExpression: 'SET leaseEndsAt = :ended',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':ended': { N: '0' } },
    });
    // A message without a turn was returned before its turn was taken.
    await client.send(update).catch(() => undefined);
  }
}

/** The owner of a native event is its own id. */
function ownerOf(body: string): string {
  const { owner, id } = JSON.parse(body) as { owner?: string; id: string };
  return owner ?? id;
}

/** Resolves when a condition holds. Rejects after the timeout. */
export async function until(condition: () => boolean, timeoutMs = TIMEOUT_MS): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error(`Not true within ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
