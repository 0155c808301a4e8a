import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RecentItems } from '../../functions/ingester/standby/recent-items.ts';

const START_MS = 1_800_000_000_000;
beforeEach(() => vi.useFakeTimers({ now: START_MS }));
afterEach(() => vi.useRealTimers());

const item = (name: string, receivedAtMs = Date.now(), bytes = 100) => ({
  subscription: '0',
  receivedAtMs,
  bytes,
  content: { json: name, bytes },
});
const namesIn = (recent: RecentItems) =>
  recent.take(() => true).map(({ content }) => (typeof content === 'object' ? content.json : ''));

test('Items are taken by time of receipt, and only those that are wanted', () => {
  const recent = new RecentItems();
  recent.add(item('b', START_MS + 2));
  recent.add(item('a', START_MS + 1));
  recent.add({ ...item('c'), subscription: '1' });
  expect(recent.take(({ subscription }) => subscription === '0')).toMatchObject([
    { content: { json: 'a' } },
    { content: { json: 'b' } },
  ]);
  expect(namesIn(recent)).toEqual(['c']);
  expect(recent.bytes).toBe(0);
});

test('Items are kept for the time limit, and nothing before it counts as kept', () => {
  const recent = new RecentItems({ maxAgeMs: 1_000, maxBytes: 1e9 });
  recent.add(item('old'));
  vi.advanceTimersByTime(600);
  recent.add(item('young'));
  expect(recent.sinceMs).toBe(START_MS);
  vi.advanceTimersByTime(600);
  expect(recent.sinceMs).toBe(START_MS + 200);
  expect(namesIn(recent)).toEqual(['young']);
});

test('Above the limit of bytes the oldest items are dropped, and what is kept begins after them', () => {
  const recent = new RecentItems({ maxAgeMs: 60_000, maxBytes: 1_000 });
  for (let n = 0; n < 5; n++) {
    recent.add(item(String(n)));
    vi.advanceTimersByTime(10);
  }
  expect(recent.bytes).toBeLessThanOrEqual(1_000);
  expect(recent.sinceMs).toBe(START_MS + 11);
  expect(namesIn(recent)).toEqual(['2', '3', '4']);
});

test('After it was cleared, what is kept begins now', () => {
  const recent = new RecentItems();
  recent.add(item('a'));
  vi.advanceTimersByTime(10);
  recent.clear();
  expect(recent.sinceMs).toBe(START_MS + 10);
  expect(recent.bytes).toBe(0);
  expect(namesIn(recent)).toEqual([]);
});

test('A million items pass through in bounded memory', () => {
  const recent = new RecentItems({ maxAgeMs: 60_000, maxBytes: 30_000 });
  for (let n = 0; n < 1_000_000; n++) recent.add(item('x'));
  expect(recent.bytes).toBeLessThanOrEqual(30_000);
  expect(namesIn(recent)).toHaveLength(100);
});
