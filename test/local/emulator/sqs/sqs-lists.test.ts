import { DueHeap } from 'switchboard-local/emulator/sqs/due-heap.ts';
import { ReadyList } from 'switchboard-local/emulator/sqs/ready-list.ts';
import { Random } from 'switchboard-local/random.ts';
import { expect, test } from 'vitest';

interface Item {
  readonly n: number;
  gone: boolean;
}

test('The ready list is first in, first out, even if items are removed in between', () => {
  const random = new Random(1);
  const list = new ReadyList<Item>((item) => item.gone);
  const model: Item[] = [];
  for (let step = 0; step < 20_000; step += 1) {
    const action = random.int(10);
    const first = model[0];
    if (action < 5) {
      const item = { n: step, gone: false };
      model.push(item);
      list.push(item, model.length);
    } else if (action < 7 && first !== undefined) {
      const [removed] = model.splice(random.int(model.length), 1);
      removed!.gone = true;
    } else {
      expect(list.shift()).toBe(first);
      model.shift();
    }
  }
});

test('The due heap returns due items in the order of time, then of insertion', () => {
  const random = new Random(2);
  const heap = new DueHeap<number>();
  const model: { atMs: number; item: number }[] = [];
  for (let item = 0; item < 2_000; item += 1) {
    const atMs = random.int(300);
    heap.push(atMs, item);
    model.push({ atMs, item });
  }
  heap.retain((item) => item % 3 !== 0);
  const expected = model
    .filter(({ item }) => item % 3 !== 0)
    .sort((a, b) => a.atMs - b.atMs || a.item - b.item);
  const due = (nowMs: number) => {
    const items: number[] = [];
    for (let item = heap.popDue(nowMs); item !== undefined; item = heap.popDue(nowMs)) items.push(item);
    return items;
  };
  expect(due(149)).toEqual(expected.filter(({ atMs }) => atMs <= 149).map(({ item }) => item));
  expect(heap.nextAtMs).toBe(expected.find(({ atMs }) => atMs > 149)!.atMs);
  expect(due(300)).toEqual(expected.filter(({ atMs }) => atMs > 149).map(({ item }) => item));
  expect(heap.size).toBe(0);
});
