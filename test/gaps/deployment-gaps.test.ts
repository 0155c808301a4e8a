import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DeploymentGap,
  deploymentGaps,
  NOT_PROVEN,
  OPEN_AFTER_MS,
  type StoredCoverage,
  type TaskGap,
  UNWANTED_AFTER_MS,
} from '../../functions/backfill/deployment-gaps.ts';
import type { CoverageProof, CoveredSpan } from '../../functions/ingester/coverage-store.ts';

/** Far after everything that happens in milliseconds. */
const NOW_MS = 1_000;
const TOPICS = new Map([
  ['ab', ['a', 'b']],
  ['bc', ['b', 'c']],
  ['b', ['b']],
]);

const gap = (task: string, fromMs: number, toMs: number, options: Partial<TaskGap> = {}): TaskGap => ({
  task,
  subscription: '0',
  topicsId: 'ab',
  reason: '1006',
  fromMs,
  toMs,
  ...options,
});
const span = (task: string, fromMs: number, toMs: number, topicsId = 'ab'): CoveredSpan => ({
  task,
  subscription: '0',
  topicsId,
  fromMs,
  toMs,
});
const proof = (task: string, fromMs: number, toMs: number, isFinal = false): CoverageProof => ({
  task,
  subscription: '0',
  covering: { topicsId: 'ab', fromMs },
  coveredUntilMs: toMs,
  storedAtMs: toMs,
  isFinal,
});

function gapsOf(stored: Partial<StoredCoverage>, nowMs = NOW_MS): DeploymentGap[] {
  return deploymentGaps({ gaps: [], spans: [], proofs: [], topics: TOPICS, ...stored }, nowMs);
}
const intervals = (gaps: readonly DeploymentGap[]) => gaps.map(({ fromMs, toMs }) => [fromMs, toMs]);

