import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/aws/logger.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';
import type { BackfillMarks } from './backfill-marks.ts';
import type { EventSender } from './event-sender.ts';
import { afterRound, type Fill, type FillTimes, newFill, recoveredTotal, windowsOf } from './fill.ts';
import { FillRound } from './fill-round.ts';
import {
  FillConflictError,
  type FilledGap,
  type FillStore,
  type RecordedGap,
  SWEEP_DAYS,
} from './fill-store.ts';
import { LiveEdges } from './live-edges.ts';
import { WantedTopics } from './wanted-topics.ts';

/** The turn ends this long after the last progress. */
const TURN_MS = 180_000;
const DAY_MS = 86_400_000;
/** A gap whose round failed is tried again after this time. */
const RETRY_AFTER_MS = 60_000;

/** What happened in a run. */
export interface BackfillReport {
  /** Newly recovered events. */
  recovered: number;
  /** Gaps that are filled as far as possible. */
  closed: FilledGap[];
  /** Missing permissions that were not reported before. */
  newlyMissing: number;
  /** Rounds that failed. */
  failures: number;
  /** Epoch milliseconds of the end of the oldest gap that is not closed. */
  oldestOpenMs: number | undefined;
  /** Epoch milliseconds at which the next round is due; undefined if no gap is open. */
  nextDueMs: number | undefined;
}

/** What a {@link Backfill} needs. */
export interface BackfillOptions {
  readonly store: FillStore;
  readonly marks: BackfillMarks;
  readonly rest: RestClient;
  readonly sender: Pick<EventSender, 'send'>;
  /** Reads the content redaction. Nothing is sent before it is known. @default - nothing is redacted */
  readonly redaction?: (signal?: AbortSignal) => Promise<ContentRedaction | undefined>;
  readonly times: FillTimes;
  readonly log: Log;
  /** Length of a turn. @default 180,000 */
  readonly turnMs?: number;
  /** The parts of a gap that no other task covered. @default - the whole gap */
  readonly uncovered?: (
    gap: Fill,
    topics: readonly string[],
  ) => Promise<readonly Pick<Fill, 'fromMs' | 'toMs'>[]>;
}

/** Fills gaps: every gap that is due, the oldest first, one round each. */
export class Backfill {
  private readonly options: BackfillOptions;
  private readonly owner = randomUUID();

  constructor(options: BackfillOptions) {
    this.options = options;
  }

  /** A gap was recorded, or has become longer. */
  async register(gapId: string): Promise<void> {
    const gap = await this.options.store.gap(gapId);
    if (gap) await this.registerGap(gap);
    else this.options.log.warn('there is no record of a gap', { gapId });
  }

  /** Register gaps whose message was lost. */
  async sweep(): Promise<void> {
    const { store } = this.options;
    const [open, filled] = [await store.openFills(), await store.filledGaps()];
    const untilMs = new Map([...open, ...filled].map(({ gapId, toMs }) => [gapId, toMs]));
    for (const gap of await store.gapsSince(Date.now() - SWEEP_DAYS * DAY_MS))
      if ((untilMs.get(gap.gapId) ?? 0) < gap.toMs) await this.registerGap(gap);
  }

