import type { Channel } from './channel.ts';
import type { ChannelSocket } from './channel-socket.ts';
import { type Channels, CLOSE_GOING_AWAY } from './channels.ts';
import { SOCKET_CLOSING_TEXT, tokenRevokedText } from './control-frames.ts';
import type { Token, Tokens } from './tokens.ts';

/** Actions of the cloud on its channels. Each method returns the number of channels it hit. */
export class Hooks {
  private readonly channels: Channels;
  private readonly tokens: Tokens;
  private readonly graceMs: number;
  private readonly timers = new Set<NodeJS.Timeout>();

  /** @param graceMs time between the announcement of a close and the close */
  constructor(channels: Channels, tokens: Tokens, graceMs: number) {
    this.channels = channels;
    this.tokens = tokens;
    this.graceMs = graceMs;
    tokens.onRevoked((token) => this.leaveWith(token));
  }

  /** Ends the connection with FIN and no close frame once everything is flushed. */
  drop(channelId?: string): number {
    return this.each(channelId, (_channel, socket) => socket.drop());
  }

  /** Leaves the connection open but stops sending, reading and responding. */
  silence(channelId?: string): number {
    return this.each(channelId, (_channel, socket) => socket.silence());
  }

  /** Closes with a close frame, after `afterFrames` more events. */
  close(code: number, channelId?: string, afterFrames = 0): number {
    return this.each(channelId, (_channel, socket) => {
      if (afterFrames > 0) socket.frameFaults.closeAfter(afterFrames, code);
      else socket.close(code, '');
    });
  }

  /** Announces maintenance, and closes all sockets that are still connected after the grace period. */
  closingSoon(channelId?: string): number {
    return this.each(channelId, (channel, socket) => {
      socket.control(SOCKET_CLOSING_TEXT);
      this.leave(channel, socket, 'maintenance');
    });
  }

  /** Evicts a channel, by default the least recently used live one. */
  evict(channelId?: string): number {
    const channel =
      channelId === undefined
        ? this.channels.live().toSorted((a, b) => a.lastUse - b.lastUse)[0]
        : this.channels.get(channelId);
    if (channel === undefined) return 0;
    this.channels.evict(channel);
    return 1;
  }

  /** Revokes tokens (default: all). Their channels are notified, and closed after the grace period. */
  revoke(token?: Token): number {
    const revoked = token === undefined ? this.tokens.valid() : [token];
    for (const one of revoked) this.tokens.revoke(one);
    return this.channels.all().filter((channel) => revoked.includes(channel.token)).length;
  }

  duplicateNext(channelId?: string): number {
    return this.each(channelId, (_channel, socket) => socket.frameFaults.duplicateNext());
  }

  reorderNext(channelId?: string): number {
    return this.each(channelId, (_channel, socket) => socket.frameFaults.overtakeNext());
  }

  /** Sends data that is not an event. A `Buffer` is sent as a binary frame. */
  garbage(data: string | Buffer, channelId?: string): number {
    return this.each(channelId, (_channel, socket) => socket.control(data));
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private leaveWith(token: Token): void {
    for (const channel of this.channels.all()) {
      const { socket } = channel;
      if (socket === undefined || channel.token !== token) continue;
      socket.control(tokenRevokedText(channel.id, token.clientId));
      this.leave(channel, socket, 'token revoked');
    }
  }

  private leave(channel: Channel, socket: ChannelSocket, reason: string): void {
    channel.leaving = true;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      socket.close(CLOSE_GOING_AWAY, reason);
    }, this.graceMs);
    this.timers.add(timer);
  }

  private each(
    channelId: string | undefined,
    hit: (channel: Channel, socket: ChannelSocket) => void,
  ): number {
    let count = 0;
    for (const channel of this.channels.live()) {
      if (channel.socket === undefined || (channelId !== undefined && channel.id !== channelId)) continue;
      hit(channel, channel.socket);
      count += 1;
    }
    return count;
  }
}
