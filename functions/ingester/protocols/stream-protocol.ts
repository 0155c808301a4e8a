import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type * as z from 'zod';
import type { Log } from '../../../lib/aws/logger.ts';
import type { ReceivedEvent } from '../../../lib/events/item.ts';
import type { RejectionReason } from '../../../lib/events/schema.ts';
import type { RestClient } from '../../../lib/genesys/rest-client.ts';
import type { TokenSource } from '../../../lib/genesys/token-source.ts';
import type { EndCause, EndTable, Reconnect } from './end-table.ts';

/** What a frame means for its connection. */
export type ConnectionSignal =
  /** The handshake is complete: the connection delivers events from now on. */
  | { readonly kind: 'ready' }
  /** Proof of life without content. */
  | { readonly kind: 'alive' }
  /** A text message to send. */
  | { readonly kind: 'send'; readonly message: string }
  /** The server asks for another connection. This one delivers until it is closed. */
  | { readonly kind: 'move'; readonly recovery: Reconnect; readonly reason: string };

/** What a frame brings for the queue, the logs and the metrics. */
export type DataSignal =
  | { readonly kind: 'event'; readonly event: ReceivedEvent }
  /** Sequence numbers that the server did not deliver, both inclusive. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }
  /** Where to resume. It is committed once SQS has accepted everything before it. */
  | { readonly kind: 'cursor'; readonly value: string }
  /** An event that the configuration excludes. */
  | { readonly kind: 'filtered' }
  /** A fact for the log. */
  | { readonly kind: 'notice'; readonly message: string }
  /** The frame is not a valid message of the protocol. It is quarantined. */
  | { readonly kind: 'rejected'; readonly reason: RejectionReason };

/** One thing that a frame says; a frame can say none, one or several. */
export type Signal = ConnectionSignal | DataSignal;

/**
 * State of an ended session. `resumable`: it was ready and can be continued at once · `reusable`: its resources may be
 * used again after a check · `gone`: its resources no longer exist.
 */
export type SessionRemainder = 'resumable' | 'reusable' | 'gone';

/** One connection of a protocol. State of the handshake is kept here, so connections can overlap. */
export interface Session {
  /** Address of the WebSocket; it can contain a secret (P7). */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Epoch milliseconds by which another connection must have replaced this one. */
  readonly replaceByMs?: number;
  /** The socket is open. */
  onOpen(): readonly Signal[];
  onFrame(data: Buffer, isBinary: boolean): readonly Signal[];
  /** Subscribe to something else. Without this method, the connection is replaced by overlap. */
  update?(subscription: Subscription): Promise<void>;
  /** The connection is about to be closed on purpose: last messages. */
  onClosing?(): readonly Signal[];
  /** Store a cursor durably. Calls for one session never overlap; a failed one is repeated with a newer cursor. */
  commit?(cursor: string): Promise<void>;
  /** Called once, after the socket has ended. */
  release?(remainder: SessionRemainder): void;
}

/** What one supervised connection subscribes to. A changed subscription is a new object. */
export interface Subscription {
  /** Topics or event types, for gap records and health. */
  readonly topics: readonly string[];
  /** Topics that the server refuses, and why. */
  readonly rejected?: ReadonlyMap<string, string>;
}

/** The ingester's resources for a protocol. */
export interface ProtocolContext {
  readonly rest: RestClient;
  readonly tokens: TokenSource;
  /** Where state survives a restart; undefined without a state table. */
  readonly stateTable?: { readonly client: DynamoDBClient; readonly name: string } | undefined;
  /** Name of the deployment's subscription set: the key of its records in the state table. */
  readonly subscriptionSet: string;
  readonly log: Log;
  /** Record an interval (epoch milliseconds) in which the server did not serve some topics of a live connection. */
  recordGap(gap: { topics: readonly string[]; fromMs: number; toMs: number; reason: string }): void;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
}

/** How a protocol proves that its connection is alive. */
export interface Liveness {
  /** Milliseconds without a frame or pong after which a connection counts as dead. */
  readonly silenceMs: number;
  readonly ping?: {
    readonly everyMs: number;
    /** Text message; without it a WebSocket ping is sent. */
    readonly message?: string;
    /** Milliseconds to wait for a pong, and missed pongs in a row after which the connection counts as dead. */
    readonly pong?: { readonly withinMs: number; readonly maxMisses: number };
  };
}

/** Limits of one connection. Absent ones have defaults in `transport.ts`. */
export interface SocketLimits {
  /** From the call to the open socket, in milliseconds. */
  readonly openMs?: number;
  /** From the open socket to ready, in milliseconds. */
  readonly readyMs?: number;
  /** A larger frame closes the connection with code 1009. */
  readonly maxFrameBytes?: number;
  /** Offer permessage-deflate. */
  readonly deflate?: boolean;
}

/**
 * A stream protocol: tables, and functions that return what happened. It owns neither sockets nor timers of
 * connections; the ingester acts on what it returns.
 *
 * @typeParam C - its configuration
 * @typeParam S - its subscription
 */
export interface StreamProtocol<C = unknown, S extends Subscription = Subscription> {
  readonly name: string;
  /** Parses the environment variables of the protocol: one field with a description per variable. */
  readonly configuration: z.ZodType<C> & { readonly shape: Readonly<Record<string, z.ZodType>> };
  readonly ends: EndTable;
  readonly liveness: Liveness;
  readonly limits?: SocketLimits;
  /**
   * The subscriptions by name, whenever they change. An unchanged subscription stays the same object. A failure before
   * the first result ends the process.
   */
  subscriptions(configuration: C, context: ProtocolContext): AsyncIterable<ReadonlyMap<string, S>>;
  /** Do everything that precedes opening the socket. */
  connect(
    request: { readonly subscription: S; readonly recovery: Reconnect; readonly after?: EndCause },
    context: ProtocolContext,
  ): Promise<Session>;
  /** The subscription is no longer wanted and its connections are closed. */
  end?(subscription: S, context: ProtocolContext): Promise<void>;
}
