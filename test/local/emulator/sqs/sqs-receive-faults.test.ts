import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { AwsFaultKind } from 'switchboard-local/emulator/emulator-fault-kinds.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const RECEIVE = 'AmazonSQS.ReceiveMessage';
const VISIBILITY_MS = 30_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function queueWith(faults: FaultInjector): Queue {
  return new Emulator({ faults }).sqs.createQueue('events', { VisibilityTimeout: '30' });
}

/** The receive counts of both deliveries of one message, the second received while the first is in flight. */
function twinCounts(kind: AwsFaultKind): [Queue, number[], string[]] {
  const faults = new FaultInjector({ seed: 1 });
  const queue = queueWith(faults);
  queue.send({ body: 'event-1' });
  faults.next(kind, RECEIVE);
  const first = queue.take(10);
  vi.advanceTimersByTime(2_000);
  const second = queue.take(10);
  const deliveries = [...first, ...second];
  expect(new Set(deliveries.map(({ messageId }) => messageId)).size).toBe(1);
  expect(queue.counts().inFlight).toBe(2);
  expect(faults.counts[kind]).toBe(1);
  return [
    queue,
    deliveries.map(({ receiveCount }) => receiveCount),
    deliveries.map(({ receiptHandle }) => receiptHandle),
  ];
}

describe('Twin deliveries', () => {
  test('duplicate_delivery delivers a message twice at the same time, with equal receive counts', () => {
    const [, counts] = twinCounts('duplicate_delivery');
    expect(counts).toEqual([1, 1]);
  });

  test('duplicate_higher_count delivers a message twice at the same time, with receive counts that differ', () => {
    const [queue, counts, handles] = twinCounts('duplicate_higher_count');
    expect(counts).toEqual([1, 2]);
    expect(handles[0]).not.toBe(handles[1]);
    for (const handle of handles) queue.delete(handle);
    expect(queue.counts().inFlight).toBe(0);
  });

  test('Twins can be redelivered after their visibility timeout, each with its own count', () => {
    const [queue] = twinCounts('duplicate_higher_count');
    vi.advanceTimersByTime(VISIBILITY_MS);
    expect(
      queue
        .take(10)
        .map(({ receiveCount }) => receiveCount)
        .sort(),
    ).toEqual([2, 3]);
  });
});

describe('Early visibility', () => {
  test('early_visibility delivers a message again while its first receive still has time left', () => {
    const faults = new FaultInjector({ seed: 1 });
    const queue = queueWith(faults);
    queue.send({ body: 'event-1' });
    faults.next('early_visibility', RECEIVE);
    const [first] = queue.take(1);
    vi.advanceTimersByTime(VISIBILITY_MS - 1);
    const [second] = queue.take(1);
    expect(second).toMatchObject({ messageId: first!.messageId, receiveCount: 2 });
    expect(faults.counts.early_visibility).toBe(1);
  });

  test('The receipt handle of the first receive does not delete a message that was received again', () => {
    const faults = new FaultInjector({ seed: 1 });
    const queue = queueWith(faults);
    queue.send({ body: 'event-1' });
    faults.next('early_visibility', RECEIVE);
    const [first] = queue.take(1);
    vi.advanceTimersByTime(VISIBILITY_MS - 1);
    const [second] = queue.take(1);
    queue.delete(first!.receiptHandle);
    expect(queue.counts().inFlight).toBe(1);
    queue.delete(second!.receiptHandle);
    expect(queue.counts().inFlight).toBe(0);
  });

  test('Early visibility is drawn from the whole timeout, more often from its beginning, by the seed', () => {
    const drawn = (seed: number) => {
      const faults = new FaultInjector({ seed, rates: { early_visibility: 1 } });
      return Array.from({ length: 400 }, () => faults.visibilityMs('arn', 'body', VISIBILITY_MS));
    };
    const times = drawn(1);
    expect(drawn(1)).toEqual(times);
    expect(drawn(2)).not.toEqual(times);
    expect(Math.max(...times)).toBeLessThan(VISIBILITY_MS);
    expect(times.filter((time) => time < VISIBILITY_MS / 16).length).toBeGreaterThan(150);
    expect(times.filter((time) => time > VISIBILITY_MS / 2).length).toBeGreaterThan(20);
  });
});

