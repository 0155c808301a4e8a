import { partsOf } from '../../../../lib/genesys/combined-topics.ts';
import { GenesysError } from '../../../../lib/genesys/genesys-error.ts';
import { REPLACE_EARLY_MS } from '../connection-token.ts';
import type { Reconnect } from '../end-table.ts';
import type { OAuthClient, ProtocolContext, SessionRemainder, Subscription } from '../stream-protocol.ts';
import { ChannelCalls } from './channel-calls.ts';
import { type ChannelOwner, ChannelSession } from './channel-session.ts';
import { type Channel, type ChannelStore, IN_USE_MS, TOUCH_INTERVAL_MS } from './channel-store.ts';
import { RejectedTopics } from './rejected-topics.ts';
import { TolerantChannelStore } from './tolerant-channel-store.ts';

/** The topics of one channel, and the channels that serve them. */
export interface ChannelSubscription extends Subscription {
  readonly channels: SubscriptionChannels;
}

/**
 * Another task may take a channel after {@link IN_USE_MS} without a touch. In the last interval before, it is not
 * resumed.
 */
const MAX_RESUME_MS = IN_USE_MS - TOUCH_INTERVAL_MS;

/** Interval at which rejected topics are requested again. */
export const RETRY_REJECTED_MS = 60_000;

/**
 * The channels that serve one set of topics: one, or two while connections overlap, because a channel accepts one
 * socket. All belong to one OAuth client. A lost connection resumes its channel without a REST call, so that the gap is
 * as short as possible.
 */
export class SubscriptionChannels implements ChannelOwner {
  /** The OAuth client that creates the channels. */
  readonly client: OAuthClient;
  /** Topics that no channel has room for. */
  readonly surplus: RejectedTopics;
  private readonly loggedRejections = new Map<string, string>();
  private readonly context: ProtocolContext;
  private readonly store: TolerantChannelStore;
  private readonly inUse = new Set<ChannelSession>();
  /** The rejected topics of the newest channel. */
  private latestRejected: RejectedTopics;
  /** The remains of the most recently lost connection. */
  private resumable:
    | {
        readonly channel: Channel;
        readonly topics: readonly string[];
        readonly rejected: RejectedTopics;
        readonly untilMs: number;
      }
    | undefined;
  private readonly calls: ChannelCalls;
  /** Epoch milliseconds at which topics were last requested. */
  private askedAtMs = 0;

  constructor(store: ChannelStore, client: OAuthClient, context: ProtocolContext) {
    this.client = client;
    this.calls = new ChannelCalls(client);
    this.context = context;
    this.store = new TolerantChannelStore(store, context.log);
    this.surplus = new RejectedTopics(context);
    this.latestRejected = new RejectedTopics(context);
  }

  /** Topics that a channel in use does not have, or that the last one did not have, and why. */
  get rejected(): ReadonlyMap<string, string> {
    const used = [...this.inUse].map(({ rejected }) => rejected);
    return new Map([this.surplus, this.latestRejected, ...used].flatMap((one) => [...one]));
  }

  /** Open a session on the channel of the lost connection, on a stored channel or on a new one, and set all topics. */
  async open(topics: readonly string[], recovery: Reconnect, signal: AbortSignal): Promise<ChannelSession> {
    if (recovery === 'reauthenticate') this.calls.forgetToken();
    const resumed = this.resume(topics, recovery);
    if (resumed) {
      const session = this.use(resumed.channel, topics, resumed.rejected);
      void this.confirm(session);
      return session;
    }
    const session = this.use(
      (await this.storedChannel(signal)) ?? (await this.newChannel(signal)),
      undefined,
    );
    try {
      await this.setTopics(session, topics, signal);
      return session;
    } catch (error) {
      session.release(error instanceof GenesysError && error.code === 'not_found' ? 'gone' : 'reusable');
      throw error;
    }
  }

  /** Release the channel that is kept for a resume, and wait until the store has recorded it. */
  async end(): Promise<void> {
    this.releaseResumable();
    for (const { rejected } of this.inUse) rejected.recordGaps();
    this.surplus.recordGaps();
    await this.store.settled();
  }

  touch(session: ChannelSession): void {
    void this.confirm(session);
    if (session.rejected.size === 0 || Date.now() - this.askedAtMs < RETRY_REJECTED_MS) return;
    void this.retryRejected(session);
  }

  release(session: ChannelSession, remainder: SessionRemainder): void {
    const { channel, topics, rejected } = session;
    this.inUse.delete(session);
    // While another session exists, it replaces this one and nothing has to be resumed.
    if (remainder === 'resumable' && topics !== undefined && !session.isTaken && this.inUse.size === 0)
      this.resumable = { channel, topics, rejected, untilMs: Date.now() + MAX_RESUME_MS };
    else if (remainder === 'gone') void this.store.forget(channel);
    else void this.store.release(channel);
  }

