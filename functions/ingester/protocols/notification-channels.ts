import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { Log } from '../../../lib/aws/logger.ts';
import { registerSecret } from '../../../lib/events/redaction.ts';
import { GenesysError } from '../../../lib/genesys/errors.ts';
import type { TokenSource } from '../../../lib/genesys/oauth.ts';
import type { RestClient } from '../../../lib/genesys/rest.ts';
import { type Channel, type ChannelStore, TOUCH_INTERVAL_MS } from '../channel-store.ts';
import { closeRow } from './close-codes.ts';
import { NOTIFICATION_CHANNELS_CLOSES } from './notification-channels-closes.ts';
import { decodeFrame } from './notification-channels-frames.ts';
import type {
  CloseAction,
  CloseCause,
  ConnectionLimits,
  ConnectionPlan,
  Decoded,
  PlanRequest,
  Protocol,
  Release,
} from './protocol.ts';

/** The server's heartbeat comes every 30 s; field experience declares a socket dead after 35 to 40 s. */
export const NOTIFICATION_CHANNELS_LIMITS: ConnectionLimits = {
  openTimeoutMs: 10_000,
  readyTimeoutMs: 10_000,
  silenceMs: 40_000,
  pingIntervalMs: 15_000,
};
/** A connection is replaced this long before its channel or token ends, and at most this share of their life. */
const REPLACE_EARLY_MS = 600_000;
const REPLACE_EARLY_SHARE = 0.2;

const channelSchema = z.object({ id: z.string().min(1), connectUri: z.url(), expires: z.iso.datetime() });
const subscriptionsSchema = z.object({
  entities: z.array(
    z.object({
      id: z.string(),
      state: z.string().default('Permitted'),
      rejectionReason: z.string().optional(),
      rejectReason: z.string().optional(),
    }),
  ),
});

/** What the protocol needs. */
export interface NotificationChannelsOptions {
  rest: RestClient;
  tokens: TokenSource;
  channels: ChannelStore;
  log: Log;
  /** At most 1,000. */
  topics: readonly string[];
  limits?: Partial<ConnectionLimits>;
}

/**
 * Genesys Cloud's notification service: a channel made by REST, its topics set by REST, a socket to its address.
 * One instance keeps the topics of one channel; while connections overlap it has two channels with the same topics,
 * for a channel takes one socket.
 */
export class NotificationChannels implements Protocol {
  readonly name = 'notification-channels';
  readonly limits: ConnectionLimits;
  /** Topics that Genesys Cloud does not let us have, and why. */
  readonly rejectedTopics = new Map<string, string>();
  private readonly options: NotificationChannelsOptions;
  private topics: readonly string[];
  /** Channels with a planned or open socket: one, or two while they overlap. */
  private readonly inUse = new Set<Channel>();
  /** Channel of the connection lost last, and the topics that it has. */
  private resumable: { channel: Channel; topics: readonly string[] } | undefined;
  private lastToken = '';
  /** Changes of a channel's topics happen one after the other: a PUT replaces what a POST added. */
  private serial: Promise<unknown> = Promise.resolve();
  private storing: Promise<unknown> = Promise.resolve();

  constructor(options: NotificationChannelsOptions) {
    this.options = options;
    this.limits = { ...NOTIFICATION_CHANNELS_LIMITS, ...options.limits };
    this.topics = options.topics;
  }

  async plan({ mode, signal }: PlanRequest): Promise<ConnectionPlan> {
    if (mode === 'reauthenticate') this.options.tokens.invalidate(this.lastToken);
    const channel = this.resume(mode) ?? (await this.preparedChannel(signal));
    const toucher = setInterval(
      () => void this.store('touch', (store) => store.touch(channel)),
      TOUCH_INTERVAL_MS,
    );
    return {
      url: channel.connectUri,
      replaceByMs: Math.min(replaceBy(channel.expiresAtMs), replaceBy(channel.tokenExpiresAtMs)),
      release: (outcome) => {
        clearInterval(toucher);
        this.release(channel, outcome);
      },
    };
  }

  openMessages(): readonly string[] {
    return [this.pingMessage()];
  }

  pingMessage(): string {
    return '{"message":"ping"}';
  }

  decode(data: Buffer, isBinary: boolean): Decoded {
    if (isBinary || !isUtf8(data))
      return { kind: 'rejected', reason: isBinary ? 'not_json' : 'invalid_utf8' };
    return decodeFrame(data.toString('utf8'));
  }

  classifyClose(cause: CloseCause): CloseAction {
    return closeRow(NOTIFICATION_CHANNELS_CLOSES, cause).action;
  }

  /** Give back what is held, once no connection is left. */
  async end(): Promise<void> {
    this.resume('fresh');
    await this.storing;
  }

  /** Take another set of topics; channels in use get the difference, without a reconnect. */
  async updateTopics(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const before = new Set(this.topics);
    const added = topics.filter((topic) => !before.delete(topic));
    const hasRemovals = before.size > 0;
    this.topics = topics;
    if (added.length === 0 && !hasRemovals) return;
    for (const topic of before) this.rejectedTopics.delete(topic);
    await this.inTurn(async () => {
      // There is no call that removes some topics, so a removal sets the whole list.
      for (const channel of this.inUse) {
        if (hasRemovals) await this.putTopics(channel, signal);
        else await this.setTopics('POST', channel, added, signal);
      }
    });
  }

