import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BATCHER_LIMITS, Batcher } from '../../functions/ingester/batcher.ts';
import { batchOutput, FakeQueue, INVALID, type SeenEnvelope, THROTTLED } from './fake-queue.ts';
import { TestLog } from './test-log.ts';

const FIRST = 1_000_000;
/** Added to the number of an item that its replacement has. */
const REPLACED = 5_000_000;
const LIMITS = { envelopeEvents: 5, envelopeBytes: 600, batchEntries: 4, callsInFlight: 3 };

/** What happens to one call. `hit` selects entries, as a bit mask. */
interface Outcome {
  readonly kind: 'accepted' | 'lost' | 'lost after acceptance' | 'partial' | 'unmentioned' | 'refused';
  readonly hit: number;
  readonly delayMs: number;
}

const outcomes: fc.Arbitrary<Outcome[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('accepted', 'lost', 'lost after acceptance', 'partial', 'unmentioned', 'refused'),
    hit: fc.integer({ min: 0, max: 15 }),
    delayMs: fc.integer({ min: 0, max: 300 }),
  }),
  { maxLength: 40 },
);
const additions = fc.array(
  fc.record({ count: fc.integer({ min: 0, max: 30 }), waitMs: fc.integer({ min: 0, max: 150 }) }),
  { maxLength: 15 },
);

/** A batcher whose queue follows a script of outcomes and refuses poisonous items. */
class Scenario {
  readonly queue = new FakeQueue();
  readonly refused: string[] = [];
  readonly acceptedPositions: number[] = [];
  /** Numbers of the items that were refused and not replaced. */
  readonly dropped = new Set<number>();
  /** Called after everything that changes the accepted position. */
  check: () => void = () => {};
  readonly batcher: Batcher;
  private added = 0;

  constructor(
    script: readonly Outcome[],
    isPoison: (n: number) => boolean,
    isReplaced: (n: number) => boolean,
  ) {
    const left = [...script];
    this.queue.answer = async (call, entries) => {
      const outcome = left.shift() ?? { kind: 'accepted', hit: 0, delayMs: 0 };
      if (outcome.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, outcome.delayMs));
      return answer(outcome, call, entries, isPoison);
    };
    this.batcher = new Batcher(
      this.queue.send,
      {
        onPause: () => {},
        onResume: () => {},
        onAccepted: (position) => {
          this.acceptedPositions.push(position);
          this.check();
        },
        onRefused: (json) => {
          this.refused.push(json);
          const n = Number(json);
          if (isReplaced(n)) return { json: String(n + REPLACED), bytes: 7 };
          this.dropped.add(n);
          return undefined;
        },
        onGiveUp: () => {},
      },
      new TestLog(),
      LIMITS,
    );
  }

  get items(): number[] {
    return Array.from({ length: this.added }, (_, n) => FIRST + n);
  }

  /** Add items and let time pass, then drain. */
  async run(steps: readonly { count: number; waitMs: number }[]): Promise<void> {
    for (const { count, waitMs } of steps) {
      for (let left = count; left > 0; left--)
        this.batcher.add({ json: String(FIRST + this.added++), bytes: 7 });
      this.check();
      await vi.advanceTimersByTimeAsync(waitMs);
      this.check();
    }
    const draining = this.batcher.drain();
    await vi.advanceTimersByTimeAsync(60 * BATCHER_LIMITS.backoffCapMs);
    await draining;
    this.check();
  }
}

function answer(
  { kind, hit }: Outcome,
  call: SeenEnvelope[],
  entries: Parameters<FakeQueue['send']>[0],
  isPoison: (n: number) => boolean,
) {
  if (kind === 'lost' || kind === 'lost after acceptance') return kind;
  const isHit = (n: number) => (hit >> n) % 2 === 1;
  const failed: Record<string, { SenderFault: boolean; Code: string }> = {};
  for (const [n, { items }] of call.entries()) {
    if (items.some(isPoison)) failed[n] = INVALID;
    else if (kind === 'partial' && isHit(n)) failed[n] = THROTTLED;
    else if (kind === 'refused' && isHit(n)) failed[n] = { SenderFault: true, Code: 'OverLimit' };
  }
  if (kind !== 'unmentioned') return batchOutput(entries, failed);
  return batchOutput(
    entries.filter((_, n) => !failed[n] && !isHit(n)),
    {},
  );
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => vi.useRealTimers());

