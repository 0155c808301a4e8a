import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Log } from '../../lib/aws/logger.ts';

/** Concurrent writes of gap records. Further gaps are only logged. */
const MAX_WRITES = 1_000;
/** Records are kept longer than any backfill needs them. */
const RECORD_LIFETIME_SECONDS = 90 * 86_400;

/** An interval in which a subscription had no connection that was proven live (P4). */
export interface Gap {
  /** Name of the subscription. */
  subscription: string;
  /**
   * Epoch milliseconds of the last proof of life before the gap: when a frame was read. The frame was sent a little
   * earlier, and what was sent in between can be missing too, so a backfill starts a few seconds before.
   */
  fromMs: number;
  /** Epoch milliseconds at which a connection was ready again. */
  toMs: number;
  reason: string;
}

/** Stores a gap. */
export type RecordGap = (gap: Gap) => Promise<void>;

/**
 * Gaps in the state table: `pk` = `subscription#<subscription set>`, `sk` = `gap#<from, ISO 8601>#<subscription>`.
 */
export function gapRecorder(client: DynamoDBClient, tableName: string, subscriptionSet: string): RecordGap {
  return async ({ subscription, fromMs, toMs, reason }) => {
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: {
          pk: { S: `subscription#${subscriptionSet}` },
          sk: { S: `gap#${new Date(fromMs).toISOString()}#${subscription}` },
          fromMs: { N: String(fromMs) },
          toMs: { N: String(toMs) },
          reason: { S: reason },
          expiresAt: { N: String(Math.floor(Date.now() / 1000) + RECORD_LIFETIME_SECONDS) },
        },
      }),
    );
  };
}

/** Knows which subscriptions are covered, and records every interval in which one was not (P4). */
export class Coverage {
  /** Gaps that ended since the start, and their length. */
  readonly totals = { gaps: 0, gapSeconds: 0 };
  private readonly open = new Map<string, { fromMs: number; reason: string }>();
  private readonly covered = new Set<string>();
  private readonly writes = new Set<Promise<void>>();
  private readonly record: RecordGap | undefined;
  private readonly log: Log;

  constructor(log: Log, record?: RecordGap) {
    this.log = log;
    this.record = record;
  }

  /** Whether every one of these subscriptions is covered now. */
  isComplete(subscriptions: Iterable<string>): boolean {
    return [...subscriptions].every((name) => this.covered.has(name));
  }

  /** Whether every one of these subscriptions has been covered at least once. */
  wasComplete(subscriptions: Iterable<string>): boolean {
    return [...subscriptions].every((name) => this.covered.has(name) || this.open.has(name));
  }

  /** The oldest open gap; undefined when every subscription is covered. */
  longestOpenGap(): { subscription: string; ms: number; reason: string } | undefined {
    let longest: { subscription: string; ms: number; reason: string } | undefined;
    for (const [subscription, { fromMs, reason }] of this.open) {
      const ms = Date.now() - fromMs;
      if (!longest || ms > longest.ms) longest = { subscription, ms, reason };
    }
    return longest;
  }

  /** A subscription has had no live connection since `fromMs`. */
  onUncovered(subscription: string, fromMs: number, reason: string): void {
    this.covered.delete(subscription);
    if (!this.open.has(subscription)) this.open.set(subscription, { fromMs, reason });
  }

  /** A subscription has had a live connection since `atMs`. */
  onCovered(subscription: string, atMs: number): void {
    this.covered.add(subscription);
    const gap = this.open.get(subscription);
    this.open.delete(subscription);
    if (gap) this.add({ subscription, fromMs: gap.fromMs, toMs: atMs, reason: gap.reason });
  }

  /** A subscription is no longer wanted. If it was not covered, its gap ends now. */
  forget(subscription: string): void {
    this.onCovered(subscription, Date.now());
    this.covered.delete(subscription);
  }

  /** Record an interval whose events may be lost although a connection was live. */
  add(gap: Gap): void {
    this.totals.gaps++;
    this.totals.gapSeconds += Math.max(0, gap.toMs - gap.fromMs) / 1000;
    const { subscription, fromMs, toMs, reason } = gap;
    this.log.warn('gap', {
      subscription,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      reason,
    });
    if (!this.record || this.writes.size >= MAX_WRITES) return;
    const write: Promise<void> = this.record(gap)
      .catch((error: unknown) =>
        this.log.error('a gap could not be written to the state table', {
          subscription,
          fromMs,
          toMs,
          error,
        }),
      )
      .finally(() => this.writes.delete(write));
    this.writes.add(write);
  }

  /**
   * Record sequence numbers that the server did not deliver, both inclusive. Their time is not known; it ends now.
   */
  addSequenceGap(subscription: string, from: number, to: number): void {
    const nowMs = Date.now();
    const reason = `sequence numbers ${from} to ${to} were not delivered`;
    this.add({ subscription, fromMs: nowMs, toMs: nowMs, reason });
  }

  /** End open gaps at the end of the process, and wait until all records are written. */
  async close(): Promise<void> {
    for (const subscription of [...this.open.keys()]) this.onCovered(subscription, Date.now());
    await Promise.all(this.writes);
  }
}
