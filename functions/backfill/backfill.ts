import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/aws/logger.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
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

/** Result of a run. */
export interface BackfillReport {
  /** Newly recovered events. */
  readonly recovered: number;
  /** Gaps that are filled as far as possible. */
  readonly closed: readonly FilledGap[];
  /** Missing permissions that were not reported before. */
  readonly newlyMissing: number;
  /** Rounds that failed. */
  readonly failures: number;
  /** Epoch milliseconds of the end of the oldest gap that is not closed. */
  readonly oldestOpenMs: number | undefined;
  /** Epoch milliseconds at which the next round is due; undefined if no gap is open. */
  readonly nextDueMs: number | undefined;
}

/** Result of a round. */
interface RoundReport extends Pick<BackfillReport, 'recovered' | 'closed' | 'newlyMissing' | 'failures'> {
  readonly gapId: string;
  readonly isComplete: boolean;
}

/** Dependencies of a {@link Backfill}. */
export interface BackfillOptions {
  readonly store: FillStore;
  readonly marks: BackfillMarks;
  readonly rest: RestClient;
  readonly sender: Pick<EventSender, 'send'>;
  /** Stores events that do not fit into a message. */
  readonly objects: Pick<ObjectStore, 'bucket' | 'putJson'>;
  /** Reads the content redaction. Nothing is sent until it is known. @default - nothing is redacted */
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
    const { store, marks, times } = this.options;
    const hasTurn = await this.takeTurn();
    const rounds: RoundReport[] = [];
    const hasFailed = (gapId: string) => rounds.some((round) => round.gapId === gapId && !round.isComplete);
    while (hasTurn && !signal?.aborted) {
      const due = (await store.openFills())
        .filter(({ gapId, dueAtMs }) => dueAtMs <= Date.now() && !hasFailed(gapId))
        .toSorted((a, b) => a.fromMs - b.fromMs);
      const [fill] = due;
      if (!fill) break;
      rounds.push(await this.takeRound(fill, signal));
    }
    const open = await store.openFills();
    if (hasTurn) await marks.takeTurn(this.owner, 0);
    const againMs =
      !hasTurn || rounds.some(({ isComplete }) => !isComplete) ? Date.now() + times.retryAfterMs : 0;
    const nextMs = Math.max(againMs, Math.min(...open.map(({ dueAtMs }) => dueAtMs)));
    const sum = (count: (round: RoundReport) => number) =>
      rounds.reduce((total, round) => total + count(round), 0);
    return {
      recovered: sum(({ recovered }) => recovered),
      closed: rounds.flatMap(({ closed }) => closed),
      newlyMissing: sum(({ newlyMissing }) => newlyMissing),
      failures: sum(({ failures }) => failures),
      oldestOpenMs: open.length === 0 ? undefined : Math.min(...open.map(({ toMs }) => toMs)),
      nextDueMs: open.length === 0 ? undefined : signal?.aborted ? Date.now() : nextMs,
    };
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

  private async takeRound(fill: Fill, signal?: AbortSignal): Promise<RoundReport> {
    const { store, times } = this.options;
    const { gapId } = fill;
    let last = fill;
    let newlyMissing = 0;
    const recovered = () => Math.max(0, recoveredTotal(last) - recoveredTotal(fill));
    const save = async (changed: Fill): Promise<Fill> => {
      await this.takeTurn();
      last = await store.save(changed);
      return last;
    };
    try {
      const list = 'list' in fill.topics ? fill.topics.list : await store.topics(fill.topics.id);
      const wanted = new WantedTopics(list);
      const begun = fill.windows.length > 0 ? fill : await save(await this.begin(fill, list));
      const edges = new LiveEdges(fill, await store.edges(gapId), times);
      const { rest, sender, objects } = this.options;
      const redaction = await this.options.redaction?.(signal);
      const options = { rest, sender, objects, wanted, edges, redaction, save, signal };
      const done = await new FillRound(begun, options).run();
      newlyMissing = await this.reportMissing(done);
      const next = afterRound(done, times, Date.now());
      if (next) await save(next);
      const closed = next ? [] : [await store.close(done, wanted.notRecovered())];
      return { gapId, isComplete: true, recovered: recovered(), closed, newlyMissing, failures: 0 };
    } catch (error) {
      const failures = this.reportFailure(gapId, error, signal);
      return { gapId, isComplete: false, recovered: recovered(), closed: [], newlyMissing, failures };
    }
  }

  /** @returns 1 if it is a failure: neither the end of the time nor another invocation that fills the gap */
  private reportFailure(gapId: string, error: unknown, signal?: AbortSignal): number {
    const { log } = this.options;
    if (signal?.aborted) return 0;
    if (error instanceof FillConflictError) {
      log.info(error.message);
      return 0;
    }
    log.error('a gap could not be filled; it is tried again', { gapId, error });
    return 1;
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
      this.options.log.error('a permission is missing, so gaps are not filled', { what, reason, gapId });
    }
    return count;
  }
}