describe('Approximate receive counts', () => {
  test('low_receive_count reports a count one too low for a redelivered message, never for a first delivery', () => {
    const faults = new FaultInjector({ seed: 1, rates: { low_receive_count: 1 } });
    const queue = queueWith(faults);
    queue.send({ body: 'event-1' });
    const counts = [1, 2, 3].map(() => {
      const [delivery] = queue.take(1);
      vi.advanceTimersByTime(VISIBILITY_MS);
      return delivery!.receiveCount;
    });
    expect(counts).toEqual([1, 1, 2]);
    expect(faults.counts.low_receive_count).toBe(2);
  });

  test('low_receive_count happens at its rate, and at the same receives for the same seed', () => {
    const counts = (seed: number) => {
      const faults = new FaultInjector({ seed, rates: { low_receive_count: 0.25 } });
      return Array.from({ length: 400 }, () => faults.reportedReceiveCount('arn', 'body', 2));
    };
    const low = counts(1).filter((count) => count === 1).length;
    expect(low).toBeGreaterThan(60);
    expect(low).toBeLessThan(140);
    expect(counts(1)).toEqual(counts(1));
    expect(counts(2)).not.toEqual(counts(1));
  });

  test('Redrive counts the real receives, regardless of the reported count', () => {
    const faults = new FaultInjector({ seed: 1, rates: { low_receive_count: 1 } });
    const { sqs } = new Emulator({ faults });
    const dead = sqs.createQueue('dead');
    const queue = sqs.createQueue('events', {
      VisibilityTimeout: '30',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
    queue.send({ body: 'event-1' });
    for (let receive = 0; receive < 2; receive += 1) {
      expect(queue.take(1)).toHaveLength(1);
      vi.advanceTimersByTime(VISIBILITY_MS);
    }
    expect(queue.take(1)).toEqual([]);
    expect(dead.counts().visible).toBe(1);
  });
});

describe('Retention', () => {
  const DAY_MS = 86_400_000;
  const attributes = { MessageRetentionPeriod: String(14 * 86_400) };

  test('A message expires 14 days after it was sent', () => {
    const queue = new Emulator().sqs.createQueue('events', attributes);
    queue.send({ body: 'event-1' });
    vi.advanceTimersByTime(14 * DAY_MS - 1);
    expect(queue.counts().visible).toBe(1);
    vi.advanceTimersByTime(1);
    expect(queue.counts().visible).toBe(0);
  });

  test('A message keeps its send time in the dead-letter queue, and expires there 14 days after it was sent', () => {
    const { sqs } = new Emulator();
    const dead = sqs.createQueue('dead', attributes);
    const queue = sqs.createQueue('events', {
      ...attributes,
      VisibilityTimeout: '30',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }),
    });
    const sentAtMs = Date.now();
    queue.send({ body: 'event-1' });
    vi.advanceTimersByTime(13 * DAY_MS);
    queue.take(1);
    vi.advanceTimersByTime(VISIBILITY_MS);
    queue.take(1);
    expect(dead.peek()).toMatchObject([{ body: 'event-1', sentAtMs }]);
    vi.advanceTimersByTime(DAY_MS - VISIBILITY_MS - 1);
    expect(dead.counts().visible).toBe(1);
    vi.advanceTimersByTime(1);
    expect(dead.counts().visible).toBe(0);
  });
});

test('Faults of receives that have no rate change nothing, and draw no random number', () => {
  const faults = new FaultInjector({ seed: 1 });
  const before = new FaultInjector({ seed: 1 }).stream('arn').next();
  expect(faults.visibilityMs('arn', 'body', VISIBILITY_MS)).toBe(VISIBILITY_MS);
  expect(faults.reportedReceiveCount('arn', 'body', 5)).toBe(5);
  expect(faults.duplicate('arn', 'body')).toBeUndefined();
  expect(faults.staleMs('arn')).toBeUndefined();
  expect(faults.stream('arn').next()).toBe(before);
});
