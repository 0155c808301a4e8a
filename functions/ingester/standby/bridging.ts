import { randomUUID } from 'node:crypto';
import type { Interval } from '../../../lib/genesys/interval.ts';
import type { CoverageStore } from '../coverage-store.ts';
import type { CoverageWriter } from '../coverage-writer.ts';
import { subtract } from '../intervals.ts';
import type { TaskCoverage } from '../task-coverage.ts';
import { type GapRequest, SLACK_MS } from './leadership-record.ts';
import type { RoleQueue } from './role-queue.ts';

/** Minimum interval between two records of a gap that continues. */
const RECORD_INTERVAL_MS = 10_000;
const MS_PER_SECOND = 1_000;

/** An interval of a gap that was filled, in epoch milliseconds. */
interface FilledPart extends Interval {
  /** SQS must have accepted the items up to this position. */
  readonly position: number;
  readonly recordedUntilMs: number;
}

/** A gap that this task fills as far as it can. */
interface Progress {
  readonly subscription: string;
  readonly request: GapRequest;
  /** Everything that was received before is sent, in epoch milliseconds. */
  readonly sentUntilMs: number;
  readonly parts: readonly FilledPart[];
}

/** Dependencies of bridging. */
export interface BridgingOptions {
  readonly queue: RoleQueue;
  readonly coverage: TaskCoverage;
  readonly store: Pick<CoverageStore, 'putSpan'>;
  readonly writer: CoverageWriter;
}

/**
 * Fills the gaps of the leader's connections with the items that this task read in the meantime: it sends them, and records
 * the interval as covered by itself, as far as its own connection was live. An interval that no record names remains a gap.
 */
export class Bridging {
  /** Seconds of gaps that were filled since the start. */
  bridgedSeconds = 0;
  private readonly options: BridgingOptions;
  /** Id of the records. No gap record has this id, because only live intervals are recorded. */
  private readonly task = `bridge-${randomUUID()}`;
  /** By request. */
  private readonly gaps = new Map<string, Progress>();
  private recordedTick = Number.NEGATIVE_INFINITY;

  constructor(options: BridgingOptions) {
    this.options = options;
  }

  /** Send the items that fill these gaps and were not sent yet. */
  serve(requests: readonly GapRequest[]): void {
    const wanted = new Set(requests.map(keyOf));
    for (const [key, { parts }] of this.gaps)
      if (!wanted.has(key) && !parts.some(isPending)) this.gaps.delete(key);
    for (const request of requests) this.fill(request, false);
  }

  /** This task leads from now on: send all kept items of these gaps. */
  finish(requests: readonly GapRequest[]): void {
    for (const request of requests) this.fill(request, true);
  }

  /** Record the intervals that SQS has accepted. A gap that continues is recorded again, with a later end. */
  record(isLast = false): void {
    const { queue, store, writer } = this.options;
    const isTime = isLast || performance.now() - this.recordedTick >= RECORD_INTERVAL_MS;
    for (const [key, progress] of this.gaps) {
      const { subscription, request } = progress;
      const { topicsId } = request;
      const parts = progress.parts.map((part) => {
        const { fromMs, toMs, position, recordedUntilMs } = part;
        const isDue = isPending(part) && position <= queue.acceptedPosition && (isTime || !request.isOpen);
        if (!isDue) return part;
        this.recordedTick = performance.now();
        this.bridgedSeconds += (toMs - recordedUntilMs) / MS_PER_SECOND;
        const span = { task: this.task, subscription, topicsId, fromMs, toMs, isBridge: true };
        writer.add(`bridge#${subscription}#${fromMs}`, () => store.putSpan(span));
        return { ...part, recordedUntilMs: toMs };
      });
      this.gaps.set(key, { ...progress, parts });
    }
  }

  /** Send the kept items of a gap; without `isAll`, only as far as this task has proven that it has read. */
  private fill(request: GapRequest, isAll: boolean): void {
    const { queue, coverage } = this.options;
    const key = keyOf(request);
    const { fromMs: gapFromMs, toMs: gapToMs, isOpen } = request;
    const served = coverage.servedIn(request.topicsId, { fromMs: gapFromMs, toMs: gapToMs });
    if (!served) return;
    const { subscription, untilMs, live } = served;
    const known = this.gaps.get(key);
    const endMs = gapToMs + (isOpen ? 0 : SLACK_MS);
    const fromMs = known?.sentUntilMs ?? gapFromMs - SLACK_MS;
    const toMs = Math.max(fromMs, isAll ? endMs : Math.min(endMs, untilMs));
    const keptSinceMs = queue.recent.sinceMs;
    queue.send(
      (item) => item.subscription === subscription && item.receivedAtMs >= fromMs && item.receivedAtMs < toMs,
    );
    const filled = subtract(live, [
      { fromMs: Number.NEGATIVE_INFINITY, toMs: Math.max(fromMs, keptSinceMs) },
      { fromMs: toMs, toMs: Number.POSITIVE_INFINITY },
    ]);
    const parts = filled.reduce(
      (before, part) => append(before, part, queue.lastPosition),
      known?.parts ?? [],
    );
    this.gaps.set(key, { subscription, request, sentUntilMs: toMs, parts });
  }
}

function append(
  parts: readonly FilledPart[],
  { fromMs, toMs }: Interval,
  position: number,
): readonly FilledPart[] {
  const last = parts.at(-1);
  if (last && last.toMs >= fromMs) return [...parts.slice(0, -1), { ...last, toMs, position }];
  return [...parts, { fromMs, toMs, position, recordedUntilMs: fromMs }];
}

function isPending({ toMs, recordedUntilMs }: FilledPart): boolean {
  return recordedUntilMs < toMs;
}

function keyOf({ subscription, topicsId, fromMs }: GapRequest): string {
  return `${subscription}#${topicsId}#${fromMs}`;
}
