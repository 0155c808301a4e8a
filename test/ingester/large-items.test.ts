import { hash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Batcher } from '../../functions/ingester/batcher.ts';
import { Intake } from '../../functions/ingester/intake.ts';
import { LargeItems } from '../../functions/ingester/large-items.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal, Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import type { SignalSink } from '../../functions/ingester/signal-sink.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { queuedEventSchema, rejectedFrameSchema } from '../../lib/events/schema.ts';
import { FakeQueue } from './fake-queue.ts';
import { KeptItems } from './kept-items.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.conversations';
const FIVE_MINUTES_MS = 300_000;
const session: Session = { url: 'ws://fake', onOpen: () => [], onFrame: () => [] };
const LARGE = JSON.stringify({
  topicName: TOPIC,
  version: '2',
  eventBody: { text: 'x'.repeat(MAX_ITEM_BYTES) },
  metadata: { CorrelationId: 'c1' },
});

/** A bucket in memory. */
class MemoryBucket {
  readonly bucket = 'oversize';
  readonly objects = new Map<string, Buffer>();
  attempts = 0;
  isUp = true;

  async put(key: string, body: Buffer): Promise<void> {
    this.attempts++;
    if (!this.isUp) throw new Error('S3 returned status 503');
    this.objects.set(key, body);
  }

  /** The object that was stored last. */
  get last(): Buffer {
    return [...this.objects.values()].at(-1) ?? Buffer.alloc(0);
  }
}

let bucket: MemoryBucket;
let abort: AbortController;
let log: TestLog;
let large: LargeItems;

beforeEach(() => {
  bucket = new MemoryBucket();
  abort = new AbortController();
  log = new TestLog();
  large = new LargeItems(bucket, abort.signal, log);
});

/** Let a new intake take the frames of a notification channel. */
function takeInto(queue: ConstructorParameters<typeof Intake>[0], ...texts: string[]): Intake {
  const intake = new Intake(queue, { onSequenceGap: () => {} }, log, { large });
  const sink: SignalSink = intake.sink('notification-channels', '0');
  for (const text of texts) {
    const data = Buffer.from(text);
    sink.take(session, readFrame(data, false) as DataSignal, data);
  }
  return intake;
}

describe('frames that do not fit into a message', () => {
  let queue: KeptItems;
  beforeEach(() => {
    queue = new KeptItems();
  });
  const onlyItem = async () => {
    await vi.waitFor(() => expect(queue.items).toHaveLength(1), { timeout: 60_000 });
    return JSON.parse(queue.items[0] ?? '') as unknown;
  };

  test('The detail of a large event is stored, and its item refers to it', async () => {
    const intake = takeInto(queue, LARGE);
    const event = queuedEventSchema.parse(await onlyItem());
    expect(event.frame).toMatchObject({ topicName: TOPIC, version: '2', eventBody: {} });
    const { oversize, ...rest } = event;
    expect(oversize).toEqual({
      bucket: 'oversize',
      key: `${event.receivedAt.slice(0, 10)}/${event.id}.json`,
      bytes: bucket.last.length,
      sha256: hash('sha256', bucket.last),
    });
    const detail = toDetail({ ...rest, frame: JSON.parse(LARGE) });
    expect(JSON.parse(bucket.last.toString())).toEqual(JSON.parse(JSON.stringify(detail)));
    expect(intake.totals.rejected.too_large).toBe(0);
  });

  test('A rejected frame that does not fit even when compressed is stored unchanged', async () => {
    const noise = randomBytes(2 * MAX_ITEM_BYTES).toString('base64');
    takeInto(queue, noise);
    const { rejected } = rejectedFrameSchema.parse(await onlyItem());
    expect(rejected).toMatchObject({ reason: 'not_json', encoding: 's3', bytes: noise.length });
    expect(bucket.last.toString()).toBe(noise);
  });

  test('An event whose reference does not fit either is stored as a rejected frame and counted', async () => {
    const version = randomBytes(2 * MAX_ITEM_BYTES).toString('base64');
    const text = JSON.stringify({ topicName: TOPIC, version, eventBody: { state: 'muted' } });
    const intake = takeInto(queue, text);
    const { rejected } = rejectedFrameSchema.parse(await onlyItem());
    expect(rejected).toMatchObject({ reason: 'too_large', encoding: 's3', bytes: text.length });
    expect(bucket.last.toString()).toBe(text);
    expect(bucket.objects.size).toBe(1);
    expect(intake.totals.rejected.too_large).toBe(1);
  });
});

describe('a bucket that accepts nothing', () => {
  let queue: FakeQueue;
  let givenUp: unknown[];
  let batcher: Batcher;

  beforeEach(() => {
    vi.useFakeTimers();
    bucket.isUp = false;
    queue = new FakeQueue();
    givenUp = [];
    batcher = new Batcher(
      queue.send,
      {
        onPause: () => {},
        onResume: () => {},
        onAccepted: () => {},
        onRefused: () => undefined,
        onGiveUp: (error) => givenUp.push(error),
      },
      log,
    );
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('The object is stored again until S3 accepts it, and every failure is logged and counted', async () => {
    const intake = takeInto(batcher, LARGE);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bucket.attempts).toBeGreaterThan(10);
    expect(large.failedUploads).toBe(bucket.attempts);
    expect(log.about('S3 did not accept')).toHaveLength(bucket.attempts);
    expect(log.lines[0]).toMatchObject({
      level: 'warn',
      fields: { bytes: expect.any(Number), attempt: 1, error: new Error('S3 returned status 503') },
    });
    expect(batcher.totals.itemsSent).toBe(0);
    bucket.isUp = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(batcher.totals.itemsSent).toBe(1);
    expect(givenUp).toEqual([]);
    expect(intake.totals.unpreserved).toBe(0);
  });

  test('After five minutes the frame is counted and logged as lost, its place is kept, and the process is to end', async () => {
    const intake = takeInto(batcher, LARGE, JSON.stringify({ topicName: TOPIC, eventBody: {} }));
    const receivedAtMs = Date.now();
    await vi.advanceTimersByTimeAsync(FIVE_MINUTES_MS - 10_000);
    expect(givenUp).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(givenUp).toEqual([new Error('S3 returned status 503')]);
    expect(intake.totals.unpreserved).toBe(1);
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: expect.stringContaining('lost'), fields: { bytes: LARGE.length } },
    ]);
    expect(batcher.totals.itemsSent).toBe(1);
    expect(batcher.acceptedPosition).toBe(0);
    expect(batcher.oldestUnsentMs).toBe(receivedAtMs);
  });

  test('When the process stops, a failed upload is repeated while the stop lasts, and not longer', async () => {
    const intake = takeInto(batcher, LARGE);
    await vi.advanceTimersByTimeAsync(1_000);
    abort.abort();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(intake.totals.unpreserved).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(intake.totals.unpreserved).toBe(1);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    const { attempts } = bucket;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bucket.attempts).toBe(attempts);
  });
});