describe('the gaps of a deployment', () => {
  test('A gap of the only task is a gap of the deployment, with its reason, topics and task', () => {
    expect(gapsOf({ gaps: [gap('t1', 10, 20)], spans: [span('t1', 0, 100)] })).toEqual([
      { fromMs: 10, toMs: 20, topics: ['a', 'b'], reasons: ['1006'], tasks: ['t1'], isOpen: false },
    ]);
  });

  test('A gap that another task covered is not a gap', () => {
    expect(gapsOf({ gaps: [gap('t1', 10, 20)], proofs: [proof('t2', 10, 20)] })).toEqual([]);
  });

  test('A gap of a task is a gap if no record shows that another task covered it', () => {
    expect(intervals(gapsOf({ gaps: [gap('t1', 10, 20)] }))).toEqual([[10, 20]]);
    expect(intervals(gapsOf({ gaps: [gap('t1', 10, 20)], spans: [span('t2', 30, 50)] }))).toEqual([[10, 20]]);
  });

  test('A task that started or ended during the gap covers only a part of it', () => {
    const gaps = [gap('t1', 10, 50)];
    expect(intervals(gapsOf({ gaps, spans: [span('t2', 0, 20), span('t3', 30, 40)] }))).toEqual([
      [20, 30],
      [40, 50],
    ]);
  });

  test('Gaps of two tasks are a gap only while both last', () => {
    const gaps = [gap('t1', 10, 30), gap('t2', 20, 40, { reason: '4999' })];
    expect(gapsOf({ gaps, spans: [span('t1', 0, 100), span('t2', 0, 100)] })).toMatchObject([
      { fromMs: 20, toMs: 30, reasons: ['1006', '4999'], tasks: ['t1', 't2'] },
    ]);
  });

  test('Two gaps without a time between them are one with both reasons', () => {
    const gaps = [gap('t1', 10, 20), gap('t2', 20, 30, { reason: 'no task was connected' })];
    expect(gapsOf({ gaps })).toMatchObject([
      { fromMs: 10, toMs: 30, reasons: ['1006', 'no task was connected'] },
    ]);
  });

  test('A task covers only its topics', () => {
    expect(gapsOf({ gaps: [gap('t1', 10, 20)], spans: [span('t2', 0, 100, 'bc')] })).toMatchObject([
      { fromMs: 10, toMs: 20, topics: ['a'] },
    ]);
  });

  test('A topic that the other task did not get is a gap', () => {
    const rejected = gap('t2', 0, 15, { subscription: 'topics', topicsId: 'b', reason: 'topic rejected' });
    const gaps = gapsOf({
      gaps: [gap('t1', 10, 20), rejected],
      spans: [span('t1', 0, 99), span('t2', 0, 99)],
    });
    expect(gaps).toEqual([
      {
        fromMs: 10,
        toMs: 15,
        topics: ['b'],
        reasons: ['1006', 'topic rejected'],
        tasks: ['t1', 't2'],
        isOpen: false,
      },
    ]);
  });

  test('The parts of a combined topic are topics', () => {
    const topics = new Map([
      ['1', ['v2.users.a?presence&station']],
      ['2', ['v2.users.a.presence']],
    ]);
    const gaps = [gap('t1', 10, 20, { topicsId: '1' })];
    expect(gapsOf({ gaps, spans: [span('t2', 0, 99, '2')], topics })).toMatchObject([
      { topics: ['v2.users.a.station'] },
    ]);
  });

  test('A gap whose topics are no longer stored is listed without topics, and no task covers it', () => {
    const gaps = [gap('t1', 10, 20, { topicsId: 'gone' })];
    expect(gapsOf({ gaps, spans: [span('t2', 0, 99)] })).toMatchObject([{ fromMs: 10, topics: [] }]);
  });

  test('During a gap with unknown topics a task covers nothing', () => {
    const gaps = [gap('t1', 10, 20), gap('t2', 12, 14, { topicsId: '' })];
    expect(gapsOf({ gaps, spans: [span('t2', 0, 99)] })).toMatchObject([
      { fromMs: 12, toMs: 14, topics: ['a', 'b'] },
      { fromMs: 12, toMs: 14, topics: [] },
    ]);
  });

  test('A gap without length counts as a millisecond', () => {
    const gaps = [gap('t1', 10, 10)];
    expect(intervals(gapsOf({ gaps, spans: [span('t1', 0, 99)] }))).toEqual([[10, 11]]);
    expect(gapsOf({ gaps, spans: [span('t1', 0, 99), span('t2', 0, 99)] })).toEqual([]);
  });
});

describe('the time after the last proof', () => {
  const now = 10_000_000;

  test('A task that died without a successor is a gap that is not over', () => {
    expect(gapsOf({ proofs: [proof('t1', 0, now - OPEN_AFTER_MS)] }, now)).toEqual([
      {
        fromMs: now - OPEN_AFTER_MS,
        toMs: now,
        topics: ['a', 'b'],
        reasons: [NOT_PROVEN],
        tasks: ['t1'],
        isOpen: true,
      },
    ]);
    expect(gapsOf({ proofs: [proof('t1', 0, now - OPEN_AFTER_MS, true)] }, now)).toHaveLength(1);
  });

  test('The time since the last proof of a running task is not a gap', () => {
    expect(gapsOf({ proofs: [proof('t1', 0, now - OPEN_AFTER_MS + 1)] }, now)).toEqual([]);
  });

  test('A task that died is no gap while another one covers its topics', () => {
    const proofs = [proof('t1', 0, 1_000), proof('t2', 500, now - 9_000)];
    expect(gapsOf({ proofs }, now)).toEqual([]);
  });

  test('The time between two tasks is a gap before the second one has recorded it', () => {
    const proofs = [proof('t1', 0, 1_000), proof('t2', 5_000, now - 9_000)];
    expect(gapsOf({ proofs }, 5_000 + 15_000)).toMatchObject([{ fromMs: 1_000, toMs: 5_000, isOpen: false }]);
    const gaps = [gap('t2', 1_000, 5_000, { reason: 'no task was connected' })];
    expect(gapsOf({ gaps, proofs }, 20_000)).toMatchObject([
      { fromMs: 1_000, toMs: 5_000, reasons: ['no task was connected'], tasks: ['t2'] },
    ]);
  });

  test('Topics that tasks of a later deployment no longer have are not a gap for ever', () => {
    const old = { ...proof('t1', 0, 1_000, true), subscription: '3' };
    const other = (fromMs: number) => ({
      ...proof('t2', fromMs, now - 5_000),
      covering: { topicsId: 'c', fromMs },
    });
    const topics = new Map([...TOPICS, ['c', ['c']]]);
    expect(gapsOf({ proofs: [old, other(now - UNWANTED_AFTER_MS)], topics }, now)).toHaveLength(1);
    expect(gapsOf({ proofs: [old, other(now - UNWANTED_AFTER_MS - 1)], topics }, now)).toEqual([]);
  });

  test('A proof of an earlier version, which does not say what is covered, covers nothing', () => {
    const { covering: _, ...old } = proof('t2', 0, 100);
    expect(intervals(gapsOf({ gaps: [gap('t1', 10, 20)], proofs: [old] }, now))).toEqual([[10, 20]]);
  });
});

