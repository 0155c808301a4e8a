import type { ChannelSocket } from '../channel-socket.ts';
import type { StreamEvent } from './stream-event.ts';

/** How events are collected before they are sent. */
export interface Batching {
  readonly maxEvents: number;
  readonly maxLatencyMs: number;
}

/** A client of a stream. */
export class StreamConnection {
  readonly socket: ChannelSocket;
  /** The token that the client sent; empty before that. */
  token = '';
  /** The client's name for its subscription. */
  group = '';
  /** Topics of the events that it receives; undefined before it has subscribed. */
  topics: ReadonlySet<string> | undefined;
  /** Topics of the events that were sent to it. */
  readonly got = new Set<string>();
  /** If undefined, every event is sent at once. */
  batching: Batching | undefined;
  private collected: StreamEvent[] = [];
  private timer: NodeJS.Timeout | undefined;
  private deliver: ((events: readonly StreamEvent[]) => void) | undefined;

  constructor(socket: ChannelSocket) {
    this.socket = socket;
  }

  /** Whether it currently receives events. */
  get isSubscribed(): boolean {
    return this.topics !== undefined && this.socket.live;
  }

  /** Sends a message that is not an event. */
  send(message: object): void {
    this.socket.control(JSON.stringify(message));
  }

  /** Calls `deliver` with the event, or with its batch as soon as the batch is full or old enough. */
  collect(event: StreamEvent, deliver: (events: readonly StreamEvent[]) => void): void {
    const { batching } = this;
    this.deliver = deliver;
    this.collected.push(event);
    if (batching && this.collected.length < batching.maxEvents)
      this.timer ??= setTimeout(() => this.flush(), batching.maxLatencyMs).unref();
    else this.flush();
  }

  /** Sends the batch that is being collected, if there is one. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.collected;
    this.collected = [];
    if (events.length > 0) this.deliver?.(events);
  }
}
