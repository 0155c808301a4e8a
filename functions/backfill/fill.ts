import { hash } from 'node:crypto';
import type { Interval } from '../../lib/genesys/interval.ts';

/** Part of a gap that is read at once. Longer gaps have at most {@link MAX_WINDOWS} windows, which are longer. */
const WINDOW_MS = 600_000;
const MAX_WINDOWS = 400;
/** The analytics API accepts intervals of at most 7 days. */
const MAX_WINDOW_MS = 7 * 86_400_000;
/** Rounds after which a gap is closed, regardless of the result of the last one. */
export const MAX_ROUNDS = 6;

/** When a gap is read, and how much around it. */
export interface FillTimes {
  /** Times of the rounds, in milliseconds after the end of the gap: data arrives late. */
  readonly roundsAfterMs: readonly [number, ...number[]];
  /** Times in events differ this much at most from the times at which they were sent. */
  readonly edgeMs: number;
  /** The events that a killed process read after its last proof are unknown for this long after the gap begins. */
  readonly unprovenMs: number;
  /** A gap whose round failed, or which another invocation fills, is checked again after this time. */
  readonly retryAfterMs: number;
}

/** Times that suit Genesys Cloud. */
export const FILL_TIMES: FillTimes = {
  // The first interval ends a minute ago, because data still arrives.
  roundsAfterMs: [70_000, 300_000, 1_800_000],
  edgeMs: 10_000,
  unprovenMs: 30_000,
  retryAfterMs: 60_000,
};

/** A part of a gap, and the events found in it. */
export interface FillWindow extends Interval {
  /** Hash of the ids of the events that were sent, so that a later round sends only what has changed. */
  readonly eventsHash?: string;
  /** The same for the conversations whose states were read. */
  readonly statesHash?: string;
  /** Events by topic with `{id}`. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How far a gap is filled. */
export interface Fill extends Interval {
  /** Identifies the gap record. */
  readonly gapId: string;
  readonly reason: string;
  /** Id of the list of topics, or the topics. */
  readonly topics: { readonly id: string } | { readonly list: readonly string[] };
  /** Rounds that are complete. */
  readonly rounds: number;
  /** Epoch milliseconds of the next round. */
  readonly dueAtMs: number;
  readonly windows: readonly FillWindow[];
  /** The next step of the round: a window, and the conversation after which its states continue. */
  readonly next: { readonly window: number; readonly afterConversation?: string };
  /** Present states by topic with `{id}`; undefined before they were read. */
  readonly states?: Readonly<Record<string, number>>;
  /** Events by topic when the round began. */
  readonly before: number;
  /** Missing permissions as named by Genesys Cloud, by the content that could not be read. */
  readonly missingPermissions: Readonly<Record<string, string>>;
  /** Increases with each save, so that only one of two writers succeeds. */
  readonly version: number;
}

/** A gap whose filling begins. */
export function newFill(
  gap: Pick<Fill, 'gapId' | 'fromMs' | 'toMs' | 'reason' | 'topics'>,
  { roundsAfterMs }: FillTimes,
): Fill {
  return {
    ...gap,
    rounds: 0,
    dueAtMs: gap.toMs + roundsAfterMs[0],
    windows: [],
    next: { window: 0 },
    before: 0,
    missingPermissions: {},
    version: 0,
  };
}

/** The windows of a gap, in order of time. */
export function windowsOf(intervals: readonly Interval[]): FillWindow[] {
  const totalMs = intervals.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const lengthMs = Math.min(MAX_WINDOW_MS, Math.max(WINDOW_MS, Math.ceil(totalMs / MAX_WINDOWS)));
  return intervals.flatMap(({ fromMs, toMs }) =>
    Array.from({ length: Math.ceil((toMs - fromMs) / lengthMs) }, (_, index) => ({
      fromMs: fromMs + index * lengthMs,
      toMs: Math.min(toMs, fromMs + (index + 1) * lengthMs),
      counts: {},
    })),
  );
}

/** Both halves of a window that has too many events. Its events are read again. */
export function halvesOf({ fromMs, toMs }: FillWindow): [FillWindow, FillWindow] {
  const middleMs = Math.floor((fromMs + toMs) / 2);
  return [
    { fromMs, toMs: middleMs, counts: {} },
    { fromMs: middleMs, toMs, counts: {} },
  ];
}

/** Recovered events by topic with `{id}`. */
export function recoveredCounts({ windows, states = {} }: Fill): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of [...windows.map((window) => window.counts), states])
    for (const [topic, count] of Object.entries(one)) counts[topic] = (counts[topic] ?? 0) + count;
  return counts;
}

/** Number of recovered events. */
export function recoveredTotal(fill: Fill): number {
  return Object.values(recoveredCounts(fill)).reduce((sum, count) => sum + count, 0);
}

/** A round is complete. Undefined if it was the last one: nothing new was found, or there were enough rounds. */
export function afterRound(fill: Fill, { roundsAfterMs }: FillTimes, nowMs: number): Fill | undefined {
  const rounds = fill.rounds + 1;
  const total = recoveredTotal(fill);
  const lastMs = roundsAfterMs.at(-1) ?? roundsAfterMs[0];
  const hasFoundMore = total > fill.before;
  const isLast = rounds >= MAX_ROUNDS || (rounds >= roundsAfterMs.length && !hasFoundMore);
  if (isLast) return undefined;
  const planned = roundsAfterMs[rounds];
  const dueAtMs = planned === undefined ? nowMs + lastMs : Math.max(nowMs, fill.toMs + planned);
  return { ...fill, rounds, dueAtMs, next: { window: 0 }, before: total };
}

/** A hash of ids that does not depend on their order. */
export function hashOf(ids: readonly string[]): string {
  return hash('sha256', ids.toSorted().join('\n'), 'base64url').slice(0, 16);
}
