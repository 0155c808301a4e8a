import type { Frame, ProtocolName, RejectionReason } from '../../../lib/events/schema.ts';

/**
 * What is left of an ended connection. `resumable`: it was ready, and the same can be opened again at once ·
 * `reusable`: worth a look before it is used again · `gone`: of no use.
 */
export type Release = 'resumable' | 'reusable' | 'gone';

/** One connection as a protocol plans it: everything that had to be done before the socket opens is done. */
export interface ConnectionPlan {
  /** Address of the WebSocket; may hold a secret (P7). */
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Epoch milliseconds by which another connection must have replaced this one. */
  replaceByMs: number;
  /** Called once when the connection has ended, so that what it used can be used again. */
  release: (outcome: Release) => void;
}

/** What to do after a connection ended or could not be opened. */
export const CLOSE_ACTIONS = ['reconnect', 'replan', 'reauthenticate', 'throttled', 'stop'] as const;
/**
 * `reconnect`: same channel again · `replan`: a fresh channel · `reauthenticate`: a new token and a fresh channel ·
 * `throttled`: wait the longest delay, then reconnect · `stop`: trying again cannot help.
 */
export type CloseAction = (typeof CLOSE_ACTIONS)[number];

/** How a connection ended: a close code, or the HTTP status that refused the upgrade. */
export interface CloseCause {
  code: number;
  reason: string;
  upgradeStatus?: number;
  retryAfterMs?: number;
}

/** What one frame turned out to be. */
export type Decoded =
  | { kind: 'event'; frame: Frame; text: string; sequence?: number; late?: boolean }
  /** Proof of life, and for a connection that is not ready yet what makes it ready. */
  | { kind: 'alive'; ready: boolean }
  /** The server asks for a new connection; the old one keeps delivering until it is closed. */
  | { kind: 'replace'; action: 'replan' | 'reauthenticate'; reason: string }
  /** Something worth a log line and nothing else. */
  | { kind: 'notice'; message: string }
  | { kind: 'rejected'; reason: RejectionReason };

/** Named limits of one connection, in milliseconds. */
export interface ConnectionLimits {
  /** From the call to the open socket. */
  openTimeoutMs: number;
  /** From the open socket to ready. */
  readyTimeoutMs: number;
  /** Silence after which a connection counts as dead. */
  silenceMs: number;
  /** Between two pings of ours. */
  pingIntervalMs: number;
}

/** Why a plan is asked for. */
export interface PlanRequest {
  /** `resume`: the last channel if there is one; `fresh`: another one; `reauthenticate`: another one and a new token. */
  mode: 'resume' | 'fresh' | 'reauthenticate';
  signal: AbortSignal;
}

/**
 * What the supervisor needs to know of a stream protocol. One instance serves one subscription set. It owns no
 * socket and no timer.
 */
export interface Protocol {
  readonly name: ProtocolName;
  readonly limits: ConnectionLimits;
  /** Token, channel, subscriptions: after it the socket only has to be opened. */
  plan(request: PlanRequest): Promise<ConnectionPlan>;
  /** Messages to send when the socket is open. */
  openMessages(): readonly string[];
  /** The message that asks for a proof of life. */
  pingMessage(): string;
  decode(data: Buffer, isBinary: boolean): Decoded;
  classifyClose(cause: CloseCause): CloseAction;
}
