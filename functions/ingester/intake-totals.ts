import { REJECTION_REASONS, type RejectionReason } from '../../lib/events/schema.ts';
import { type DataSignal, NOTICE_SUBJECTS, type NoticeSubject } from './protocols/stream-protocol.ts';

/** What the sequence number of an event reveals. */
export const SEQUENCE_OUTCOMES = [
  'gap',
  'late',
  'duplicate',
  'epoch',
] as const satisfies SequenceOutcomeName[];
type SequenceOutcomeName = Extract<DataSignal, { kind: 'sequence' }>['outcome'];

/** Counts of one protocol since the start. */
export interface ProtocolTotals {
  /** Events read from sockets, including copies. */
  received: number;
  /** Copies from overlapping connections that were dropped here. */
  copies: number;
  /** Events that the configuration of their protocol excludes. */
  filtered: number;
  /** What sequence numbers revealed. */
  sequence: Record<SequenceOutcomeName, number>;
  /** Messages that were only logged, by subject. */
  notices: Record<NoticeSubject, number>;
  /** Frames that could not become events, by reason. They are sent to the quarantine queue. */
  rejected: Record<RejectionReason, number>;
  /** Frames that fit neither into a message nor into the bucket. Their size is logged. */
  unpreserved: number;
}

/** Counts since the start: the totals, and the counts of each protocol by name. */
export interface IntakeTotals extends ProtocolTotals {
  readonly protocols: Readonly<Record<string, ProtocolTotals>>;
}

/** Counts of zero. */
export function noTotals(): ProtocolTotals {
  return {
    received: 0,
    copies: 0,
    filtered: 0,
    sequence: zeros(SEQUENCE_OUTCOMES),
    notices: zeros(NOTICE_SUBJECTS),
    rejected: zeros(REJECTION_REASONS),
    unpreserved: 0,
  };
}

/** The counts of several protocols together. */
export function sumOfTotals(all: Iterable<ProtocolTotals>): ProtocolTotals {
  return [...all].reduce(
    (sum, one) => ({
      received: sum.received + one.received,
      copies: sum.copies + one.copies,
      filtered: sum.filtered + one.filtered,
      sequence: added(sum.sequence, one.sequence),
      notices: added(sum.notices, one.notices),
      rejected: added(sum.rejected, one.rejected),
      unpreserved: sum.unpreserved + one.unpreserved,
    }),
    noTotals(),
  );
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

function added<Name extends string>(
  one: Record<Name, number>,
  other: Record<Name, number>,
): Record<Name, number> {
  const names = Object.keys(one) as Name[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as Record<Name, number>;
}
