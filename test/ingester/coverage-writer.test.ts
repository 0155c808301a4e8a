import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Gap } from '../../functions/ingester/coverage-store.ts';
import {
  CoverageWriter,
  JOINED_REASON,
  MAX_PENDING_RECORDS,
} from '../../functions/ingester/coverage-writer.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

let log: TestLog;
let writer: CoverageWriter;
let written: string[];

beforeEach(() => {
  vi.useFakeTimers();
  log = new TestLog();
  writer = new CoverageWriter(log);
  written = [];
});
afterEach(() => {
  writer.stop();
  vi.useRealTimers();
});

const add = (name: string, text = name) => writer.add(name, async () => void written.push(text));

test('Records are written one after another, in the order in which they were added', async () => {
  let concurrent = 0;
  let mostConcurrent = 0;
  for (const name of ['a', 'b', 'c'])
    writer.add(name, async () => {
      mostConcurrent = Math.max(mostConcurrent, ++concurrent);
      await Promise.resolve();
      written.push(name);
      concurrent--;
    });
  expect(writer.size).toBe(3);
  await writer.drain();
  expect(written).toEqual(['a', 'b', 'c']);
  expect(mostConcurrent).toBe(1);
  expect(writer.size).toBe(0);
});

test('A record with the name of a waiting one replaces it and goes to the end', async () => {
  const gate = Promise.withResolvers<void>();
  writer.add('first', () => gate.promise);
  add('proof', 'old proof');
  add('gap');
  add('proof', 'new proof');
  gate.resolve();
  await writer.drain();
  expect(written).toEqual(['gap', 'new proof']);
});

test('A record that is added again while it is written is written again, after the others', async () => {
  const gate = Promise.withResolvers<void>();
  writer.add('proof', async () => {
    await gate.promise;
    written.push('old proof');
  });
  add('gap');
  add('proof', 'new proof');
  gate.resolve();
  await writer.drain();
  expect(written).toEqual(['old proof', 'gap', 'new proof']);
});

test('A record that fails is written before the records behind it', async () => {
  let failures = 5;
  writer.add('gap', async () => {
    if (failures-- > 0) throw new Error('no table');
    written.push('gap');
  });
  add('proof');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual(['gap', 'proof']);
  expect(log.about('does not accept records')).toHaveLength(1);
});

test('A record that is added at any moment after the last write is written', async () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const one = new CoverageWriter(log);
    const seen: string[] = [];
    one.add('first', async () => void seen.push('first'));
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    one.add('second', async () => void seen.push('second'));
    await one.drain();
    expect(seen).toEqual(['first', 'second']);
    expect(one.size).toBe(0);
  }
});

test('After a stop nothing is written, and a drain ends', async () => {
  writer.stop();
  add('a');
  await writer.drain();
  expect(written).toEqual([]);
  expect(writer.size).toBe(1);
});

test('When too many records wait, every later gap is in a record, which can name the time between gaps too', async () => {
  const gate = Promise.withResolvers<void>();
  const stored: Gap[] = [];
  const addGap = (n: number, topicsId = 'topics') => {
    const gap = { subscription: 's', topicsId, fromMs: 10 * n, toMs: 10 * n + 5, reason: `gap ${n}` };
    writer.addGap(`gap#${n}`, gap, async (one) => void stored.push(one));
  };
  writer.add('first', () => gate.promise);
  for (let n = 1; n < MAX_PENDING_RECORDS; n++) addGap(n);
  const next = MAX_PENDING_RECORDS;
  for (const n of [next, next + 1, next + 2]) addGap(n);
  addGap(next + 3, 'other topics');
  // A gap that is recorded again while it continues keeps its record.
  addGap(1);
  expect(writer.size).toBe(MAX_PENDING_RECORDS + 2);
  expect(log.about('gaps are joined')).toHaveLength(2);
  gate.resolve();
  await writer.drain();
  expect(new Set(stored.slice(0, -3).map(({ reason }) => reason)).size).toBe(MAX_PENDING_RECORDS - 2);
  expect(stored.slice(-3)).toEqual([
    { subscription: 's', topicsId: 'topics', fromMs: 10 * next, toMs: 10 * next + 25, reason: JOINED_REASON },
    {
      subscription: 's',
      topicsId: 'other topics',
      fromMs: 10 * next + 30,
      toMs: 10 * next + 35,
      reason: `gap ${next + 3}`,
    },
    expect.objectContaining({ reason: 'gap 1' }),
  ]);
  addGap(next + 4);
  await writer.drain();
  expect(stored.at(-1)?.reason).toBe(`gap ${next + 4}`);
});

test('Gaps that come after a joined record was written begin a new one', async () => {
  const stored: Gap[] = [];
  const fill = () => {
    const gate = Promise.withResolvers<void>();
    for (let n = 0; n < MAX_PENDING_RECORDS; n++) writer.add(`proof ${n}`, () => gate.promise);
    return gate;
  };
  for (const n of [1, 2]) {
    const gate = fill();
    const gap = {
      subscription: 's',
      topicsId: 'topics',
      fromMs: 10 * n,
      toMs: 10 * n + 5,
      reason: `gap ${n}`,
    };
    writer.addGap(`gap#${n}`, gap, async (one) => void stored.push(one));
    gate.resolve();
    await writer.drain();
  }
  expect(stored.map(({ reason }) => reason)).toEqual(['gap 1', 'gap 2']);
});