const STEPS = 40;
const step = fc.integer({ min: 0, max: STEPS - 1 });
const interval = fc.tuple(step, fc.integer({ min: 1, max: STEPS / 2 }));
const task = fc.constantFrom('t1', 't2', 't3');
const listed = fc.constantFrom('ab', 'bc', 'b', 'gone');
const someGaps = fc.array(
  fc
    .record({ task, interval, topicsId: listed, reason: fc.constantFrom('x', 'y') })
    .map(({ task: name, interval: [fromMs, length], ...rest }) => gap(name, fromMs, fromMs + length, rest)),
  { maxLength: 8 },
);
const someSpans = fc.array(
  fc
    .tuple(task, interval, listed)
    .map(([name, [fromMs, length], id]) => span(name, fromMs, fromMs + length, id)),
  { maxLength: 8 },
);

describe('against a model that looks at every millisecond', () => {
  const includes = ({ fromMs, toMs }: { fromMs: number; toMs: number }, atMs: number) =>
    fromMs <= atMs && atMs < toMs;
  const names = (id: string, topic: string) => TOPICS.get(id)?.includes(topic) ?? false;

  test('A millisecond is in a gap if a record names it and no task covered the topic', () => {
    fc.assert(
      fc.property(someGaps, someSpans, (gaps, spans) => {
        const reported = gapsOf({ gaps, spans });
        const wrong: string[] = [];
        for (const topic of ['a', 'b', 'c']) {
          for (let atMs = 0; atMs < 2 * STEPS; atMs++) {
            const inGap = gaps.filter((one) => includes(one, atMs));
            const records = inGap.filter(({ topicsId }) => names(topicsId, topic));
            const isCovered = spans.some(
              (one) =>
                includes(one, atMs) &&
                names(one.topicsId, topic) &&
                !inGap.some(
                  ({ task: name, topicsId }) =>
                    name === one.task && (names(topicsId, topic) || !TOPICS.has(topicsId)),
                ),
            );
            const found = reported.filter((one) => includes(one, atMs) && one.topics.includes(topic));
            const isRight =
              found.length === (records.length > 0 && !isCovered ? 1 : 0) &&
              found.every(({ reasons, tasks }) =>
                records.every((one) => reasons.includes(one.reason) && tasks.includes(one.task)),
              );
            if (!isRight) wrong.push(`${topic} at ${atMs}`);
          }
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('Two gaps of a topic never touch, and the list is sorted by beginning', () => {
    fc.assert(
      fc.property(someGaps, someSpans, (gaps, spans) => {
        const reported = gapsOf({ gaps, spans });
        expect(reported.map(({ fromMs }) => fromMs)).toEqual(
          reported.map(({ fromMs }) => fromMs).toSorted((a, b) => a - b),
        );
        for (const topic of ['a', 'b', 'c']) {
          const own = reported.filter(({ topics }) => topics.includes(topic));
          for (const [n, one] of own.entries()) expect(one.fromMs).toBeGreaterThan(own[n - 1]?.toMs ?? -1);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** One step of a world of tasks: longer than it takes until a missing proof is a gap. */
const STEP_MS = OPEN_AFTER_MS;
const WORLD_STEPS = 24;

/** The life of a task: from its start it is connected or not at each step; then it is stopped, killed, or runs on. */
const life = fc.record({
  start: fc.integer({ min: 0, max: WORLD_STEPS - 2 }),
  connected: fc.array(fc.boolean(), { minLength: 1, maxLength: WORLD_STEPS }),
  isKilled: fc.boolean(),
  runsOn: fc.boolean(),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** Whether a task covers a step, and the step at which it ends; undefined if it still runs. */
function truthOf({ start, connected, runsOn }: Life) {
  const endsAt = Math.min(WORLD_STEPS, start + connected.length);
  const last = connected.at(-1) ?? false;
  const covers = (at: number) =>
    at >= start && (at < endsAt ? connected[at - start] === true : runsOn && last);
  return { covers, endsAt: runsOn ? undefined : endsAt };
}

/** What the tasks of a world store, as the ingester does: proofs are exact, and no proof is deleted. */
function recordsOf(lives: readonly Life[]): Pick<StoredCoverage, 'gaps' | 'proofs'> {
  const gaps: TaskGap[] = [];
  const proofs: CoverageProof[] = [];
  const tasks = lives.map((one, n) => ({ name: `t${n}`, ...one, ...truthOf(one) }));
  for (const { name, isKilled, covers, endsAt = WORLD_STEPS } of tasks) {
    const steps = Array.from({ length: endsAt }, (_, at) => at);
    const first = steps.find(covers);
    if (first === undefined) continue;
    const others = tasks.filter((other) => other.name !== name);
    const before = others.flatMap((other) => steps.filter((at) => at < first && other.covers(at)));
    const provenUntil = Math.max(-1, ...before) + 1;
    if (provenUntil > 0 && provenUntil < first && !others.some((other) => other.covers(first)))
      gaps.push(gap(name, provenUntil * STEP_MS, first * STEP_MS, { reason: 'no task was connected' }));
    let lostAt: number | undefined;
    for (let at = first; at <= endsAt; at++) {
      const isLast = at === endsAt;
      if (!isLast && !covers(at)) lostAt ??= at;
      // A stop records the open gap; a kill does not, and neither does a task that runs on.
      else if (lostAt !== undefined && (!isLast || (!isKilled && endsAt < WORLD_STEPS))) {
        gaps.push(gap(name, lostAt * STEP_MS, at * STEP_MS));
        lostAt = undefined;
      }
    }
    const untilMs = (lostAt ?? endsAt) * STEP_MS;
    proofs.push(proof(name, first * STEP_MS, untilMs));
  }
  return { gaps, proofs };
}

describe('against a world of tasks that start, lose connections, stop and are killed', () => {
  test('The gaps are exactly the steps after the first coverage in which no task was connected', () => {
    fc.assert(
      fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
        const truths = lives.map(truthOf);
        const steps = Array.from({ length: WORLD_STEPS }, (_, at) => at);
        const first = steps.findIndex((at) => truths.some(({ covers }) => covers(at)));
        const expected = steps.filter(
          (at) => first >= 0 && at > first && !truths.some(({ covers }) => covers(at)),
        );
        const reported = gapsOf(recordsOf(lives), WORLD_STEPS * STEP_MS);
        const found = steps.filter((at) =>
          reported.some(({ fromMs, toMs }) => fromMs <= at * STEP_MS && at * STEP_MS < toMs),
        );
        expect(found).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
