import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type * as z from 'zod';
import type { Log } from '../../../lib/aws/logger.ts';
import type { ReceivedEvent } from '../../../lib/events/item.ts';
import type { RejectionReason } from '../../../lib/events/schema.ts';
import type { RestClient } from '../../../lib/genesys/rest-client.ts';
import type { TokenSource } from '../../../lib/genesys/token-source.ts';
import type { End, EndCause, EndTable, Reconnect } from './end-table.ts';

/** The subjects under which notices are counted. */
export const NOTICE_SUBJECTS = ['unknown_message', 'new_field', 'other'] as const;
/**
 * The subject of a notice. `unknown_message`: a message of a type that the protocol does not define · `new_field`: a
 * field that the schema does not define, reported once per name.
 */
export type NoticeSubject = (typeof NOTICE_SUBJECTS)[number];

/** What a frame means for its connection. */
export type ConnectionSignal =
  /**
   * The handshake is complete: the connection delivers events from now on, or as soon as a pong shows that the server
   * has read what was sent.
   */
  | { readonly kind: 'ready'; readonly after?: 'pong' }
  /** A text message to send. */
  | { readonly kind: 'send'; readonly message: string }
  /** The server refuses the session in a message. The connection is closed, and `end` says how to continue. */
  | { readonly kind: 'refused'; readonly end: End; readonly reason: string }
  /** The server asks us to reconnect. This connection delivers events until it is closed. */
  | { readonly kind: 'move'; readonly recovery: Reconnect; readonly reason: string };

/** Data from a frame. */
export type DataSignal =
  | { readonly kind: 'event'; readonly event: ReceivedEvent }
  /**
   * Sequence numbers that the server did not deliver, both inclusive. `sinceMs`: epoch milliseconds after which they were
   * sent.
   */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number; readonly sinceMs?: number }
  /** What a sequence number revealed, for the metrics. */
  | { readonly kind: 'sequence'; readonly outcome: 'gap' | 'late' | 'duplicate' | 'epoch' }
  /** Where to resume. It is committed once SQS has accepted everything before it. */
  | { readonly kind: 'cursor'; readonly value: string }
  /** An event that the configuration excludes. */
  | { readonly kind: 'filtered' }
  /**
   * A message to log. It is counted by its subject, by default as `other`. `quote`: text from the server, which is not
   * logged if content is redacted.
   */
  | {
      readonly kind: 'notice';
      readonly about?: NoticeSubject;
      readonly message: string;
      readonly quote?: string;
    }
  /** A frame was larger than the socket's limit. It was not read and is lost. */
  | { readonly kind: 'oversized' }
  /** The frame is not a valid message of the protocol. It is quarantined. */
  | { readonly kind: 'rejected'; readonly reason: RejectionReason };

/** A frame produces zero or more signals. A frame is one WebSocket message. */
export type Signal = ConnectionSignal | DataSignal;

/**
 * State of an ended session. `resumable`: it was ready and can be continued at once · `reusable`: its resources may be
 * used again after a check · `gone`: do not use its resources again.
 */
export type SessionRemainder = 'resumable' | 'reusable' | 'gone';

/** One connection of a protocol. The handshake state is kept here, so connections can overlap. */
export interface Session {
  /** Address of the WebSocket; it can contain a secret (P7). */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Epoch milliseconds at which replacement starts. Leave enough time to connect before the session expires. */
  readonly replaceByMs?: number;
  /** The socket is open. */
  onOpen(): readonly Signal[];
  /**
   * A frame was read. Must not throw.
   *
   * @param readUntilMs - epoch milliseconds: everything that the server sent before this time was read before this
   *   frame, so this frame and all later ones were sent after it
   */
  onFrame(data: Buffer, isBinary: boolean, readUntilMs: number): readonly Signal[];
  /** Subscribe to something else. Without this method, a new connection takes over before the old one closes. */
  update?(subscription: Subscription): Promise<void>;
  /**
   * Whether this topic name has been fully subscribed to since a monotonic time. Needed if sessions of one subscription
   * can differ in this. By default they do not.
   */
  delivers?(topicName: string, sinceTick: number): boolean;
  /** Called before a planned close. Returns the last messages to send. */
  onClosing?(): readonly Signal[];
  /** Store a cursor durably. Calls never overlap. A failed call is not retried; the next cursor supersedes it. */
  commit?(cursor: string): Promise<void>;
  /** Called once when the session is over, even if no socket was opened. */
  release?(remainder: SessionRemainder): void;
}

