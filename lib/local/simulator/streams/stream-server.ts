import type { IncomingHttpHeaders } from 'node:http';
import type { Frame } from '../frame.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { Stamp, StreamEvent } from './stream-event.ts';
import type { HandshakeFault, StreamFaultKind } from './stream-fault-kinds.ts';

/** The request that opens a stream. */
export interface StreamRequest {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What the server of one stream protocol needs from the cloud. */
export interface StreamHost {
  /** Resends everything after this serial number. */
  replay(connection: StreamConnection, afterSerial: number): void;
  /** Resends the events that no client received since the last disconnect, if that was at most this long ago. */
  resend(connection: StreamConnection, withinMs: number): void;
  /** Whether a token was issued and is neither expired nor revoked. */
  isValidToken(token: string): boolean;
  /** The waiting handshake fault, if it is one of these. Counts it. */
  takeFault<Kind extends HandshakeFault>(...kinds: readonly Kind[]): Kind | undefined;
}

/** The server side of one stream protocol. It knows the messages; the cloud has the sockets, the ledger and the faults. */
export interface StreamServer {
  /** Path of the upgrade. */
  readonly path: string;
  /** The faults that can be injected into it. */
  readonly faults: readonly StreamFaultKind[];
  /** Sent at every heartbeat, if the protocol has any. */
  readonly heartbeatText?: string;
  /** The HTTP status that refuses an upgrade, if any. */
  refusal(request: StreamRequest, host: StreamHost): number | undefined;
  /** A client has connected. */
  onOpen(connection: StreamConnection, request: StreamRequest, host: StreamHost): void;
  onText(connection: StreamConnection, text: string, host: StreamHost): void;
  /** The token of this connection has expired. */
  onTokenExpired(connection: StreamConnection): void;
  /** The next event. */
  next(): Frame;
  /**
   * The state of a conversation that the REST API of the platform returns after an event, as an event of a notification
   * channel; undefined if it returns nothing.
   *
   * @param timestamp - of the event
   */
  remembered?(frame: Frame, timestamp: string): Pick<Frame, 'topicName' | 'eventBody'> | undefined;
  /** A message before the next event that clients count and filter out. */
  textBefore?(): string | undefined;
  /** A new event. If it is skipped, the server forgets to send it. */
  stamp(frame: Frame, isSkipped: boolean): Stamp;
  /** The data of events for a connection: one, or a batch if the connection has batches. */
  encode(events: readonly StreamEvent[], connection: StreamConnection): Buffer;
  /** Whether it keeps all events so that it can resend them. */
  readonly replays?: boolean;
  /** Whether it keeps an event that no client received, to send it to the next client. */
  keepsMissed?(topicName: string): boolean;
  /** The response to a GET request; undefined if there is none. */
  get?(path: string): unknown;
  /** Whether data is a binary frame. Default: none is. */
  isBinary?(data: Buffer): boolean;
  /** The next event repeats the number of the previous one. */
  repeatNumber?(): void;
  /** The server has lost its state. */
  restart?(): void;
  /** A resource is deleted. Its clients are disconnected. Returns whether a resource was deleted. */
  removeResource?(connections: readonly StreamConnection[]): boolean;
}