  /**
   * Give the session's channel the topics. If its current topics are known, only added ones are sent. The API cannot
   * remove single topics, so to remove one, the whole list is replaced (PUT).
   *
   * @throws {@link GenesysError} `missing_permission` if every topic is rejected
   */
  async setTopics(
    session: ChannelSession,
    topics: readonly string[],
    signal = this.context.signal,
  ): Promise<void> {
    const present = session.topics;
    const wanted = new Set(topics);
    const known = new Set(present);
    const added = topics.filter((topic) => !known.has(topic));
    const removed = present?.filter((topic) => !wanted.has(topic)) ?? [];
    if (present && added.length === 0 && removed.length === 0) {
      // The list is compared by identity when the session is resumed.
      session.topics = topics;
      return;
    }
    session.topics = undefined;
    session.adding(added);
    if (present && removed.length === 0) await this.changeTopics('POST', session, added, signal);
    else await this.changeTopics('PUT', session, topics, signal);
    session.added(added);
    session.topics = topics;
    if (topics.length > 0 && topics.every((topic) => session.rejected.has(topic))) {
      throw new GenesysError(
        'missing_permission',
        `Genesys Cloud rejected every topic, for example ${topics[0]}: ${session.rejected.get(topics[0] ?? '')}. Check TOPICS, and the role of the OAuth client.`,
        { retriable: false },
      );
    }
  }

  /** Confirm that this task uses the channel. A channel that another task has taken is not resumed. */
  private async confirm(session: ChannelSession): Promise<void> {
    if (await this.store.touch(session.channel)) return;
    this.context.log.warn('another task has taken a channel of this task');
    session.isTaken = true;
  }

  /** Request rejected topics again, because a permission can be granted later. */
  private async retryRejected(session: ChannelSession): Promise<void> {
    const asked = session.topics?.filter((topic) => isRejected(session, topic)) ?? [];
    if (asked.length === 0) return;
    session.adding(asked);
    try {
      await this.changeTopics('POST', session, asked, this.context.signal);
      session.added(asked);
    } catch (error) {
      this.context.log.warn('rejected topics could not be requested again', { error });
    }
  }

  private use(
    channel: Channel,
    topics: readonly string[] | undefined,
    rejected = new RejectedTopics(this.context, this.loggedRejections),
  ): ChannelSession {
    const session = new ChannelSession(channel, topics, rejected, this);
    this.inUse.add(session);
    this.latestRejected = rejected;
    return session;
  }

  private resume(
    topics: readonly string[],
    recovery: Reconnect,
  ): { readonly channel: Channel; readonly rejected: RejectedTopics } | undefined {
    const { resumable } = this;
    // After `untilMs`, another task may use the channel, and releasing it would take it away from that task.
    if (!resumable || Date.now() >= resumable.untilMs) {
      this.resumable = undefined;
      return undefined;
    }
    const { channel } = resumable;
    const hasNotExpired = Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs) > Date.now();
    if (recovery === 'resume' && resumable.topics === topics && hasNotExpired) {
      this.resumable = undefined;
      return resumable;
    }
    this.releaseResumable();
    return undefined;
  }

  private releaseResumable(): void {
    const { resumable } = this;
    this.resumable = undefined;
    if (resumable && Date.now() < resumable.untilMs) void this.store.release(resumable.channel);
  }

  private async storedChannel(signal: AbortSignal): Promise<Channel | undefined> {
    const channel = await this.store.acquire(Date.now() + REPLACE_EARLY_MS, await this.calls.clientId());
    if (!channel) return undefined;
    try {
      if (await this.calls.exists(channel, signal)) return channel;
      void this.store.forget(channel);
      return undefined;
    } catch (error) {
      void this.store.release(channel);
      throw error;
    }
  }

  private async newChannel(signal: AbortSignal): Promise<Channel> {
    const channel = await this.calls.create(signal);
    void this.store.save(channel);
    return channel;
  }

  /** Set (PUT) or add (POST) topics of a channel. */
  private async changeTopics(
    method: 'PUT' | 'POST',
    { channel, rejected }: ChannelSession,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    this.askedAtMs = Date.now();
    const outcomes = await this.calls.changeTopics(method, channel, topics, signal);
    rejected.learn(topics, outcomes, method === 'PUT');
  }
}

/** A combined topic is rejected if one of its parts is. */
function isRejected({ rejected }: ChannelSession, topic: string): boolean {
  return [topic, ...partsOf(topic)].some((one) => rejected.has(one));
}
