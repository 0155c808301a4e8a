/** Interval at which the task that uses a channel touches it. */
export const TOUCH_INTERVAL_MS = 10_000;
/**
 * A channel that was not touched for this long is free: its task ended without releasing it. This is longer than the
 * time after which a silent connection counts as dead, so a task never loses a channel while it still has the
 * connection.
 */
export const IN_USE_MS = 60_000;

/** A notification channel, stored between connections and between tasks. Its id is a secret (P7). */
export interface Channel {
  id: string;
  /** Id of the OAuth client that created the channel. No other client can use it. */
  clientId: string;
  connectUri: string;
  /** Epoch milliseconds at which the platform ends the channel. */
  expiresAtMs: number;
  /** Epoch milliseconds at which the token that created the channel expires. */
  tokenExpiresAtMs: number;
}

/**
 * Stores channels so that a start or an overlap can use an existing one: an OAuth client can have 20. A channel accepts
 * one socket, so one task uses it at a time.
 */
export interface ChannelStore {
  /**
   * Takes a free channel of an OAuth client that does not expire, and whose token does not expire, before `untilMs`
   * (epoch milliseconds). The channel is then in use.
   */
  acquire(untilMs: number, clientId: string): Promise<Channel | undefined>;
  /** Store a new channel, in use. */
  save(channel: Channel): Promise<void>;
  /**
   * Confirm that a channel is in use; expected every {@link TOUCH_INTERVAL_MS}.
   *
   * @returns false if another task holds the channel
   */
  touch(channel: Channel): Promise<boolean>;
  /** Mark the channel as free, unless another task holds it. */
  release(channel: Channel): Promise<void>;
  /** Delete a channel that no longer exists. */
  forget(channel: Channel): Promise<void>;
}

/** Channels in memory, for runs without a state table. */
export class MemoryChannelStore implements ChannelStore {
  /** Free channels; bounded by the platform's 20 channels per client. */
  private readonly free = new Map<string, Channel>();

  async acquire(untilMs: number, clientId: string): Promise<Channel | undefined> {
    for (const [id, channel] of this.free) {
      if (channel.clientId !== clientId) continue;
      this.free.delete(id);
      if (Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs) > untilMs) return channel;
    }
    return undefined;
  }

  async save(): Promise<void> {}

  async touch(): Promise<boolean> {
    return true;
  }

  async release(channel: Channel): Promise<void> {
    this.free.set(channel.id, channel);
  }

  async forget(channel: Channel): Promise<void> {
    this.free.delete(channel.id);
  }
}
