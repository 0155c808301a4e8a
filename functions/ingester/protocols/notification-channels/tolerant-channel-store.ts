import type { Log } from '../../../../lib/aws/logger.ts';
import type { Channel, ChannelStore } from './channel-store.ts';

/**
 * A channel store whose failures are logged and otherwise ignored: it saves channels, but events do not depend on it.
 * Calls run one after another, so that a released channel can be acquired by the next call.
 */
export class TolerantChannelStore implements ChannelStore {
  private readonly store: ChannelStore;
  private readonly log: Log;
  private last: Promise<unknown> = Promise.resolve();
  /** Channels with a touch in progress, so that touches do not accumulate while the store is slow. */
  private readonly touched = new Set<Channel>();

  constructor(store: ChannelStore, log: Log) {
    this.store = store;
    this.log = log;
  }

  acquire(untilMs: number): Promise<Channel | undefined> {
    return this.inTurn('acquire', () => this.store.acquire(untilMs));
  }

  async save(channel: Channel): Promise<void> {
    await this.inTurn('save', () => this.store.save(channel));
  }

  async touch(channel: Channel): Promise<void> {
    if (this.touched.has(channel)) return;
    this.touched.add(channel);
    await this.inTurn('touch', () => this.store.touch(channel));
    this.touched.delete(channel);
  }

  async release(channel: Channel): Promise<void> {
    await this.inTurn('release', () => this.store.release(channel));
  }

  async forget(channel: Channel): Promise<void> {
    await this.inTurn('forget', () => this.store.forget(channel));
  }

  /** Settles when all calls so far have settled. */
  async settled(): Promise<void> {
    await this.last;
  }

  private inTurn<T>(action: string, call: () => Promise<T>): Promise<T | undefined> {
    const turn = this.last.then(call).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.log.warn('the state table failed; channels are not reused until it recovers', { action, reason });
      return undefined;
    });
    this.last = turn;
    return turn;
  }
}