/** What one supervised connection subscribes to. Changes are detected by object identity. */
export interface Subscription {
  /** Topics or event types, for gap records and health. */
  readonly topics: readonly string[];
  /** Topics that the server refuses, and why. */
  readonly rejected?: ReadonlyMap<string, string>;
}

/** Access to Genesys Cloud as one OAuth client. */
export interface OAuthClient {
  readonly rest: RestClient;
  readonly tokens: TokenSource;
}

/** An interval (epoch milliseconds) in which individual topics were not delivered. */
export interface TopicsGap {
  readonly topics: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** The ingester's resources for a protocol. */
export interface ProtocolContext {
  /** The OAuth clients whose secret is filled. They stay the same objects. Later calls can return more of them. */
  clients(): Promise<readonly [OAuthClient, ...OAuthClient[]]>;
  /** Storage that survives a restart; undefined without a state table. */
  readonly stateTable?: { readonly client: DynamoDBClient; readonly name: string } | undefined;
  /** Name of the deployment's subscription set: the key of its records in the state table. */
  readonly subscriptionSet: string;
  readonly log: Log;
  /** Record an interval in which the server did not deliver some topics of a live connection. */
  recordGap(gap: TopicsGap): void;
  /** Aborted when the process stops or, in `connect`, when the subscription stops. */
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

/** Limits of one connection. The defaults are in `transport.ts`. */
export interface SocketLimits {
  /** Time limit for connecting, including TLS and the upgrade, in milliseconds. */
  readonly openMs?: number;
  /** Time limit from the open socket to ready, in milliseconds. */
  readonly readyMs?: number;
  /** A larger frame ends the connection with code 1009, and is counted as a frame that could not be kept. */
  readonly maxFrameBytes?: number;
  /** Offer permessage-deflate. */
  readonly deflate?: boolean;
}

/**
 * A stream protocol: tables, and functions that turn frames into signals. It does not open sockets or handle
 * reconnects, pings or timeouts. The ingester acts on the signals.
 *
 * @typeParam C - its configuration
 * @typeParam S - its subscription
 */
export interface StreamProtocol<C = unknown, S extends Subscription = Subscription> {
  readonly name: string;
  /** Parses the environment variables of the protocol: one field with a description per variable. */
  readonly configuration: z.ZodType<C> & { readonly shape: Readonly<Record<string, z.ZodType>> };
  /**
   * Where the token request contains the client id and secret.
   *
   * @default 'header'
   */
  readonly credentialsIn?: 'header' | 'form';
  readonly ends: EndTable;
  readonly liveness: Liveness;
  readonly limits?: SocketLimits;
  /**
   * What a standby does. It `connects`, so that it receives what the leader misses, or it `waits` until it leads. It
   * must wait if a second connection would take events away from the first one, and it can wait if the server resends
   * missed events.
   *
   * @default 'connects'
   */
  readonly onStandby?: 'connects' | 'waits';
  /**
   * Yields all subscriptions by name at the start and after each change. An unchanged subscription stays the same
   * object. A temporary failure before the first result is retried. An error after that is a permanent failure of the
   * protocol.
   */
  subscriptions(configuration: C, context: ProtocolContext): AsyncIterable<ReadonlyMap<string, S>>;
  /**
   * Prepare a session. With the recovery `reauthenticate`, invalidate the token of the previous session first.
   */
  connect(
    request: { readonly subscription: S; readonly recovery: Reconnect; readonly after?: EndCause },
    context: ProtocolContext,
  ): Promise<Session>;
  /**
   * Called after the connections of a subscription are closed because it was removed or the process stops. It must not
   * delete state that the next process needs.
   */
  end?(subscription: S, context: ProtocolContext): Promise<void>;
}
