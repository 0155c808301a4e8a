import type { Log } from '../../lib/aws/logger.ts';
import type { Channel, ChannelStore } from './channel-store.ts';

/**
 * A channel store whose failure is logged and hurts nobody: the store saves channels, events do not need it. Calls
 * are made one after the other, so that a channel given back is there to be taken.
 */
export class TolerantChannelStore implements ChannelStore {
  private readonly store: ChannelStore;
  private readonly log: Log;
  private last: Promise<unknown> = Promise.resolve();
  /** Channels whose touch is under way: while the store is slow no more of them pile up. */
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

  /** Settles when all calls made so far have. */
  async settled(): Promise<void> {
    await this.last;
  }

  private inTurn<T>(action: string, call: () => Promise<T>): Promise<T | undefined> {
    const turn = this.last.then(call).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.log.warn('the state table did not answer; channels are not reused meanwhile', { action, reason });
      return undefined;
    });
    this.last = turn;
    return turn;
  }
}
