import type { SendMessageBatchCommandOutput, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BATCHER_LIMITS, Batcher, type BatcherLimits } from '../../functions/ingester/batcher.ts';
import { TestLog } from './test-log.ts';

/** What becomes of one call. */
type Outcome = SendMessageBatchCommandOutput | 'accepted' | 'lost' | 'lost after all';

interface SeenEnvelope {
  readonly id: string;
  readonly owner: string;
  readonly items: number[];
  readonly bytes: number;
}

/** SQS as a test plays it: what was sent, what was accepted, and how many calls were under way at once. */
class Queue {
  /** Envelopes of every call, in the order of calls. */
  readonly calls: SeenEnvelope[][] = [];
  readonly accepted: SeenEnvelope[] = [];
  /** Envelopes whose outcome the batcher cannot know. */
  readonly unknown: SeenEnvelope[] = [];
  most = 0;
  private running = 0;
  answer: (call: SeenEnvelope[], entries: SendMessageBatchRequestEntry[]) => Outcome | Promise<Outcome> =
    () => 'accepted';

  readonly send = async (entries: SendMessageBatchRequestEntry[]): Promise<SendMessageBatchCommandOutput> => {
    const call = entries.map(({ MessageBody = '' }) => {
      const envelope = JSON.parse(MessageBody) as {
        id: string;
        owner: string;
        events: (number | { n: number })[];
      };
      const items = envelope.events.map((event) => (typeof event === 'number' ? event : event.n));
      return { id: envelope.id, owner: envelope.owner, items, bytes: Buffer.byteLength(MessageBody) };
    });
    this.calls.push(call);
    this.running++;
    this.most = Math.max(this.most, this.running);
    try {
      const outcome = await this.answer(call, entries);
      if (outcome === 'lost' || outcome === 'lost after all') {
        if (outcome === 'lost after all') this.accepted.push(...call);
        this.unknown.push(...call);
        throw new Error('no answer');
      }
      const output =
        outcome === 'accepted'
          ? ({
              Successful: entries.map(({ Id }) => ({ Id })),
              $metadata: {},
            } as SendMessageBatchCommandOutput)
          : outcome;
      for (const { Id } of output.Successful ?? []) {
        const envelope = call[Number(Id)];
        if (envelope) this.accepted.push(envelope);
      }
      return output;
    } finally {
      this.running--;
    }
  };

  get acceptedItems(): number[] {
    return this.accepted.flatMap(({ items }) => items);
  }
}

function output(
  entries: readonly SendMessageBatchRequestEntry[],
  failed: Readonly<Record<string, { SenderFault: boolean; Code: string }>>,
): SendMessageBatchCommandOutput {
  const ids = entries.map(({ Id }) => Id ?? '');
  return {
    Successful: ids.filter((Id) => !failed[Id]).map((Id) => ({ Id, MessageId: Id, MD5OfMessageBody: '' })),
    Failed: ids.flatMap((Id) => (failed[Id] ? [{ Id, ...failed[Id] }] : [])),
    $metadata: {},
  };
}

const THROTTLED = { SenderFault: false, Code: 'InternalError' };
const INVALID = { SenderFault: true, Code: 'InvalidMessageContents' };

let queue: Queue;
let batcher: Batcher;
let told: string[];
let refused: string[];
let added: number;

function make(limits: Partial<BatcherLimits> = {}): void {
  queue = new Queue();
  told = [];
  refused = [];
  added = 0;
  batcher = new Batcher(
    queue.send,
    {
      onPause: () => told.push('pause'),
      onResume: () => told.push('resume'),
      onRefused: (item, reason) => {
        refused.push(item);
        told.push(reason);
      },
      onGiveUp: () => told.push('give up'),
    },
    new TestLog(),
    limits,
  );
}

/** Add items, each a number that no other has, of `bytes` each where that is given. */
function add(count: number, bytes?: number): void {
  for (let left = count; left > 0; left--) {
    const plain = String(1_000_000 + added++);
    const item =
      bytes === undefined ? plain : `{"n":${plain},"x":"${'x'.repeat(bytes - plain.length - 12)}"}`;
    batcher.add(item, Buffer.byteLength(item));
  }
}
const everything = () => Array.from({ length: added }, (_, n) => 1_000_000 + n);
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  make();
});
afterEach(() => vi.useRealTimers());