  /**
   * The channel of the connection that was just lost, when a new socket is all it needs: it keeps its topics. Every
   * call saved here is a shorter gap.
   */
  private resume(mode: PlanRequest['mode']): Channel | undefined {
    const { resumable } = this;
    this.resumable = undefined;
    if (!resumable) return undefined;
    const { channel, topics } = resumable;
    const endsAtMs = Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs);
    if (mode === 'resume' && topics === this.topics && endsAtMs > Date.now()) {
      this.inUse.add(channel);
      return channel;
    }
    void this.store('release', (store) => store.release(channel));
    return undefined;
  }

  /** A stored or new channel with all topics set. */
  private async preparedChannel(signal: AbortSignal): Promise<Channel> {
    const channel = (await this.storedChannel(signal)) ?? (await this.newChannel(signal));
    this.inUse.add(channel);
    try {
      await this.inTurn(() => this.putTopics(channel, signal));
      return channel;
    } catch (error) {
      this.release(
        channel,
        error instanceof GenesysError && error.code === 'not_found' ? 'gone' : 'reusable',
      );
      throw error;
    }
  }

  private async storedChannel(signal: AbortSignal): Promise<Channel | undefined> {
    const channel = await this.store('acquire', (store) => store.acquire(Date.now() + REPLACE_EARLY_MS));
    if (!channel) return undefined;
    registerSecret(channel.id);
    try {
      await this.options.rest.call({ method: 'HEAD', ...channelPath(channel), signal });
      return channel;
    } catch (error) {
      if (!(error instanceof GenesysError) || error.retriable) {
        void this.store('release', (store) => store.release(channel));
        throw error;
      }
      void this.store('forget', (store) => store.forget(channel));
      return undefined;
    }
  }

  private async newChannel(signal: AbortSignal): Promise<Channel> {
    const token = await this.options.tokens.get(REPLACE_EARLY_MS);
    this.lastToken = token.accessToken;
    const answer = await this.options.rest.call({
      method: 'POST',
      path: '/api/v2/notifications/channels',
      body: {},
      signal,
    });
    const parsed = channelSchema.safeParse(answer);
    if (!parsed.success) {
      throw new GenesysError(
        'unexpected_answer',
        'POST /api/v2/notifications/channels answered without id, connectUri or expires',
        {
          retriable: true,
        },
      );
    }
    const { id, connectUri, expires } = parsed.data;
    registerSecret(id);
    const channel = { id, connectUri, expiresAtMs: Date.parse(expires), tokenExpiresAtMs: token.expiresAtMs };
    void this.store('save', (store) => store.save(channel));
    return channel;
  }

  private async putTopics(channel: Channel, signal: AbortSignal): Promise<void> {
    await this.setTopics('PUT', channel, this.topics, signal);
    if (this.topics.length > 0 && this.topics.every((topic) => this.rejectedTopics.has(topic))) {
      throw new GenesysError(
        'missing_permission',
        'Genesys Cloud rejected every topic: give the OAuth client a role with the permissions they need',
        {
          retriable: false,
        },
      );
    }
  }

  private async setTopics(
    method: 'PUT' | 'POST',
    channel: Channel,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { path, parameters } = channelPath(channel);
    const answer = await this.options.rest.call({
      method,
      path: `${path}/subscriptions`,
      parameters,
      query: { ignoreErrors: 'true' },
      body: topics.map((id) => ({ id })),
      signal,
    });
    this.readRejections(answer);
  }

  /** HTTP 200 is not success: each topic has its own outcome. */
  private readRejections(answer: unknown): void {
    const parsed = subscriptionsSchema.safeParse(answer);
    if (!parsed.success) {
      throw new GenesysError(
        'unexpected_answer',
        'the subscriptions of a channel were answered without entities',
        { retriable: true },
      );
    }
    for (const { id, state, rejectionReason, rejectReason } of parsed.data.entities) {
      if (state === 'Permitted') {
        this.rejectedTopics.delete(id);
        continue;
      }
      const reason = rejectionReason ?? rejectReason ?? state;
      if (this.rejectedTopics.get(id) !== reason) {
        this.options.log.warn('Genesys Cloud rejected a topic; its events will not arrive', {
          topic: id,
          reason,
        });
      }
      this.rejectedTopics.set(id, reason);
    }
  }

  private release(channel: Channel, outcome: Release): void {
    this.inUse.delete(channel);
    // While connections overlap the other one is live: then nothing has to be resumed.
    if (outcome === 'resumable' && this.inUse.size === 0) this.resumable = { channel, topics: this.topics };
    else
      void this.store(outcome, (store) =>
        outcome === 'gone' ? store.forget(channel) : store.release(channel),
      );
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.serial.then(change, change);
    this.serial = turn.catch(() => undefined);
    return turn;
  }

  /**
   * One call of the store after the other, so that a channel given back is there to be taken. The store saves
   * channels, events do not need it: its failure is logged and life goes on.
   */
  private store<T>(action: string, call: (channels: ChannelStore) => Promise<T>): Promise<T | undefined> {
    const { channels, log } = this.options;
    this.storing = this.storing
      .then(() => call(channels))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn('the state table did not answer; channels are not reused meanwhile', { action, reason });
        return undefined;
      });
    return this.storing as Promise<T | undefined>;
  }
}

function channelPath(channel: Channel) {
  return { path: '/api/v2/notifications/channels/{channelId}', parameters: { channelId: channel.id } };
}

function replaceBy(expiresAtMs: number): number {
  const leftMs = expiresAtMs - Date.now();
  return expiresAtMs - Math.min(REPLACE_EARLY_MS, leftMs * REPLACE_EARLY_SHARE);
}
