import { isUtf8 } from 'node:buffer';
import type { Log } from '../../../lib/aws/logger.ts';
import { registerSecret } from '../../../lib/events/redaction.ts';
import { GenesysError } from '../../../lib/genesys/genesys-error.ts';
import type { RestClient } from '../../../lib/genesys/rest-client.ts';
import type { TokenSource } from '../../../lib/genesys/token-source.ts';
import { type Channel, type ChannelStore, IN_USE_MS, TOUCH_INTERVAL_MS } from '../channel-store.ts';
import { TolerantChannelStore } from '../tolerant-channel-store.ts';
import { closeRow } from './close-codes.ts';
import { readChannel, readTopicOutcomes } from './notification-channels-answers.ts';
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
import { RejectedTopics } from './rejected-topics.ts';

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
/** A channel that nobody touches is another task's to take after {@link IN_USE_MS}; until well before it is ours. */
const RESUME_LIMIT_MS = IN_USE_MS - TOUCH_INTERVAL_MS;

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
  readonly rejectedTopics: RejectedTopics;
  private readonly options: NotificationChannelsOptions;
  private readonly channels: TolerantChannelStore;
  private topics: readonly string[];
  /** Channels with a planned or open socket, one or two while they overlap, and the topics that each has for sure. */
  private readonly inUse = new Map<Channel, readonly string[] | undefined>();
  /** Channel of the connection lost last, and the topics that it has. */
  private resumable: { channel: Channel; topics: readonly string[]; untilMs: number } | undefined;
  private lastToken = '';
  /** Changes of a channel's topics happen one after the other: a PUT replaces what a POST added. */
  private serial: Promise<unknown> = Promise.resolve();

  constructor(options: NotificationChannelsOptions) {
    this.options = options;
    this.channels = new TolerantChannelStore(options.channels, options.log);
    this.limits = { ...NOTIFICATION_CHANNELS_LIMITS, ...options.limits };
    this.topics = options.topics;
    this.rejectedTopics = new RejectedTopics(options.log);
  }

  async plan({ mode, signal }: PlanRequest): Promise<ConnectionPlan> {
    if (mode === 'reauthenticate') this.options.tokens.invalidate(this.lastToken);
    const channel = this.resume(mode) ?? (await this.preparedChannel(signal));
    const toucher = setInterval(() => void this.channels.touch(channel), TOUCH_INTERVAL_MS);
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
    await this.channels.settled();
  }

  /** Take another set of topics; channels in use get the difference, without a reconnect. */
  async updateTopics(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const previous = this.topics;
    const removed = new Set(previous);
    const added = topics.filter((topic) => !removed.delete(topic));
    if (added.length === 0 && removed.size === 0) return;
    this.topics = topics;
    await this.inTurn(async () => {
      for (const [channel, present] of this.inUse) {
        // There is no call that removes some topics, so a removal sets the whole list; so does a change missed before.
        if (removed.size > 0 || present !== previous) await this.putTopics(channel, signal);
        else await this.setTopics('POST', channel, added, topics, signal);
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
    const { channel, topics, untilMs } = resumable;
    if (Date.now() >= untilMs) return undefined;
    const endsAtMs = Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs);
    if (mode === 'resume' && topics === this.topics && endsAtMs > Date.now()) {
      this.inUse.set(channel, topics);
      return channel;
    }
    void this.channels.release(channel);
    return undefined;
  }

  /** A stored or new channel with all topics set. */
  private async preparedChannel(signal: AbortSignal): Promise<Channel> {
    const channel = (await this.storedChannel(signal)) ?? (await this.newChannel(signal));
    this.inUse.set(channel, undefined);
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
    const channel = await this.channels.acquire(Date.now() + REPLACE_EARLY_MS);
    if (!channel) return undefined;
    registerSecret(channel.id);
    try {
      await this.options.rest.call({ method: 'HEAD', ...channelPath(channel), signal });
      return channel;
    } catch (error) {
      if (!(error instanceof GenesysError) || error.retriable) {
        void this.channels.release(channel);
        throw error;
      }
      void this.channels.forget(channel);
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
    const { id, connectUri, expires } = readChannel(answer);
    registerSecret(id);
    const channel = { id, connectUri, expiresAtMs: Date.parse(expires), tokenExpiresAtMs: token.expiresAtMs };
    void this.channels.save(channel);
    return channel;
  }

  private async putTopics(channel: Channel, signal: AbortSignal): Promise<void> {
    const { topics } = this;
    await this.setTopics('PUT', channel, topics, topics, signal);
    if (topics.length > 0 && topics.every((topic) => this.rejectedTopics.has(topic))) {
      throw new GenesysError(
        'missing_permission',
        'Genesys Cloud rejected every topic: give the OAuth client a role with the permissions they need',
        { retriable: false },
      );
    }
  }

  /** Set (PUT) or add (POST) topics of a channel, which afterwards has `whole`. */
  private async setTopics(
    method: 'PUT' | 'POST',
    channel: Channel,
    topics: readonly string[],
    whole: readonly string[],
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
    this.rejectedTopics.learn(readTopicOutcomes(answer), method === 'PUT');
    if (this.inUse.has(channel)) this.inUse.set(channel, whole);
  }

  private release(channel: Channel, outcome: Release): void {
    const topics = this.inUse.get(channel);
    this.inUse.delete(channel);
    // While connections overlap the other one is live: then nothing has to be resumed.
    if (outcome === 'resumable' && topics !== undefined && this.inUse.size === 0)
      this.resumable = { channel, topics, untilMs: Date.now() + RESUME_LIMIT_MS };
    else if (outcome === 'gone') void this.channels.forget(channel);
    else void this.channels.release(channel);
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.serial.then(change, change);
    this.serial = turn.catch(() => undefined);
    return turn;
  }
}

function channelPath(channel: Channel) {
  return { path: '/api/v2/notifications/channels/{channelId}', parameters: { channelId: channel.id } };
}

function replaceBy(expiresAtMs: number): number {
  const leftMs = expiresAtMs - Date.now();
  return expiresAtMs - Math.min(REPLACE_EARLY_MS, leftMs * REPLACE_EARLY_SHARE);
}
