import { type GapVerdict, judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { OAuthEndpoint } from 'switchboard-local/simulator/oauth-endpoint.ts';
import { loopbackUrl, PlatformServer } from 'switchboard-local/simulator/platform-server.ts';
import { AnalyticsServer } from 'switchboard-local/simulator/streams/analytics-server.ts';
import { ConversationServer } from 'switchboard-local/simulator/streams/conversation-server.ts';
import { InteractionServer } from 'switchboard-local/simulator/streams/interaction-server.ts';
import { NotificationServer } from 'switchboard-local/simulator/streams/notification-server.ts';
import { StreamCloud } from 'switchboard-local/simulator/streams/stream-cloud.ts';
import type { StreamFaultKind } from 'switchboard-local/simulator/streams/stream-fault-kinds.ts';
import type { StreamServer } from 'switchboard-local/simulator/streams/stream-server.ts';
import { Tokens } from 'switchboard-local/simulator/tokens.ts';
import { gapRecordsOf } from '../../bin/local/gap-records.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import { until } from '../end-to-end/local-system.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { TestLog } from './test-log.ts';

const CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
const TOKEN_LIFE_SECONDS = 3_600;
const HEARTBEAT_MS = 100;
/** It only ends a test that fails. */
const TIMEOUT_MS = 20_000;
/** Events that are received before and after a fault. */
const EVENTS_BETWEEN = 20;
/** Short times, so that every fault is noticed soon. */
const LIMITS = {
  backoff: { baseMs: 10, capMs: 300, stableMs: 500 },
  batcher: { lingerMs: 5 },
  connection: { silenceMs: 1_500, pingEveryMs: 50, pongWithinMs: 100 },
  requestsPerMinute: 10_000,
};

/** A protocol, its simulated server, and the variables of the ingester. */
export interface Stream<Server extends StreamServer = StreamServer> {
  readonly name: string;
  readonly server: Server;
  readonly environment: Readonly<Record<string, string>>;
}

/** The protocols with their simulated servers. */
export const STREAMS = {
  'analytics-events': (server = new AnalyticsServer(1)) => ({
    name: 'analytics-events',
    server,
    environment: { ANALYTICS_EVENT_TYPES: 'conversation,interaction,routing,analytics,user' },
  }),
  'conversation-stream': (server = new ConversationServer(1)) => ({
    name: 'conversation-stream',
    server,
    environment: { CONVERSATION_TYPES: 'voice', CONVERSATION_STATES: 'active' },
  }),
  'interaction-events': (server = new InteractionServer(1)) => ({
    name: 'interaction-events',
    server,
    environment: { INTERACTION_EVENT_TYPES: 'interaction:updated,interaction:created' },
  }),
  'notification-stream': (server = new NotificationServer(1)) => ({
    name: 'notification-stream',
    server,
    environment: {
      NOTIFICATION_SUBSCRIPTIONS: JSON.stringify(server.resources),
      NOTIFICATION_MAX_LATENCY_MS: '20',
    },
  }),
} as const;

/** An ingester between the simulated server of a stream and emulated AWS services, over HTTP and WebSockets. */
export class StreamRun<Server extends StreamServer = StreamServer> {
  readonly server: Server;
  readonly cloud: StreamCloud;
  readonly aws: LocalAws;
  readonly ledger = new Ledger();
  readonly log = new TestLog();
  readonly ingester: Ingester;
  private readonly platform: PlatformServer;

  private constructor(
    { name, server, environment }: Stream<Server>,
    aws: LocalAws,
    url: string,
    parts: Parts,
  ) {
    this.server = server;
    this.cloud = parts.cloud;
    this.ledger = parts.ledger;
    this.platform = parts.platform;
    this.aws = aws;
    const config = readConfig({
      PROTOCOLS: name,
      GENESYS_API_URL: url,
      GENESYS_LOGIN_URL: url,
      GENESYS_CLIENT_ID: CLIENT.clientId,
      GENESYS_CLIENT_SECRET: CLIENT.clientSecret,
      EVENTS_QUEUE_URL: aws.eventsQueueUrl,
      STATE_TABLE,
      HEALTH_PORT: '0',
      ...environment,
    });
    this.ingester = new Ingester(config, {
      sqs: aws.sqs,
      dynamodb: aws.dynamodb,
      credentials: [async () => CLIENT],
      log: this.log,
      limits: LIMITS,
    });
  }

  /** Start everything. The connections become ready later. */
  static async start<Server extends StreamServer>(stream: Stream<Server>): Promise<StreamRun<Server>> {
    const ledger = new Ledger();
    const tokens = new Tokens(TOKEN_LIFE_SECONDS);
    const cloud = new StreamCloud({
      server: stream.server,
      tokens,
      ledger,
      seed: 1,
      heartbeatMs: HEARTBEAT_MS,
      faults: [],
      faultIntervalMs: 1_000,
    });
    const platform = new PlatformServer([new OAuthEndpoint([CLIENT], tokens), cloud]);
    const url = loopbackUrl(await platform.listen());
    const run = new StreamRun(stream, await LocalAws.start(), url, { cloud, ledger, platform });
    await run.ingester.start();
    return run;
  }

  async covered(): Promise<void> {
    await until(() => this.ingester.isCovered && this.cloud.subscribed.length > 0, TIMEOUT_MS);
  }

  /** Publish events. */
  emit(count: number): void {
    for (let left = count; left > 0; left--) this.cloud.emit(this.server.next());
  }

  /** Inject a fault while events are published, until it took effect and the ingester has recovered. */
  async survive(kind: StreamFaultKind): Promise<void> {
    const emitting = setInterval(() => this.emit(1), 5);
    try {
      await this.receive(EVENTS_BETWEEN);
      this.cloud.faults.strike(kind);
      await until(() => this.cloud.faults.counts[kind] === 1, TIMEOUT_MS);
      await this.covered();
      await this.receive(EVENTS_BETWEEN);
    } finally {
      clearInterval(emitting);
    }
    await this.covered();
    await this.cloud.finish();
  }

  /** What became of the events, once the ingester has stopped. */
  async judge(): Promise<{ lost: number; unexpected: number; gaps: GapVerdict; reasons: readonly string[] }> {
    await this.ingester.stop();
    await this.cloud.end();
    this.aws.settle(this.ledger);
    const records = gapRecordsOf(await this.aws.records(''));
    const { lost, unexpected } = this.ledger.report();
    return {
      lost,
      unexpected,
      gaps: judgeGaps(this.ledger.missing(), records),
      reasons: records.map(({ reason }) => reason),
    };
  }

  async close(): Promise<void> {
    await this.ingester.stop();
    await this.platform.close();
    await this.aws.close();
  }

  /** So many more events are received. */
  async receive(count: number): Promise<void> {
    const before = this.ingester.intake.totals.received;
    await until(() => this.ingester.intake.totals.received >= before + count, TIMEOUT_MS);
  }
}

interface Parts {
  readonly cloud: StreamCloud;
  readonly ledger: Ledger;
  readonly platform: PlatformServer;
}
