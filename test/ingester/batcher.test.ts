import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BATCHER_LIMITS, Batcher, type BatcherLimits } from '../../functions/ingester/batcher.ts';
import type { Item } from '../../lib/events/item.ts';
import {
  batchOutput,
  type CallOutcome,
  FakeQueue,
  INVALID,
  type SeenEnvelope,
  THROTTLED,
} from './fake-queue.ts';
import { TestLog } from './test-log.ts';

const MIB = 1_048_576;
const FIRST = 1_000_000;
const { lingerMs, backoffBaseMs, backoffCapMs, callsInFlight, giveUpMs } = BATCHER_LIMITS;

let queue: FakeQueue;
let batcher: Batcher;
/** Pauses, resumptions, refusal reasons and the report of giving up, in order. */
let reports: string[];
let refused: string[];
let givenUp: unknown[];
let log: TestLog;
let acceptedPositions: number[];
let replacement: Item | undefined;
let added: number;

function make(limits: Partial<BatcherLimits> = {}): void {
  queue = new FakeQueue();
  reports = [];
  refused = [];
  givenUp = [];
  log = new TestLog();
  acceptedPositions = [];
  replacement = undefined;
  added = 0;
  batcher = new Batcher(
    queue.send,
    {
      onPause: () => reports.push('pause'),
      onResume: () => reports.push('resume'),
      onAccepted: (position) => acceptedPositions.push(position),
      onRefused: (json, reason) => {
        refused.push(json);
        reports.push(reason);
        return replacement;
      },
      onGiveUp: (error) => {
        givenUp.push(error);
        reports.push('give up');
      },
    },
    log,
    limits,
  );
}

