import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { gapIdOf } from '../../functions/ingester/coverage-store.ts';
import { EDGE_MS, GapAnnouncer, MAX_ANNOUNCEMENTS } from '../../functions/ingester/gap-announcer.ts';
import {
  MAX_REMEMBERED_READS,
  ReadFingerprints,
  type ReadsAround,
  type StoredReads,
} from '../../functions/ingester/read-fingerprints.ts';
import { FINGERPRINT_BYTES, recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

const START_MS = 1_800_000_000_000;
const SECOND_MS = 1_000;
const TASK = 'task-1';
const gap = {
  subscription: '0',
  topicsId: 'id',
  fromMs: START_MS,
  toMs: START_MS + 5 * SECOND_MS,
  reason: '1006',
};

beforeEach(() => vi.useFakeTimers({ now: START_MS - 60 * SECOND_MS }));
afterEach(() => vi.useRealTimers());

function presence(minute: number) {
  const modifiedDate = new Date(START_MS + minute * 60_000).toISOString();
  const eventBody = { source: 'PURECLOUD', presenceDefinition: { id: 'p' }, modifiedDate };
  return { topicName: 'v2.users.1.presence', eventBody };
}

function announcer(more: Partial<ConstructorParameters<typeof GapAnnouncer>[0]> = {}) {
  const edges: [gapId: string, reads: StoredReads][] = [];
  const sent: string[] = [];
  const log = new TestLog();
  const one = new GapAnnouncer({
    store: new MemoryCoverageStore(),
    putEdges: async (gapId, reads) => void edges.push([gapId, reads]),
    send: async (gapId) => void sent.push(gapId),
    oldestUnsentMs: () => undefined,
    readUntilMs: () => Date.now() - SECOND_MS,
    log,
    ...more,
  });
  const read = (atMs: number, minute: number) => {
    vi.setSystemTime(atMs);
    one.onRead(presence(minute), `key ${minute}`);
  };
  return { one, edges, sent, log, read };
}

function counted({ fingerprints }: ReadsAround): number {
  return fingerprints.length / FINGERPRINT_BYTES;
}

describe('a gap that has ended', () => {
  test('Events that a standby has read do not count as delivered, because it may have sent none of them', async () => {
    const { one, edges, read } = announcer();
    one.setLeading(false);
    read(START_MS, 1);
    vi.setSystemTime(gap.toMs);
    one.setLeading(true);
    await one.putGap(gap, TASK);
    read(gap.toMs + SECOND_MS, 2);
    await vi.advanceTimersByTimeAsync(EDGE_MS);
    const [[, reads]] = edges as [[string, StoredReads]];
    expect(Buffer.from(reads.fingerprints)).toEqual(recoveryFingerprint(presence(2), 'key 2'));
    expect(reads.knownFromMs).toBe(gap.toMs);
  });

  test('It is announced with the events read around it, once the events after it have been read', async () => {
    const { one, edges, sent, read } = announcer();
    read(START_MS - EDGE_MS - 1, 1);
    read(START_MS - EDGE_MS, 2);
    read(START_MS, 3);
    await one.putGap(gap, TASK);
    read(gap.toMs + EDGE_MS, 4);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(EDGE_MS);
    expect(sent).toEqual([gapIdOf(gap, TASK)]);
    const [[gapId, reads]] = edges as [[string, StoredReads]];
    expect(gapId).toBe(gapIdOf(gap, TASK));
    const expected = [2, 3, 4].map((minute) => recoveryFingerprint(presence(minute), `key ${minute}`)!);
    expect(Buffer.from(reads.fingerprints)).toEqual(Buffer.concat(expected));
    expect(reads.knownFromMs).toBe(START_MS - 60 * SECOND_MS);
  });

  test.each([
    ['a ping that was answered a second ago', () => Date.now() - SECOND_MS, gap.toMs + EDGE_MS - SECOND_MS],
    ['the end of what is stored', () => Date.now() + SECOND_MS, gap.toMs + EDGE_MS],
    ['the end of the gap, if the connection is lost again', () => undefined, gap.toMs],
  ])('What was sent after the gap is known until %s', async (_, readUntilMs, expected) => {
    const { one, edges } = announcer({ readUntilMs });
    vi.setSystemTime(gap.toMs);
    await one.putGap(gap, TASK);
    await vi.advanceTimersByTimeAsync(EDGE_MS);
    expect(edges[0]?.[1].knownUntilMs).toBe(expected);
  });

  test('A gap that is recorded again while it continues is announced once', async () => {
    const { one, sent } = announcer();
    for (let n = 0; n < 3; n++) {
      await one.putGap({ ...gap, toMs: gap.toMs + n * SECOND_MS }, TASK);
      await vi.advanceTimersByTimeAsync(SECOND_MS);
    }
    await vi.advanceTimersByTimeAsync(EDGE_MS);
    expect(sent).toEqual([gapIdOf(gap, TASK)]);
  });

  test('When the process stops, every gap is announced at once', async () => {
    const { one, sent } = announcer();
    await one.putGap(gap, TASK);
    one.stopping();
    await one.putGap({ ...gap, subscription: '1' }, TASK);
    await one.settled();
    expect(sent).toEqual([gapIdOf(gap, TASK), gapIdOf({ ...gap, subscription: '1' }, TASK)]);
  });

  test('Events that wait for SQS count as delivered while the process runs', async () => {
    const { one, edges, read } = announcer({ oldestUnsentMs: () => START_MS });
    read(START_MS, 1);
    await one.putGap(gap, TASK);
    await vi.advanceTimersByTimeAsync(EDGE_MS);
    expect(counted(edges[0]![1])).toBe(1);
  });

  test('When the process stops, events that SQS has not accepted do not count as delivered', async () => {
    const { one, edges, read } = announcer({ oldestUnsentMs: () => START_MS + SECOND_MS });
    read(START_MS, 1);
    read(START_MS + SECOND_MS, 2);
    one.stopping();
    await one.putGap(gap, TASK);
    await one.settled();
    expect(counted(edges[0]![1])).toBe(1);
  });

  test('If it cannot be announced, the record of the gap is stored and the failure is logged', async () => {
    const store = new MemoryCoverageStore();
    const { one, log } = announcer({ store, send: () => Promise.reject(new Error('no queue')) });
    one.stopping();
    await one.putGap(gap, TASK);
    await one.settled();
    expect(store.gaps).toHaveLength(1);
    expect(log.about('could not be announced')).toHaveLength(1);
  });
});

test('While the gaps queue does not respond, the announcements are bounded, and the records are complete', async () => {
  const store = new MemoryCoverageStore();
  const answers: (() => void)[] = [];
  const send = () => new Promise<void>((resolve) => answers.push(resolve));
  const { one, log } = announcer({ store, send });
  one.stopping();
  for (let n = 0; n < MAX_ANNOUNCEMENTS + 3; n++) await one.putGap({ ...gap, subscription: String(n) }, TASK);
  expect(answers).toHaveLength(MAX_ANNOUNCEMENTS);
  expect(log.about('the backfill finds this one later')).toHaveLength(3);
  expect(store.gaps).toHaveLength(MAX_ANNOUNCEMENTS + 3);
  for (const answer of answers) answer();
  await one.settled();
  await one.putGap({ ...gap, subscription: 'later' }, TASK);
  expect(answers).toHaveLength(MAX_ANNOUNCEMENTS + 1);
});

test('When older events are forgotten, the time since which all are known is recorded', () => {
  const reads = new ReadFingerprints();
  const fingerprint = recoveryFingerprint(presence(1), 'key')!;
  for (let n = 0; n < MAX_REMEMBERED_READS + 10; n++) {
    vi.setSystemTime(START_MS + n);
    reads.add(fingerprint);
  }
  const around = reads.around(START_MS, START_MS + 10 * MAX_REMEMBERED_READS);
  expect(around.knownFromMs).toBe(START_MS + 10);
  expect(counted(around)).toBe(MAX_REMEMBERED_READS);
});
