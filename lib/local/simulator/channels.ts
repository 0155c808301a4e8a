import { announceSecret } from '../announcements.ts';
import { Channel } from './channel.ts';
import { noLongerSubscribedText } from './control-frames.ts';
import { newChannelId } from './identifiers.ts';
import { isValid, type Token } from './tokens.ts';

/** Close code observed in the field when a channel ends: idle, expired or evicted. */
export const CLOSE_GOING_AWAY = 1001;
/** Longest delay that `setTimeout` supports. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ChannelsOptions {
  readonly channelLifeMs: number;
  readonly channelsPerClient: number;
}

/** The platform's channels and their subscriptions. */
export class Channels {
  private readonly options: ChannelsOptions;
  private readonly channels = new Map<string, Channel>();
  private readonly subscribers = new Map<string, Set<Channel>>();
  private readonly timers = new Map<Channel, NodeJS.Timeout>();
  private uses = 0;

  constructor(options: ChannelsOptions) {
    this.options = options;
  }

  get(id: string): Channel | undefined {
    return this.channels.get(id);
  }

  all(): readonly Channel[] {
    return [...this.channels.values()];
  }

  /** Channels with a socket that accepts events. */
  live(): readonly Channel[] {
    return this.all().filter((channel) => channel.live);
  }

  subscribersOf(topicName: string): ReadonlySet<Channel> | undefined {
    return this.subscribers.get(topicName);
  }

  /** Creates a channel. Above the client's limit, the least recently used one is evicted, unconnected ones first. */
  create(token: Token): Channel {
    const own = this.all().filter((channel) => channel.token.clientId === token.clientId);
    if (own.length >= this.options.channelsPerClient) {
      const idle = own.filter((channel) => channel.socket === undefined);
      const candidates = idle.length > 0 ? idle : own;
      this.evict(
        candidates.reduce((oldest, channel) => (channel.lastUse < oldest.lastUse ? channel : oldest)),
      );
    }
    const channel = new Channel(newChannelId(), token, Date.now() + this.options.channelLifeMs, 0);
    this.channels.set(channel.id, channel);
    announceSecret(channel.id);
    this.used(channel);
    this.watch(channel);
    return channel;
  }

  used(channel: Channel): void {
    this.uses += 1;
    channel.lastUse = this.uses;
  }

  /** Replaces the subscriptions of a channel, which renews its expiry. */
  subscribe(channel: Channel, subscriptions: ReadonlyMap<string, readonly string[]>): void {
    this.unindex(channel);
    channel.subscriptions.clear();
    for (const [id, topics] of subscriptions) channel.subscriptions.set(id, topics);
    for (const topic of channel.topics()) {
      const subscribers = this.subscribers.get(topic) ?? new Set();
      this.subscribers.set(topic, subscribers.add(channel));
    }
    channel.expiresAtMs = Date.now() + this.options.channelLifeMs;
    this.used(channel);
    this.watch(channel);
  }

  /** Removes a channel to make room: notifies its client, closes its socket and forgets the id. */
  evict(channel: Channel): void {
    this.remove(channel);
    channel.socket?.control(noLongerSubscribedText(channel.id, channel.token.clientId));
    channel.socket?.close(CLOSE_GOING_AWAY, 'channel replaced');
  }

  /** Forgets all channels. Their sockets stay open. */
  clear(): void {
    for (const channel of this.all()) this.remove(channel);
  }

  /** Closes the channel's socket when the token expires, and removes the channel when the channel expires. */
  private watch(channel: Channel): void {
    clearTimeout(this.timers.get(channel));
    const dueMs = isValid(channel.token)
      ? Math.min(channel.expiresAtMs, channel.token.expiresAtMs)
      : channel.expiresAtMs;
    const delayMs = Math.min(MAX_TIMER_MS, Math.max(0, dueMs - Date.now()));
    this.timers.set(
      channel,
      setTimeout(() => this.due(channel), delayMs),
    );
  }

  private due(channel: Channel): void {
    const expired = channel.expiresAtMs <= Date.now();
    if (expired) this.remove(channel);
    if (expired || !isValid(channel.token)) channel.socket?.close(CLOSE_GOING_AWAY, 'idle timeout');
    if (!expired) this.watch(channel);
  }

  private remove(channel: Channel): void {
    clearTimeout(this.timers.get(channel));
    this.timers.delete(channel);
    this.channels.delete(channel.id);
    this.unindex(channel);
  }

  private unindex(channel: Channel): void {
    for (const topic of channel.topics()) {
      const subscribers = this.subscribers.get(topic);
      subscribers?.delete(channel);
      if (subscribers?.size === 0) this.subscribers.delete(topic);
    }
  }
}