test('Every item is sent despite any failures, and only an unknown outcome leads to an item in two accepted envelopes', async () => {
  await fc.assert(
    fc.asyncProperty(
      additions,
      outcomes,
      fc.integer({ min: 0, max: 20 }),
      async (steps, script, poisonEvery) => {
        const isPoison = (n: number) => poisonEvery > 0 && n % (poisonEvery * 7) === 3;
        const { queue, batcher, refused, ...scenario } = await completed(
          script,
          isPoison,
          () => false,
          steps,
        );

        const inUnknown = new Set(queue.unknown.flatMap(({ items }) => items));
        const times = new Map<number, number>();
        for (const n of queue.acceptedItems) times.set(n, (times.get(n) ?? 0) + 1);
        for (const n of scenario.items) {
          const count = times.get(n) ?? 0;
          const isUnknown = inUnknown.has(n);
          expect(refused.filter((json) => json === String(n))).toHaveLength(isPoison(n) ? 1 : 0);
          if (!isPoison(n)) expect(count).toBeGreaterThanOrEqual(1);
          if (isPoison(n) && !isUnknown) expect(count).toBe(0);
          if (!isPoison(n) && !isUnknown) expect(count).toBe(1);
        }
        const ids = queue.calls.flatMap((call) => call.map(({ id }) => id));
        expect(new Set(ids).size).toBe(ids.length);
        expect(queue.mostConcurrent).toBeLessThanOrEqual(LIMITS.callsInFlight);
        expect(batcher.bufferedBytes).toBe(0);
        expect(batcher.oldestUnsentMs).toBeUndefined();
        expect(vi.getTimerCount()).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});

test('The accepted position is reported monotonically and never beyond what SQS has accepted', async () => {
  await fc.assert(
    fc.asyncProperty(
      additions,
      outcomes,
      fc.integer({ min: 0, max: 10 }),
      async (steps, script, poisonEvery) => {
        const isPoison = (n: number) => n < REPLACED && poisonEvery > 0 && n % (poisonEvery * 3) === 2;
        const isReplaced = (n: number) => n % 2 === 0;
        const { batcher, acceptedPositions, items, bounds } = await completed(
          script,
          isPoison,
          isReplaced,
          steps,
        );
        for (const { reported, accepted } of bounds) expect(reported).toBeLessThanOrEqual(accepted);
        expect(acceptedPositions).toEqual([...new Set(acceptedPositions)].toSorted((a, b) => a - b));
        expect(batcher.lastPosition).toBe(items.length);
        expect(batcher.acceptedPosition).toBe(items.length);
        expect(acceptedPositions.at(-1) ?? 0).toBe(items.length);
      },
    ),
    { numRuns: 100 },
  );
});

/** Run a scenario and compare, at every step, the accepted position with what the queue has accepted. */
async function completed(
  script: readonly Outcome[],
  isPoison: (n: number) => boolean,
  isReplaced: (n: number) => boolean,
  steps: readonly { count: number; waitMs: number }[],
) {
  const scenario = new Scenario(script, isPoison, isReplaced);
  const { queue, batcher, refused, acceptedPositions, dropped } = scenario;
  const bounds: { reported: number; accepted: number }[] = [];
  const done = new Set<number>();
  let seen = 0;
  scenario.check = () => {
    for (; seen < queue.accepted.length; seen++)
      for (const n of queue.accepted[seen]?.items ?? []) done.add(n > REPLACED ? n - REPLACED : n);
    for (const n of dropped) done.add(n);
    let accepted = 0;
    while (done.has(FIRST + accepted)) accepted++;
    bounds.push({ reported: batcher.acceptedPosition, accepted });
    bounds.push({ reported: acceptedPositions.at(-1) ?? 0, accepted });
  };
  await scenario.run(steps);
  return { queue, batcher, refused, acceptedPositions, bounds, items: scenario.items };
}
