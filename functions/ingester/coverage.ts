import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Log } from '../../lib/aws/logger.ts';

/** Gaps whose record is being written; beyond it they are only logged. */
const WRITES_LIMIT = 1_000;
/** Records are kept for longer than any backfill needs them. */
const RECORD_LIFE_SECONDS = 90 * 86_400;

/** An interval in which a part of a subscription set had no proven-live connection (P4). */
export interface Gap {
  /** Which part: the number of the channel. */
  slot: number;
  /**
   * Epoch milliseconds of the last proof of life before: when a frame was read. It was sent a little earlier, and
   * what was sent in between may be missing too: whoever fills the gap begins a few seconds before it.
   */
  fromMs: number;
  /** Epoch milliseconds at which a connection was ready again. */
  toMs: number;
  reason: string;
}

/** Writes down a gap. */
export type RecordGap = (gap: Gap) => Promise<void>;

/**
 * Gaps in the state table: `pk` = `subscription#<name>`, `sk` = `gap#<from, ISO 8601>#<slot>`.
 */
export function gapRecorder(client: DynamoDBClient, tableName: string, subscription: string): RecordGap {
  return async ({ slot, fromMs, toMs, reason }) => {
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: {
          pk: { S: `subscription#${subscription}` },
          sk: { S: `gap#${new Date(fromMs).toISOString()}#${slot}` },
          fromMs: { N: String(fromMs) },
          toMs: { N: String(toMs) },
          reason: { S: reason },
          expiresAt: { N: String(Math.floor(Date.now() / 1000) + RECORD_LIFE_SECONDS) },
        },
      }),
    );
  };
}

/** Knows which parts of the subscription set are covered, and records every interval in which one was not (P4). */
export class Coverage {
  /** Since the start: how many gaps ended, and their seconds. */
  readonly totals = { gaps: 0, gapSeconds: 0 };
  private readonly open = new Map<number, { fromMs: number; reason: string }>();
  private readonly covered = new Set<number>();
  private readonly writes = new Set<Promise<void>>();
  private readonly record: RecordGap | undefined;
  private readonly log: Log;

  constructor(log: Log, record?: RecordGap) {
    this.log = log;
    this.record = record;
  }

  /** Whether every part has been covered at least once and is now. */
  isComplete(slots: Iterable<number>): boolean {
    return [...slots].every((slot) => this.covered.has(slot));
  }

  /** Whether every part has been covered at least once. */
  wasComplete(slots: Iterable<number>): boolean {
    return [...slots].every((slot) => this.covered.has(slot) || this.open.has(slot));
  }

  /** For how long the part with the oldest open gap has not been covered, and why; undefined when all are. */
  longestOpenGap(): { slot: number; ms: number; reason: string } | undefined {
    let longest: { slot: number; ms: number; reason: string } | undefined;
    for (const [slot, { fromMs, reason }] of this.open) {
      const ms = Date.now() - fromMs;
      if (!longest || ms > longest.ms) longest = { slot, ms, reason };
    }
    return longest;
  }

  /** A part has no live connection since `fromMs`. */
  onUncovered(slot: number, fromMs: number, reason: string): void {
    this.covered.delete(slot);
    if (!this.open.has(slot)) this.open.set(slot, { fromMs, reason });
  }

  /** A part has a live connection since `atMs`. */
  onCovered(slot: number, atMs: number): void {
    this.covered.add(slot);
    const gap = this.open.get(slot);
    this.open.delete(slot);
    if (gap) this.add({ slot, fromMs: gap.fromMs, toMs: atMs, reason: gap.reason });
  }

  /** A part is no longer wanted; where it was not covered, that was a gap until now. */
  forget(slot: number): void {
    this.onCovered(slot, Date.now());
    this.covered.delete(slot);
  }

  /** Record an interval whose events may be lost although a connection was live. */
  add(gap: Gap): void {
    this.totals.gaps++;
    this.totals.gapSeconds += Math.max(0, gap.toMs - gap.fromMs) / 1000;
    const { slot, fromMs, toMs, reason } = gap;
    this.log.warn('gap', {
      slot,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      reason,
    });
    if (!this.record || this.writes.size >= WRITES_LIMIT) return;
    const write: Promise<void> = this.record(gap)
      .catch((error: unknown) =>
        this.log.error('a gap could not be written to the state table', { slot, fromMs, toMs, error }),
      )
      .finally(() => this.writes.delete(write));
    this.writes.add(write);
  }

  /** Close what is open at the end of the process and wait until all is written. */
  async close(): Promise<void> {
    for (const slot of [...this.open.keys()]) this.onCovered(slot, Date.now());
    await Promise.all(this.writes);
  }
}
