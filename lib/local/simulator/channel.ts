import type { ChannelSocket } from './channel-socket.ts';
import { isValid, type Token } from './tokens.ts';

/** A notification channel: topics, at most one socket, a life of its own, bound to the token that made it. */
export class Channel {
  readonly id: string;
  readonly token: Token;
  expiresAtMs: number;
  /** Orders channels by their last use; a count, as times may be equal. */
  lastUse: number;
  socket: ChannelSocket | undefined;
  /** The server has announced that it closes the socket, or has revoked the token. */
  leaving = false;
  /** Subscription as it was asked for → the topics of it that are permitted. */
  readonly subscriptions = new Map<string, readonly string[]>();

  constructor(id: string, token: Token, expiresAtMs: number, lastUse: number) {
    this.id = id;
    this.token = token;
    this.expiresAtMs = expiresAtMs;
    this.lastUse = lastUse;
  }

  /** Topics under which its events arrive. */
  topics(): Set<string> {
    return new Set([...this.subscriptions.values()].flat());
  }

  /** Connected by a socket that takes events. */
  get live(): boolean {
    return this.socket?.live === true;
  }

  /** Live, and nothing known that is about to end it. */
  get steady(): boolean {
    return this.live && !this.leaving && isValid(this.token);
  }
}
