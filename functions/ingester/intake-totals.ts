import { REJECTION_REASONS, type RejectionReason } from '../../lib/events/schema.ts';
import type { DataSignal } from './protocols/stream-protocol.ts';

type SequenceOutcome = Extract<DataSignal, { kind: 'sequence' }>['outcome'];

/** Counts of one protocol since the start. */
export interface ProtocolTotals {
  /** Events read from sockets, copies included. */
  received: number;
  /** Copies that overlapping connections delivered, dropped here. */
  copies: number;
  /** What sequence numbers revealed. */
  sequence: Record<SequenceOutcome, number>;
}

/** Counts since the start. Those of a protocol are sums. */
export interface IntakeTotals extends ProtocolTotals, OtherTotals {
  readonly protocols: Readonly<Record<string, ProtocolTotals>>;
}

/** What is not counted by protocol. */
interface OtherTotals {
  /** Events that the configuration of their protocol excludes. */
  filtered: number;
  /** Messages that were only logged. */
  notices: number;
  /** Frames that could not become events, by reason. They are sent to the quarantine queue. */
  rejected: Record<RejectionReason, number>;
  /** Frames that neither a message nor the bucket could take. The log has their size. */
  unpreserved: number;
}

/** Zero of everything that is counted by protocol. */
export function noProtocolTotals(): ProtocolTotals {
  return { received: 0, copies: 0, sequence: { gap: 0, late: 0, duplicate: 0, epoch: 0 } };
}

/** Zero of everything else. */
export function noOtherTotals(): OtherTotals {
  const rejected = Object.fromEntries(REJECTION_REASONS.map((reason) => [reason, 0]));
  return { filtered: 0, notices: 0, rejected: rejected as Record<RejectionReason, number>, unpreserved: 0 };
}

/** Sums over protocols. */
export function sumOfProtocols(protocols: readonly ProtocolTotals[]): ProtocolTotals {
  const sum = noProtocolTotals();
  for (const { received, copies, sequence } of protocols) {
    sum.received += received;
    sum.copies += copies;
    for (const outcome of ['gap', 'late', 'duplicate', 'epoch'] as const)
      sum.sequence[outcome] += sequence[outcome];
  }
  return sum;
}