  /**
   * Take the rounds that are due.
   *
   * @param signal - ends the run; the progress is stored
   */
  async run(signal?: AbortSignal): Promise<BackfillReport> {
    const { store, marks } = this.options;
    const report: BackfillReport = {
      recovered: 0,
      closed: [],
      newlyMissing: 0,
      failures: 0,
      oldestOpenMs: undefined,
      nextDueMs: undefined,
    };
    const hasTurn = await this.takeTurn();
    const failed = new Set<string>();
    while (hasTurn && !signal?.aborted) {
      const due = (await store.openFills())
        .filter(({ gapId, dueAtMs }) => dueAtMs <= Date.now() && !failed.has(gapId))
        .toSorted((a, b) => a.fromMs - b.fromMs);
      const [fill] = due;
      if (!fill) break;
      if (!(await this.takeRound(fill, report, signal))) failed.add(fill.gapId);
    }
    const open = await store.openFills();
    if (hasTurn) await marks.takeTurn(this.owner, 0);
    const earliestMs = Math.min(...open.map(({ dueAtMs }) => dueAtMs));
    const againMs = failed.size > 0 || !hasTurn ? Date.now() + RETRY_AFTER_MS : 0;
    if (open.length > 0) {
      report.oldestOpenMs = Math.min(...open.map(({ toMs }) => toMs));
      report.nextDueMs = signal?.aborted ? Date.now() : Math.max(earliestMs, againMs);
    }
    return report;
  }

  private async registerGap({ topicsId, ...gap }: RecordedGap): Promise<void> {
    const { store, times } = this.options;
    const filledUntilMs = await store.filledUntilMs(gap.gapId);
    if (filledUntilMs !== undefined && filledUntilMs >= gap.toMs) return;
    const fromMs = Math.max(gap.fromMs, filledUntilMs ?? 0);
    await store.add(newFill({ ...gap, fromMs, topics: { id: topicsId } }, times));
  }

  private takeTurn(): Promise<boolean> {
    const { marks, turnMs = TURN_MS } = this.options;
    return marks.takeTurn(this.owner, Date.now() + turnMs);
  }

  /** @returns whether the round is complete */
  private async takeRound(fill: Fill, report: BackfillReport, signal?: AbortSignal): Promise<boolean> {
    const { store, times, log } = this.options;
    const before = recoveredTotal(fill);
    let last = fill;
    const save = async (changed: Fill): Promise<Fill> => {
      await this.takeTurn();
      last = await store.save(changed);
      return last;
    };
    try {
      const list = 'list' in fill.topics ? fill.topics.list : await store.topics(fill.topics.id);
      const wanted = new WantedTopics(list);
      const begun = fill.windows.length > 0 ? fill : await save(await this.begin(fill, list));
      const edges = new LiveEdges(fill, await store.edges(fill.gapId), times);
      const { rest, sender } = this.options;
      const redaction = await this.options.redaction?.(signal);
      const done = await new FillRound(begun, { rest, sender, wanted, edges, redaction, save, signal }).run();
      report.newlyMissing += await this.reportMissing(done);
      const next = afterRound(done, times, Date.now());
      if (next) await save(next);
      else report.closed.push(await store.close(done, wanted.notRecovered()));
      return true;
    } catch (error) {
      if (signal?.aborted) return false;
      if (error instanceof FillConflictError) log.info(error.message);
      else {
        report.failures++;
        log.error('a gap could not be filled; it is tried again', { gapId: fill.gapId, error });
      }
      return false;
    } finally {
      report.recovered += Math.max(0, recoveredTotal(last) - before);
    }
  }

  /** Decide which parts of the gap are read: events near its edges can have other times than their delivery. */
  private async begin(fill: Fill, topics: readonly string[]): Promise<Fill> {
    const { times, uncovered } = this.options;
    const parts = uncovered && 'id' in fill.topics ? await uncovered(fill, topics) : [fill];
    const wider = parts.map(({ fromMs, toMs }) => ({
      fromMs: fromMs - times.edgeMs,
      toMs: toMs + times.edgeMs,
    }));
    return { ...fill, windows: windowsOf(wider), ...(parts.length === 0 ? { states: {} } : {}) };
  }

  private async reportMissing({ gapId, missingPermissions }: Fill): Promise<number> {
    let count = 0;
    for (const [what, reason] of Object.entries(missingPermissions)) {
      if (!(await this.options.marks.isNewlyMissing(what))) continue;
      count++;
      this.options.log.error('a permission is missing, so that gaps are not filled', { what, reason, gapId });
    }
    return count;
  }
}
