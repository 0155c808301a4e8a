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
  /** Sends everything after this serial number again. */
  replay(connection: StreamConnection, afterSerial: number): void;
  /** Sends what no client got since the last one was disconnected, if that was at most so long ago. */
  resend(connection: StreamConnection, withinMs: number): void;
  /** Whether a token was issued and is neither expired nor revoked. */
  isValidToken(token: string): boolean;
  /** A handshake fault that waits, if it is one of these. Counts it. */
  takeFault<Kind extends HandshakeFault>(...kinds: readonly Kind[]): Kind | undefined;
}

/** The server side of one stream protocol. It knows the messages; the cloud has the sockets, the ledger and the faults. */
export interface StreamServer {
  /** Path of the upgrade. */
  readonly path: string;
  /** The faults that can happen to it. */
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
   * The state of a conversation that the REST API of the platform knows after an event, as an event of a notification
   * channel; undefined if it knows nothing.
   *
   * @param timestamp - of the event
   */
  remembered?(frame: Frame, timestamp: string): Pick<Frame, 'topicName' | 'eventBody'> | undefined;
  /** A message that clients count and filter out, before the next event. */
  textBefore?(): string | undefined;
  /** A new event. If it is skipped, the server forgets to send it. */
  stamp(frame: Frame, isSkipped: boolean): Stamp;
  /** The data of events for a connection: one, or a batch if the connection has batches. */
  encode(events: readonly StreamEvent[], connection: StreamConnection): Buffer;
  /** Whether it keeps all events, to send them again. */
  readonly replays?: boolean;
  /** Whether it keeps an event that no client got, to send it to the next one. */
  keepsMissed?(topicName: string): boolean;
  /** The answer to a GET request; undefined if there is nothing. */
  get?(path: string): unknown;
  /** Whether data is a binary frame. Default: none is. */
  isBinary?(data: Buffer): boolean;
  /** The next event has the number of the one before it. */
  repeatNumber?(): void;
  /** The server has lost its state. */
  restart?(): void;
  /** A resource is deleted. Its clients are disconnected. Returns whether there was one to delete. */
  removeResource?(connections: readonly StreamConnection[]): boolean;
}
