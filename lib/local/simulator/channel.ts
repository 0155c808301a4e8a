import type { ChannelSocket } from './channel-socket.ts';
import { isValid, type Token } from './tokens.ts';

/** A notification channel: its topics, at most one socket, an expiry, and the token that created it. */
export class Channel {
  readonly id: string;
  readonly token: Token;
  expiresAtMs: number;
  /** Orders channels by last use. A counter, because timestamps can be equal. */
  lastUse: number;
  socket: ChannelSocket | undefined;
  /** The server has announced that it will close the socket, or has revoked the token. */
  leaving = false;
  /** Subscription as requested → its permitted topics. */
  readonly subscriptions = new Map<string, readonly string[]>();

  constructor(id: string, token: Token, expiresAtMs: number, lastUse: number) {
    this.id = id;
    this.token = token;
    this.expiresAtMs = expiresAtMs;
    this.lastUse = lastUse;
  }

  /** Topics of the events that the channel receives. */
  topics(): Set<string> {
    return new Set([...this.subscriptions.values()].flat());
  }

  /** Whether it has a socket that accepts events. */
  get live(): boolean {
    return this.socket?.live === true;
  }

  /** Whether it is live and nothing is about to end it. */
  get steady(): boolean {
    return this.live && !this.leaving && isValid(this.token);
  }
}
