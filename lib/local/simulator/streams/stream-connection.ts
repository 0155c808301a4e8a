import type { ChannelSocket } from '../channel-socket.ts';

/** A client of a stream. */
export class StreamConnection {
  readonly socket: ChannelSocket;
  /** The token that the client sent; empty before that. */
  token = '';
  /** What the client calls its subscription. */
  group = '';
  /** Topics of the events that it gets; undefined before it has subscribed. */
  topics: ReadonlySet<string> | undefined;

  constructor(socket: ChannelSocket) {
    this.socket = socket;
  }

  /** Whether it gets events now. */
  get isSubscribed(): boolean {
    return this.topics !== undefined && this.socket.live;
  }

  /** Sends a message that is not an event. */
  send(message: object): void {
    this.socket.control(JSON.stringify(message));
  }
}
