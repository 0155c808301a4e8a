import { ItemHistory } from 'switchboard-local/emulator/dynamodb/tables/item-history.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const PARTITION = 'p';
const keyOf = (text: string) => ({ attributes: {}, partition: PARTITION, text });
const version = (text: string, bytes: number) => ({ key: keyOf(text), item: {}, bytes });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

test('An item history forgets versions that are older than its maximum age', () => {
  const history = new ItemHistory(1_000);
  const startMs = Date.now() - 1;
  history.remember(keyOf('a'), undefined);
  vi.advanceTimersByTime(999);
  history.remember(keyOf('b'), undefined);
  expect([...history.changedSince(startMs, PARTITION).keys()]).toEqual(['a', 'b']);
  vi.advanceTimersByTime(1);
  history.remember(keyOf('c'), undefined);
  expect([...history.changedSince(startMs, PARTITION).keys()]).toEqual(['b', 'c']);
});

test('An item history keeps at most 10,000 versions', () => {
  const history = new ItemHistory(60_000);
  for (let index = 0; index < 10_050; index += 1) history.remember(keyOf(`k${index}`), undefined);
  const changed = history.changedSince(0, PARTITION);
  expect(changed.size).toBe(10_000);
  expect(changed.has('k49')).toBe(false);
  expect(changed.has('k50')).toBe(true);
});

test('An item history keeps at most 64 MiB of versions', () => {
  const history = new ItemHistory(60_000);
  const bytes = 400_000;
  for (let index = 0; index < 200; index += 1)
    history.remember(keyOf(`k${index}`), version(`k${index}`, bytes));
  expect(history.changedSince(0, PARTITION).size).toBe(Math.floor((64 * 1_048_576) / bytes));
});
