import { Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import type { Reconnect } from '../../functions/ingester/protocols/end-table.ts';
import type { ChannelSession } from '../../functions/ingester/protocols/notification-channels/channel-session.ts';
import {
  type Channel,
  type ChannelStore,
  MemoryChannelStore,
} from '../../functions/ingester/protocols/notification-channels/channel-store.ts';
import { SubscriptionChannels } from '../../functions/ingester/protocols/notification-channels/subscription-channels.ts';
import type { OAuthClient, ProtocolContext } from '../../functions/ingester/protocols/stream-protocol.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { TestLog } from './test-log.ts';

/** Topics of one subscription. */
export const TOPICS: readonly string[] = [
  'v2.users.a.presence',
  'v2.users.b?presence&station',
  'v2.routing.queues.q.conversations',
];
/** The call that sets all topics of a channel. */
export const PUT_ALL: RestCall = ['PUT', 'channels/{id}/subscriptions', ...TOPICS];

/** A gap of single topics. */
type TopicGap = Parameters<ProtocolContext['recordGap']>[0];

/** A REST call: method, path without the channel's id, topics. */
export type RestCall = [string, string, ...string[]];

/** The two OAuth clients of the cloud. */
export const CLIENTS = ['simulator-client', 'second-client'] as const;
/** The secret of both clients. */
const CLIENT_SECRET = 'simulator-secret';

/** A simulated Genesys Cloud that records REST calls, and the resources of a protocol that uses it. */
export class ChannelCloud {
  readonly simulator: Simulator;
  readonly log = new TestLog();
  readonly store = new MemoryChannelStore();
  readonly context: ProtocolContext;
  /** The OAuth clients whose secret is filled. */
  readonly clients: [OAuthClient, ...OAuthClient[]];
  /** The second OAuth client; a test adds it to {@link clients}. */
  readonly secondClient: OAuthClient;
  /** The gaps of single topics that were recorded, in order. */
  readonly topicGaps: TopicGap[] = [];
  /** Aborts the calls of the context. */
  readonly abort = new AbortController();
  /** Answers a call instead of the simulator. */
  intercept: (method: string, path: string) => Response | undefined = () => undefined;
  channels: SubscriptionChannels;
  private readonly calls: RestCall[] = [];
  private readonly sessions = new Set<ChannelSession>();

  private constructor(simulator: Simulator, url: string) {
    this.simulator = simulator;
    const recorded: typeof fetch = async (input, init) => {
      const method = init?.method ?? 'GET';
      const path = new URL(String(input)).pathname
        .replace(/streaming-[\w-]+/, '{id}')
        .replace('/api/v2/notifications/', '');
      const isList = typeof init?.body === 'string' && init.body.startsWith('[');
      const body = isList ? (JSON.parse(init.body as string) as { id: string }[]) : [];
      this.calls.push([method, path, ...body.map(({ id }) => id)]);
      return this.intercept(method, path) ?? fetch(input, init);
    };
    const newClient = (clientId: string): OAuthClient => {
      const credentials = async () => ({ clientId, clientSecret: CLIENT_SECRET });
      const tokens = new TokenSource({ loginUrl: url, credentials, fetch: recorded });
      return { tokens, rest: new RestClient({ apiUrl: url, tokens, fetch: recorded }) };
    };
    this.clients = [newClient(CLIENTS[0])];
    this.secondClient = newClient(CLIENTS[1]);
    this.context = {
      clients: async () => this.clients,
      subscriptionSet: 'default',
      log: this.log,
      recordGap: (gap) => void this.topicGaps.push(gap),
      signal: this.abort.signal,
    };
    this.channels = this.newChannels();
  }

  static async start(options: SimulatorOptions = {}): Promise<ChannelCloud> {
    const otherClients = [{ clientId: CLIENTS[1], clientSecret: CLIENT_SECRET }];
    const simulator = new Simulator({ otherClients, ...options });
    const { url } = await simulator.listen();
    return new ChannelCloud(simulator, url);
  }

  /** The channels of another subscription, or of the same one after a restart. */
  newChannels(store: ChannelStore = this.store, client: OAuthClient = this.clients[0]): SubscriptionChannels {
    return new SubscriptionChannels(store, client, this.context);
  }

  /** Open a session; it is released when the test ends. */
  async open(
    recovery: Reconnect = 'resume',
    topics: readonly string[] = TOPICS,
    channels: SubscriptionChannels = this.channels,
  ): Promise<ChannelSession> {
    const session = await channels.open(topics, recovery, this.abort.signal);
    this.sessions.add(session);
    return session;
  }

  /** The calls since the last time, without those for tokens. */
  newCalls(): RestCall[] {
    return this.calls.splice(0).filter(([, path]) => path !== '/oauth/token');
  }

  /** A store that behaves like the memory store, except for some methods. */
  storeWith(methods: Partial<ChannelStore>): ChannelStore {
    return Object.assign(Object.create(this.store) as ChannelStore, methods);
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.release('gone');
    await this.simulator.close();
  }
}

/** A store that always fails. */
export const brokenStore = new Proxy({} as ChannelStore, {
  get: () => () => Promise.reject(new Error('no table')),
});

/** The id of a session's channel. */
export function channelId({ channel }: { readonly channel: Channel }): string {
  return channel.id;
}
