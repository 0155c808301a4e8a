import type { Log } from '../../../../lib/aws/logger.ts';
import type { Channel, ChannelStore } from './channel-store.ts';

/** Maximum wait for a stored channel, after which a new one is created. */
export const MAX_ACQUIRE_MS = 2_000;

/**
 * A channel store whose failures are logged and otherwise ignored, because it only saves channels and events do not
 * depend on it. Calls run one after another, so that a released channel can be acquired by the next call.
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

  /** Waits at most {@link MAX_ACQUIRE_MS}, so a slow store does not delay a connection. */
  async acquire(untilMs: number, clientId: string): Promise<Channel | undefined> {
    let isLate = false;
    const acquiring = this.inTurn('acquire', async () => {
      const channel = await this.store.acquire(untilMs, clientId);
      if (isLate && channel) await this.store.release(channel);
      return channel;
    });
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      isLate = true;
      late.resolve(undefined);
    }, MAX_ACQUIRE_MS);
    try {
      return await Promise.race([acquiring, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async save(channel: Channel): Promise<void> {
    await this.inTurn('save', () => this.store.save(channel));
  }

  async touch(channel: Channel): Promise<boolean> {
    if (this.touched.has(channel)) return true;
    this.touched.add(channel);
    const isHeld = await this.inTurn('touch', () => this.store.touch(channel));
    this.touched.delete(channel);
    return isHeld ?? true;
  }

  async release(channel: Channel): Promise<void> {
    await this.inTurn('release', () => this.store.release(channel));
  }

  async forget(channel: Channel): Promise<void> {
    await this.inTurn('forget', () => this.store.forget(channel));
  }

  /** Settles when all calls made so far have settled. */
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