describe('an envelope', () => {
  it('waits for company no longer than the linger', async () => {
    add(3);
    await pass(BATCHER_LIMITS.lingerMs - 1);
    expect(queue.calls).toEqual([]);
    await pass(1);
    expect(queue.calls.map((call) => call.map(({ items }) => items))).toEqual([[everything()]]);
    expect(batcher.bufferedBytes).toBe(0);
  });

  it('owns its events: owner and id are the same', async () => {
    add(1);
    await pass(BATCHER_LIMITS.lingerMs);
    const [envelope] = queue.accepted;
    expect(envelope?.owner).toBe(envelope?.id);
  });

  it('holds at most 200 events', async () => {
    add(450);
    await pass(BATCHER_LIMITS.lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([200, 200, 50]);
    expect(queue.acceptedItems).toEqual(everything());
  });

  it('holds at most 60 KB of events', async () => {
    add(9, 20_000);
    await pass(BATCHER_LIMITS.lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([2, 2, 2, 2, 1]);
    for (const { bytes } of queue.accepted) expect(bytes).toBeLessThan(64 * 1_024);
  });

  it('may be larger for the sake of one event', async () => {
    add(1);
    add(1, 900_000);
    add(1);
    await pass(BATCHER_LIMITS.lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([1, 1, 1]);
  });
});

describe('a call', () => {
  it('takes ten envelopes as soon as there are ten', () => {
    add(10 * 200 + 1);
    expect(queue.calls.map((call) => call.length)).toEqual([10]);
  });

  it('stays within 1 MiB', async () => {
    add(25, 300_000);
    await pass(BATCHER_LIMITS.lingerMs);
    await pass(BATCHER_LIMITS.lingerMs);
    for (const call of queue.calls) {
      expect(call.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1_048_576);
    }
    expect(queue.acceptedItems.toSorted()).toEqual(everything());
  });

  it('is one of a bounded number at once', async () => {
    const gates: (() => void)[] = [];
    queue.answer = () => new Promise((resolve) => gates.push(() => resolve('accepted')));
    add(200 * 10 * 12);
    await pass(BATCHER_LIMITS.lingerMs);
    expect([queue.calls.length, queue.most]).toEqual([8, BATCHER_LIMITS.callsInFlight]);
    while (queue.accepted.length < 120) {
      gates.shift()?.();
      await pass();
    }
    expect(queue.most).toBe(BATCHER_LIMITS.callsInFlight);
    expect(queue.acceptedItems.toSorted()).toEqual(everything());
  });
});

describe('a failure', () => {
  it('of some entries sends them alone again, with new ids', async () => {
    let first = true;
    queue.answer = (_call, entries) => {
      const failed = first ? { 1: THROTTLED, 3: THROTTLED } : {};
      first = false;
      return output(entries, failed);
    };
    add(1_000);
    await pass(BATCHER_LIMITS.lingerMs);
    expect(queue.accepted).toHaveLength(3);
    await pass(BATCHER_LIMITS.backoffCapMs);
    const [all, again] = queue.calls;
    expect(again?.map(({ items }) => items)).toEqual([all?.[1]?.items, all?.[3]?.items]);
    expect(all?.map(({ id }) => id)).not.toContain(again?.[0]?.id);
    expect(queue.acceptedItems.toSorted()).toEqual(everything());
    expect(batcher.totals).toEqual({
      itemsSent: 1_000,
      messagesSent: 5,
      calls: 2,
      failedCalls: 0,
      failedEntries: 2,
    });
  });

  it('of entries of which the answer says nothing is one too', async () => {
    queue.answer = (_call, entries) => ({ ...output(entries.slice(0, 1), {}) });
    add(400);
    await pass(BATCHER_LIMITS.lingerMs + BATCHER_LIMITS.backoffCapMs);
    expect(queue.acceptedItems).toEqual(everything());
  });

  it('of a whole call sends all of it again, with new ids', async () => {
    const outcomes: Outcome[] = ['lost', 'lost', 'accepted'];
    queue.answer = () => outcomes.shift() ?? 'accepted';
    add(500);
    await pass(BATCHER_LIMITS.lingerMs + 3 * BATCHER_LIMITS.backoffCapMs);
    expect(queue.calls).toHaveLength(3);
    const ids = queue.calls.flatMap((call) => call.map(({ id }) => id));
    expect(new Set(ids).size).toBe(9);
    expect(queue.acceptedItems).toEqual(everything());
    expect(batcher.totals).toMatchObject({ calls: 3, failedCalls: 2, itemsSent: 500 });
  });

  it('is followed by a wait with full jitter that grows to a cap, and by nothing in it', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    queue.answer = () => 'lost';
    add(1);
    await pass(BATCHER_LIMITS.lingerMs);
    const { backoffBaseMs, backoffCapMs } = BATCHER_LIMITS;
    for (let calls = 1; calls < 12; calls++) {
      expect(queue.calls).toHaveLength(calls);
      const waitMs = Math.min(backoffCapMs, backoffBaseMs * 2 ** (calls - 1));
      await pass(waitMs - 1);
      expect(queue.calls).toHaveLength(calls);
      await pass(1);
    }
    vi.restoreAllMocks();
  });

  it('for good is told after the limit, and not before something was refused for all of it', async () => {
    queue.answer = () => 'lost';
    add(1);
    await pass(BATCHER_LIMITS.giveUpMs - BATCHER_LIMITS.backoffCapMs);
    expect(told).toEqual([]);
    queue.answer = () => 'accepted';
    await pass(BATCHER_LIMITS.backoffCapMs);
    queue.answer = () => 'lost';
    add(1);
    await pass(BATCHER_LIMITS.giveUpMs - BATCHER_LIMITS.backoffCapMs);
    expect(told).toEqual([]);
    await pass(2 * BATCHER_LIMITS.backoffCapMs);
    expect(told).toContain('give up');
    expect(batcher.bufferedBytes).toBeGreaterThan(0);
  });
});

describe('an item that SQS refuses for what it is', () => {
  const poison = 1_000_042;

  it('is found by dividing, named once, and the others are sent', async () => {
    queue.answer = (call, entries) =>
      output(
        entries,
        Object.fromEntries(call.flatMap(({ items }, n) => (items.includes(poison) ? [[n, INVALID]] : []))),
      );
    add(600);
    await pass(10 * BATCHER_LIMITS.lingerMs);
    expect(refused).toEqual([String(poison)]);
    expect(told).toEqual(['InvalidMessageContents']);
    expect(queue.acceptedItems.toSorted()).toEqual(everything().filter((n) => n !== poison));
    expect(batcher.bufferedBytes).toBe(0);
  });

  it('may be replaced by another one by its owner, at once', async () => {
    make();
    const replaced = new Batcher(
      queue.send,
      {
        onPause: () => {},
        onResume: () => {},
        onRefused: (item) => {
          expect(item).toBe(String(poison));
          replaced.add('7', 1);
        },
        onGiveUp: () => {},
      },
      new TestLog(),
    );
    queue.answer = (call, entries) =>
      output(
        entries,
        Object.fromEntries(call.flatMap(({ items }, n) => (items.includes(poison) ? [[n, INVALID]] : []))),
      );
    replaced.add(String(poison), 7);
    const drained = replaced.drain();
    await pass(BATCHER_LIMITS.lingerMs);
    await drained;
    expect(queue.acceptedItems).toEqual([7]);
  });

  it.each(['OverLimit', 'KmsThrottled', 'AccessDenied'])(
    'is not what %s means: that is sent again',
    async (Code) => {
      let calls = 0;
      queue.answer = (_call, entries) =>
        ++calls < 4 ? output(entries, { 0: { SenderFault: true, Code } }) : 'accepted';
      add(3);
      await pass(BATCHER_LIMITS.lingerMs + 4 * BATCHER_LIMITS.backoffCapMs);
      expect([refused, queue.acceptedItems]).toEqual([[], everything()]);
    },
  );
});

describe('the buffer', () => {
  const limits = { highWaterBytes: 50_000, lowWaterBytes: 20_000, callsInFlight: 1 };

  it('tells to pause at the high-water mark and to go on below the low one, once each', async () => {
    make(limits);
    const gates: (() => void)[] = [];
    queue.answer = () => new Promise((resolve) => gates.push(() => resolve('accepted')));
    add(49, 1_000);
    expect(told).toEqual([]);
    add(30, 1_000);
    expect(told).toEqual(['pause']);
    await pass(BATCHER_LIMITS.lingerMs);
    expect(told).toEqual(['pause']);
    gates.shift()?.();
    await pass();
    expect([batcher.bufferedBytes, told]).toEqual([0, ['pause', 'resume']]);
    add(51, 1_000);
    expect(told).toEqual(['pause', 'resume', 'pause']);
  });

  it('stays paused between the marks', async () => {
    make({ ...limits, envelopeBytes: 10_000, batchEntries: 1 });
    const gates: (() => void)[] = [];
    queue.answer = () => new Promise((resolve) => gates.push(() => resolve('accepted')));
    add(60, 1_000);
    await pass(BATCHER_LIMITS.lingerMs);
    while (batcher.bufferedBytes > 0) {
      expect(told.at(-1)).toBe(batcher.bufferedBytes > limits.lowWaterBytes ? 'pause' : 'resume');
      gates.shift()?.();
      await pass();
    }
  });

  it('knows how old its oldest item is, wherever that is', async () => {
    expect(batcher.oldestUnsentMs).toBeUndefined();
    const startedAtMs = Date.now();
    add(1);
    expect(batcher.oldestUnsentMs).toBe(startedAtMs);
    const gates: (() => void)[] = [];
    queue.answer = () => new Promise((resolve) => gates.push(() => resolve('lost')));
    await pass(BATCHER_LIMITS.lingerMs);
    add(1);
    expect([queue.calls.length, batcher.oldestUnsentMs]).toEqual([1, startedAtMs]);
    gates.shift()?.();
    await pass();
    expect(batcher.oldestUnsentMs).toBe(startedAtMs);
  });
});

describe('draining', () => {
  it('sends all at once and waits until it is accepted', async () => {
    let gate = () => {};
    queue.answer = () => new Promise((resolve) => (gate = () => resolve('accepted')));
    add(10);
    let drained = false;
    const draining = batcher.drain().then(() => {
      drained = true;
    });
    await pass();
    expect([queue.calls.length, drained]).toEqual([1, false]);
    gate();
    await draining;
    expect(queue.acceptedItems).toEqual(everything());
  });

  it('of nothing is done', async () => {
    await batcher.drain();
    expect(queue.calls).toEqual([]);
  });

  it('goes on through failures', async () => {
    const outcomes: Outcome[] = ['lost', 'lost after all'];
    queue.answer = () => outcomes.shift() ?? 'accepted';
    add(500);
    const draining = batcher.drain();
    await pass(3 * BATCHER_LIMITS.backoffCapMs);
    await draining;
    expect(new Set(queue.acceptedItems).size).toBe(500);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('whatever sequence of failures', () => {
  const LIMITS = { envelopeEvents: 5, envelopeBytes: 600, batchEntries: 4, callsInFlight: 3 };
  const outcomes = fc.array(
    fc.record({
      kind: fc.constantFrom('accepted', 'lost', 'lost after all', 'partial', 'silent', 'refused'),
      hit: fc.integer({ min: 0, max: 15 }),
      delayMs: fc.integer({ min: 0, max: 300 }),
    }),
    { maxLength: 40 },
  );
  const steps = fc.array(
    fc.record({ count: fc.integer({ min: 0, max: 30 }), waitMs: fc.integer({ min: 0, max: 150 }) }),
    {
      maxLength: 15,
    },
  );

  it('every item is sent, and none is in two accepted envelopes unless an outcome was unknown', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        outcomes,
        fc.integer({ min: 0, max: 20 }),
        async (adds, script, poisonEvery) => {
          make(LIMITS);
          const isPoison = (n: number) => poisonEvery > 0 && n % (poisonEvery * 7) === 3;
          const left = [...script];
          queue.answer = async (call, entries) => {
            const { kind, hit, delayMs } = left.shift() ?? { kind: 'accepted', hit: 0, delayMs: 0 };
            if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
            if (kind === 'lost' || kind === 'lost after all') return kind;
            const isHit = (n: number) => (hit >> n) % 2 === 1;
            const failed: Record<string, typeof INVALID> = {};
            for (const [n, { items }] of call.entries()) {
              if (items.some(isPoison)) failed[n] = INVALID;
              else if (kind === 'partial' && isHit(n)) failed[n] = THROTTLED;
              else if (kind === 'refused' && isHit(n)) failed[n] = { SenderFault: true, Code: 'OverLimit' };
            }
            if (kind === 'silent')
              return output(
                entries.filter((_, n) => !failed[n] && !isHit(n)),
                {},
              );
            return output(entries, failed);
          };
          for (const { count, waitMs } of adds) {
            add(count);
            await pass(waitMs);
          }
          const draining = batcher.drain();
          await pass(60 * BATCHER_LIMITS.backoffCapMs);
          await draining;

          const inUnknown = new Set(queue.unknown.flatMap(({ items }) => items));
          const times = new Map<number, number>();
          for (const n of queue.acceptedItems) times.set(n, (times.get(n) ?? 0) + 1);
          for (const n of everything()) {
            const count = times.get(n) ?? 0;
            const refusals = refused.filter((item) => item === String(n)).length;
            if (isPoison(n)) expect([refusals, count > 0 && !inUnknown.has(n)]).toEqual([1, false]);
            else expect([refusals, count >= 1, count > 1 && !inUnknown.has(n)]).toEqual([0, true, false]);
          }
          const ids = queue.calls.flatMap((call) => call.map(({ id }) => id));
          expect(new Set(ids).size).toBe(ids.length);
          expect(queue.most).toBeLessThanOrEqual(LIMITS.callsInFlight);
          expect([batcher.bufferedBytes, batcher.oldestUnsentMs, vi.getTimerCount()]).toEqual([
            0,
            undefined,
            0,
          ]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
