import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CoverageWriter } from '../../functions/ingester/coverage-writer.ts';
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