/** Add items with different numbers, of `bytes` each if that is given. */
function add(count: number, bytes?: number): void {
  for (let left = count; left > 0; left--) {
    const plain = String(FIRST + added++);
    const json =
      bytes === undefined ? plain : `{"n":${plain},"x":"${'x'.repeat(bytes - plain.length - 12)}"}`;
    batcher.add({ json, bytes: Buffer.byteLength(json) });
  }
}
const everything = () => Array.from({ length: added }, (_, n) => FIRST + n);
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
/** Let the test complete calls one by one. */
function gateCalls(outcome: CallOutcome = 'accepted'): (() => void)[] {
  const gates: (() => void)[] = [];
  queue.answer = () => new Promise((resolve) => gates.push(() => resolve(outcome)));
  return gates;
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  make();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('envelopes', () => {
  test('An item waits for others no longer than the linger time', async () => {
    add(3);
    await pass(lingerMs - 1);
    expect(queue.calls).toEqual([]);
    await pass(1);
    expect(queue.calls.map((call) => call.map(({ items }) => items))).toEqual([[everything()]]);
    expect(batcher.bufferedBytes).toBe(0);
  });

  test('The owner of a new envelope is its id', async () => {
    add(1);
    await pass(lingerMs);
    const [envelope] = queue.accepted;
    expect(envelope?.owner).toBe(envelope?.id);
  });

  test('An envelope has at most 200 events', async () => {
    add(450);
    await pass(lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([200, 200, 50]);
    expect(queue.acceptedItems).toEqual(everything());
  });

  test('An envelope has at most 60 KB of events', async () => {
    add(9, 20_000);
    await pass(lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([2, 2, 2, 2, 1]);
    for (const { bytes } of queue.accepted) expect(bytes).toBeLessThan(64 * 1_024);
  });

  test('An event that is larger than an envelope is sent on its own', async () => {
    add(1);
    add(1, 900_000);
    add(1);
    await pass(lingerMs);
    expect(queue.accepted.map(({ items }) => items.length)).toEqual([1, 1, 1]);
  });
});

describe('calls', () => {
  test('Ten full envelopes are sent at once', () => {
    add(10 * 200 + 1);
    expect(queue.calls.map((call) => call.length)).toEqual([10]);
  });

  test('A call that is not full waits no longer than the linger time, even if an envelope is full', async () => {
    add(201);
    await pass(lingerMs - 1);
    expect(queue.calls).toEqual([]);
    await pass(1);
    expect(queue.calls.map((call) => call.length)).toEqual([2]);
  });

  test('The end of a call does not send a call that is not full early', async () => {
    const gates = gateCalls();
    add(1);
    await pass(lingerMs);
    add(201);
    gates.shift()?.();
    await pass(lingerMs - 1);
    expect(queue.calls).toHaveLength(1);
    await pass(1);
    expect(queue.calls.map((call) => call.length)).toEqual([1, 2]);
  });

  test('A call is at most 1 MiB', async () => {
    add(25, 300_000);
    await pass(lingerMs);
    await pass(lingerMs);
    for (const call of queue.calls) {
      expect(call.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1_048_576);
    }
    expect(queue.acceptedItems.toSorted()).toEqual(everything());
  });

  test('The number of concurrent calls is bounded', async () => {
    const gates = gateCalls();
    add(200 * 10 * 12);
    await pass(lingerMs);
    expect(queue.calls).toHaveLength(8);
    expect(queue.mostConcurrent).toBe(callsInFlight);
    while (queue.accepted.length < 120) {
      gates.shift()?.();
      await pass();
    }
    expect(queue.mostConcurrent).toBe(callsInFlight);
    expect(queue.acceptedItems.toSorted()).toEqual(everything());
  });
});

describe('failures', () => {
  test('The batcher resends only the failed entries of a call, in new envelopes', async () => {
    let first = true;
    queue.answer = (_call, entries) => {
      const failed = first ? { 1: THROTTLED, 3: THROTTLED } : {};
      first = false;
      return batchOutput(entries, failed);
    };
    add(1_000);
    await pass(lingerMs);
    expect(queue.accepted).toHaveLength(3);
    await pass(backoffCapMs);
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

  test('An entry that the output does not mention counts as failed', async () => {
    queue.answer = (_call, entries) => ({ ...batchOutput(entries.slice(0, 1), {}), Failed: undefined });
    add(400);
    await pass(lingerMs + backoffCapMs);
    expect(queue.acceptedItems).toEqual(everything());
  });

  test('The batcher resends a failed call completely, in new envelopes', async () => {
    const outcomes: CallOutcome[] = ['lost', 'lost', 'accepted'];
    queue.answer = () => outcomes.shift() ?? 'accepted';
    add(500);
    await pass(lingerMs + 3 * backoffCapMs);
    expect(queue.calls).toHaveLength(3);
    const ids = queue.calls.flatMap((call) => call.map(({ id }) => id));
    expect(new Set(ids).size).toBe(9);
    expect(queue.acceptedItems).toEqual(everything());
    expect(batcher.totals).toMatchObject({ calls: 3, failedCalls: 2, itemsSent: 500 });
  });

  test('The batcher waits after each failure, with full jitter up to a growing limit', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    queue.answer = () => 'lost';
    add(1);
    await pass(lingerMs);
    for (let calls = 1; calls < 12; calls++) {
      expect(queue.calls).toHaveLength(calls);
      const waitMs = Math.min(backoffCapMs, backoffBaseMs * 2 ** (calls - 1));
      await pass(waitMs - 1);
      expect(queue.calls).toHaveLength(calls);
      await pass(1);
    }
  });

  test('The batcher gives up if nothing is accepted within the time limit', async () => {
    queue.answer = () => 'lost';
    add(1);
    await pass(giveUpMs - backoffCapMs);
    expect(reports).toEqual([]);
    queue.answer = () => 'accepted';
    await pass(backoffCapMs);
    queue.answer = () => 'lost';
    add(1);
    await pass(giveUpMs - backoffCapMs);
    expect(reports).toEqual([]);
    await pass(2 * backoffCapMs);
    expect(reports).toContain('give up');
    expect(batcher.bufferedBytes).toBeGreaterThan(0);
  });

  test('The batcher gives up at the limit, and reports why', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    make({ backoffBaseMs: 1_000, backoffCapMs: 1_000, giveUpMs: 3_000 });
    queue.answer = () => 'lost';
    add(1);
    await pass(lingerMs + 2_999);
    expect(givenUp).toEqual([]);
    await pass(1);
    expect(givenUp).toEqual([new Error('SQS accepts no messages', { cause: new Error('no answer') })]);
  });

  test('Every failure is logged with the number of messages, the delay and the reason', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const outcomes: CallOutcome[] = ['lost'];
    queue.answer = (_call, entries) =>
      outcomes.shift() ??
      batchOutput(entries, queue.calls.length === 2 ? { 0: THROTTLED, 2: THROTTLED } : {});
    add(600);
    await pass(lingerMs + backoffCapMs);
    const message = 'SQS did not accept messages; they are sent again';
    expect(log.lines).toEqual([
      { level: 'warn', message, fields: { messages: 3, delayMs: 100, reason: 'Error: no answer' } },
      {
        level: 'warn',
        message,
        fields: {
          messages: 2,
          delayMs: 100,
          reason: 'Error: SQS did not accept every entry: InternalError',
        },
      },
    ]);
  });
});

describe('items that SQS refuses', () => {
  const poison = FIRST + 42;
  const refusePoison = (call: SeenEnvelope[], entries: Parameters<typeof batchOutput>[0]) =>
    batchOutput(
      entries,
      Object.fromEntries(call.flatMap(({ items }, n) => (items.includes(poison) ? [[n, INVALID]] : []))),
    );

  test('A refused item is found by division and reported once, and the other items are sent', async () => {
    queue.answer = refusePoison;
    add(600);
    await pass(10 * lingerMs);
    expect(refused).toEqual([String(poison)]);
    expect(reports).toEqual(['InvalidMessageContents']);
    expect(queue.acceptedItems.toSorted()).toEqual(everything().filter((n) => n !== poison));
    expect(batcher.bufferedBytes).toBe(0);
  });

  test('A replacement is sent instead of a refused item', async () => {
    replacement = { json: '7', bytes: 1 };
    queue.answer = refusePoison;
    batcher.add({ json: String(poison), bytes: 7 });
    const drained = batcher.drain();
    await pass(lingerMs);
    await drained;
    expect(refused).toEqual([String(poison)]);
    expect(queue.acceptedItems).toEqual([7]);
    expect(batcher.bufferedBytes).toBe(0);
  });

  test.each(['InvalidMessageContents', 'InvalidParameterValue', 'MessageTooLong'])(
    'An item that SQS refuses with %s is reported with the message of SQS',
    async (Code) => {
      queue.answer = () => ({
        Successful: [],
        Failed: [{ Id: '0', SenderFault: true, Code, Message: 'The message cannot be stored.' }],
        $metadata: {},
      });
      add(1);
      await pass(lingerMs);
      expect(refused).toEqual([String(FIRST)]);
      expect(reports).toEqual(['The message cannot be stored.']);
    },
  );

  test('Each envelope of a call has its own failure', async () => {
    make({ envelopeEvents: 1 });
    queue.answer = (call, entries) =>
      batchOutput(entries, call.length > 1 ? { 0: INVALID, 1: THROTTLED } : {});
    add(3);
    await pass(lingerMs + backoffCapMs);
    expect(refused).toEqual([String(FIRST)]);
    expect(queue.acceptedItems.toSorted()).toEqual([FIRST + 1, FIRST + 2]);
  });

  test('An entry that failed without a code is sent again', async () => {
    queue.answer = (_call, entries) =>
      queue.calls.length > 1
        ? batchOutput(entries, {})
        : { Successful: [], Failed: [{ Id: '0', SenderFault: true, Code: undefined }], $metadata: {} };
    add(1);
    await pass(lingerMs + backoffCapMs);
    expect(refused).toEqual([]);
    expect(queue.acceptedItems).toEqual(everything());
  });

  test.each(['OverLimit', 'KmsThrottled', 'AccessDenied'])(
    'An entry that failed with %s is sent again, because the item is not the cause',
    async (Code) => {
      let calls = 0;
      queue.answer = (_call, entries) =>
        ++calls < 4 ? batchOutput(entries, { 0: { SenderFault: true, Code } }) : 'accepted';
      add(3);
      await pass(lingerMs + 4 * backoffCapMs);
      expect(refused).toEqual([]);
      expect(queue.acceptedItems).toEqual(everything());
    },
  );
});

describe('the buffer', () => {
  const limits = { highWaterBytes: 50_000, lowWaterBytes: 20_000, callsInFlight: 1 };

  test('The batcher reports a pause at the high-water mark and a resumption below the low-water mark, once each', async () => {
    make(limits);
    const gates = gateCalls();
    add(49, 1_000);
    expect(reports).toEqual([]);
    add(30, 1_000);
    expect(reports).toEqual(['pause']);
    await pass(lingerMs);
    expect(reports).toEqual(['pause']);
    gates.shift()?.();
    await pass();
    expect(batcher.bufferedBytes).toBe(0);
    expect(reports).toEqual(['pause', 'resume']);
    add(51, 1_000);
    expect(reports).toEqual(['pause', 'resume', 'pause']);
  });

  test('Reading is paused at 48 MiB, and resumed at 24 MiB', async () => {
    const item = Promise.withResolvers<Item>();
    const never = new Promise<Item>(() => {});
    batcher.addLater(24 * MIB, () => item.promise);
    batcher.addLater(24 * MIB - 1, () => never);
    expect(reports).toEqual([]);
    batcher.addLater(1, () => never);
    expect(reports).toEqual(['pause']);
    const gates = gateCalls();
    item.resolve({ json: '7', bytes: 1 });
    await pass();
    expect(reports).toEqual(['pause']);
    gates.shift()?.();
    await pass();
    expect(batcher.bufferedBytes).toBe(24 * MIB);
    expect(reports).toEqual(['pause', 'resume']);
  });

  test('A pause lasts until the buffer is below the low-water mark', async () => {
    make({ ...limits, envelopeBytes: 10_000, batchEntries: 1 });
    const gates = gateCalls();
    add(60, 1_000);
    await pass(lingerMs);
    while (batcher.bufferedBytes > 0) {
      expect(reports.at(-1)).toBe(batcher.bufferedBytes > limits.lowWaterBytes ? 'pause' : 'resume');
      gates.shift()?.();
      await pass();
    }
  });

  test('The batcher knows the time of its oldest item, whether it waits, is being sent or failed', async () => {
    expect(batcher.oldestUnsentMs).toBeUndefined();
    const startedAtMs = Date.now();
    add(1);
    expect(batcher.oldestUnsentMs).toBe(startedAtMs);
    const gates = gateCalls('lost');
    await pass(lingerMs);
    add(1);
    expect(queue.calls).toHaveLength(1);
    expect(batcher.oldestUnsentMs).toBe(startedAtMs);
    gates.shift()?.();
    await pass();
    expect(batcher.oldestUnsentMs).toBe(startedAtMs);
  });

  test('The oldest item is the one that was received first, even if it was held and added last', () => {
    const nowMs = Date.now();
    add(1);
    batcher.add({ json: '2', bytes: 1 }, nowMs - 3_000);
    batcher.add({ json: '3', bytes: 1 }, nowMs - 1_000);
    expect(batcher.oldestUnsentMs).toBe(nowMs - 3_000);
  });
});

describe('a queue that accepts nothing', () => {
  test('The time without an accepted message begins with the first failure and ends with a success', async () => {
    queue.answer = () => 'lost';
    expect(batcher.failingForMs).toBe(0);
    add(1);
    await pass(lingerMs);
    const failedAtMs = Date.now();
    expect(batcher.failingForMs).toBe(0);
    await pass(40_000);
    expect(batcher.failingForMs).toBe(Date.now() - failedAtMs);
    queue.answer = () => 'accepted';
    await pass(10_000);
    expect(queue.acceptedItems).toEqual([FIRST]);
    expect(batcher.failingForMs).toBe(0);
  });

  test('A response that accepts no message does not end the time without an accepted message', async () => {
    queue.answer = (_call, entries) => ({ ...batchOutput(entries, { 0: THROTTLED }), Successful: undefined });
    add(1);
    await pass(lingerMs);
    await pass(40_000);
    expect(batcher.failingForMs).toBe(40_000);
    queue.answer = () => 'accepted';
    await pass(10_000);
    expect(queue.acceptedItems).toEqual([FIRST]);
  });

  test('A step of the wall clock does not change the time without an accepted message', async () => {
    queue.answer = () => 'lost';
    add(1);
    await pass(lingerMs);
    await pass(1_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(batcher.failingForMs).toBe(1_000);
  });
});

describe('positions', () => {
  const limits = { envelopeEvents: 2, batchEntries: 1, callsInFlight: 4 };

  test('Items have positions from 1', () => {
    expect(batcher.lastPosition).toBe(0);
    add(1);
    expect(batcher.lastPosition).toBe(1);
    add(4);
    expect(batcher.lastPosition).toBe(5);
    expect(batcher.acceptedPosition).toBe(0);
  });

  test('The accepted position is reported after a call', async () => {
    add(5);
    await pass(lingerMs);
    expect(acceptedPositions).toEqual([5]);
    expect(batcher.acceptedPosition).toBe(5);
  });

  test('A call that completes out of order is reported when the calls before it have completed', async () => {
    make(limits);
    const gates = gateCalls();
    add(6);
    await pass(lingerMs);
    expect(queue.calls).toHaveLength(3);
    gates[1]?.();
    await pass();
    gates[2]?.();
    await pass();
    expect(acceptedPositions).toEqual([]);
    gates[0]?.();
    await pass();
    expect(acceptedPositions).toEqual([6]);
  });

  test('A failed call holds the accepted position back until its items are accepted', async () => {
    make(limits);
    const outcomes: CallOutcome[] = ['accepted', 'lost'];
    queue.answer = () => outcomes.shift() ?? 'accepted';
    add(6);
    await pass();
    expect(acceptedPositions).toEqual([2]);
    await pass(lingerMs + backoffCapMs);
    expect(acceptedPositions.at(-1)).toBe(6);
    expect(batcher.acceptedPosition).toBe(6);
  });

  test('A refused item that is dropped does not hold the accepted position back', async () => {
    queue.answer = (call, entries) =>
      batchOutput(
        entries,
        Object.fromEntries(call.flatMap(({ items }, n) => (items.includes(FIRST + 1) ? [[n, INVALID]] : []))),
      );
    add(3);
    await pass(10 * lingerMs);
    expect(batcher.acceptedPosition).toBe(3);
    expect(acceptedPositions.at(-1)).toBe(3);
  });

  test('The replacement of a refused item holds the accepted position back', async () => {
    replacement = { json: '7', bytes: 1 };
    let isReplacementLost = true;
    queue.answer = (call, entries) => {
      const failed: Record<string, { SenderFault: boolean; Code: string }> = {};
      for (const [n, { items }] of call.entries()) {
        if (items.includes(FIRST + 1)) failed[n] = INVALID;
        else if (items.includes(7) && isReplacementLost) failed[n] = THROTTLED;
      }
      return batchOutput(entries, failed);
    };
    add(3);
    await pass(10 * lingerMs);
    expect(batcher.acceptedPosition).toBe(1);
    isReplacementLost = false;
    await pass(backoffCapMs);
    expect(batcher.acceptedPosition).toBe(3);
    expect(acceptedPositions.at(-1)).toBe(3);
  });
});

describe('items that are ready later', () => {
  test('An item that is ready later is sent then, and holds the accepted position back until it is accepted', async () => {
    const item = Promise.withResolvers<Item>();
    batcher.addLater(1_000, () => item.promise);
    add(1);
    await pass(lingerMs);
    expect(queue.acceptedItems).toEqual([FIRST]);
    expect(batcher.acceptedPosition).toBe(0);
    expect(acceptedPositions).toEqual([]);
    item.resolve({ json: '7', bytes: 1 });
    await pass();
    expect(queue.acceptedItems).toEqual([FIRST, 7]);
    expect(acceptedPositions).toEqual([2]);
    expect(batcher.bufferedBytes).toBe(0);
  });

  test('An item that cannot be made ends the process, and the accepted position stays before it', async () => {
    batcher.addLater(1_000, () => Promise.reject(new Error('S3 does not answer')));
    add(1);
    await pass(lingerMs);
    expect(givenUp).toEqual([new Error('S3 does not answer')]);
    expect(batcher.acceptedPosition).toBe(0);
  });
});

describe('draining', () => {
  test('A drain sends everything at once and waits until it is accepted', async () => {
    const gates = gateCalls();
    add(10);
    let drained = false;
    const draining = batcher.drain().then(() => {
      drained = true;
    });
    await pass();
    expect(queue.calls).toHaveLength(1);
    expect(drained).toBe(false);
    gates.shift()?.();
    await draining;
    expect(queue.acceptedItems).toEqual(everything());
    expect(vi.getTimerCount()).toBe(0);
  });

  test('A drain waits for every call', async () => {
    make({ envelopeEvents: 1, batchEntries: 1 });
    const gates = gateCalls();
    add(2);
    let drained = false;
    const draining = batcher.drain().then(() => {
      drained = true;
    });
    gates.shift()?.();
    await pass();
    expect(drained).toBe(false);
    gates.shift()?.();
    await draining;
    expect(queue.acceptedItems).toEqual(everything());
  });

  test('A drain of an empty batcher makes no call', async () => {
    await batcher.drain();
    expect(queue.calls).toEqual([]);
  });

  test('A drain continues after failures', async () => {
    const outcomes: CallOutcome[] = ['lost', 'lost after acceptance'];
    queue.answer = () => outcomes.shift() ?? 'accepted';
    add(500);
    const draining = batcher.drain();
    await pass(3 * backoffCapMs);
    await draining;
    expect(new Set(queue.acceptedItems).size).toBe(500);
    expect(vi.getTimerCount()).toBe(0);
  });
});
