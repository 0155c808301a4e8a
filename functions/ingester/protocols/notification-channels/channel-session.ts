import { partsOf } from '../../../../lib/genesys/combined-topics.ts';
import { replaceBy } from '../connection-token.ts';
import type { Session, SessionRemainder, Signal, Subscription } from '../stream-protocol.ts';
import { readFrame } from './channel-frames.ts';
import { type Channel, TOUCH_INTERVAL_MS } from './channel-store.ts';
import type { RejectedTopics } from './rejected-topics.ts';

/** Requests a reply that proves that the connection is alive. */
export const PING_MESSAGE = '{"message":"ping"}';

/** What a session needs to know about its owner. */
export interface ChannelOwner {
  /** The session is in use. Called every {@link TOUCH_INTERVAL_MS}. */
  touch(session: ChannelSession): void;
  /** Give the channel the topics. */
  setTopics(session: ChannelSession, topics: readonly string[]): Promise<void>;
  release(session: ChannelSession, remainder: SessionRemainder): void;
}

/** A socket to one channel. */
export class ChannelSession implements Session {
  readonly channel: Channel;
  readonly url: string;
  readonly replaceByMs: number;
  /** The topics that the channel has; undefined while they are not known. */
  topics: readonly string[] | undefined;
  /** Another task uses the channel. */
  isTaken = false;
  /** Topics that the channel does not have, and why. */
  readonly rejected: RejectedTopics;
  /**
   * The time since which the channel has topics that it did not have when the socket was opened, in monotonic
   * milliseconds.
   */
  private readonly lateTopics = new Map<string, number>();
  private isOpen = false;
  private readonly owner: ChannelOwner;
  private readonly toucher: NodeJS.Timeout;

  constructor(
    channel: Channel,
    topics: readonly string[] | undefined,
    rejected: RejectedTopics,
    owner: ChannelOwner,
  ) {
    this.channel = channel;
    this.topics = topics;
    this.rejected = rejected;
    this.owner = owner;
    this.url = channel.connectUri;
    this.replaceByMs = Math.min(replaceBy(channel.expiresAtMs), replaceBy(channel.tokenExpiresAtMs));
    this.toucher = setInterval(() => owner.touch(this), TOUCH_INTERVAL_MS);
  }

  onOpen(): readonly Signal[] {
    this.isOpen = true;
    return [{ kind: 'send', message: PING_MESSAGE }];
  }

  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    return [readFrame(data, isBinary)];
  }

  delivers(topicName: string, sinceTick: number): boolean {
    if (this.rejected.concerns(topicName)) return false;
    return (this.lateTopics.get(topicName) ?? Number.NEGATIVE_INFINITY) <= sinceTick;
  }

  /** The channel may or may not have these topics until {@link added} is called. */
  adding(topics: readonly string[]): void {
    this.setLate(topics, Number.POSITIVE_INFINITY);
  }

  /** The server has responded: the channel has these topics, or they are rejected. */
  added(topics: readonly string[]): void {
    this.setLate(topics, performance.now());
  }

  update({ topics }: Subscription): Promise<void> {
    return this.owner.setTopics(this, topics);
  }

  release(remainder: SessionRemainder): void {
    clearInterval(this.toucher);
    this.rejected.recordGaps();
    this.owner.release(this, remainder);
  }

  private setLate(topics: readonly string[], tick: number): void {
    if (!this.isOpen) return;
    for (const topic of topics)
      for (const name of [topic, ...partsOf(topic)]) this.lateTopics.set(name, tick);
  }
}
