import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { topicsId } from '../../functions/ingester/coverage-store.ts';
import { CoverageWriter } from '../../functions/ingester/coverage-writer.ts';
import { Bridging } from '../../functions/ingester/standby/bridging.ts';
import type { GapRequest } from '../../functions/ingester/standby/leadership-record.ts';
import { RoleQueue } from '../../functions/ingester/standby/role-queue.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { KeptItems } from './kept-items.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const TOPICS = ['v2.users.a.presence'];
let batcher: KeptItems;
let queue: RoleQueue;
let coverage: TaskCoverage;
let store: MemoryCoverageStore;
let bridging: Bridging;
let readUntilMs: number | undefined;
let served: readonly string[] | undefined;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS });
  const log = new TestLog();
  batcher = new KeptItems();
  batcher.acceptedPosition = Number.POSITIVE_INFINITY;
  queue = new RoleQueue(batcher);
  served = TOPICS;
  readUntilMs = undefined;
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: () => readUntilMs ?? Date.now(),
      servedTopics: () => served,
      oldestUnsentMs: () => undefined,
    },
  });
  store = new MemoryCoverageStore();
  bridging = new Bridging({ queue, coverage, store, writer: new CoverageWriter(log) });
  coverage.watch('p/7', TOPICS);
  coverage.onCovered('p/7', START_MS);
  await pass(5_000);
});
afterEach(() => vi.useRealTimers());

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const at = (seconds: number) => START_MS + seconds * 1_000;
/** The standby reads an item now. */
function read(name: string, subscription = 'p/7'): void {
  queue.add({ json: name, bytes: name.length }, Date.now(), subscription);
}
/** A gap of the leader, whose subscription has another name. */
const request = (fromSeconds: number, toSeconds: number, isOpen = false): GapRequest => ({
  subscription: 'p/0',
  topicsId: topicsId(TOPICS),
  fromMs: at(fromSeconds),
  toMs: at(toSeconds),
  isOpen,
});
async function serve(...requests: GapRequest[]): Promise<void> {
  bridging.serve(requests);
  bridging.record(true);
  await pass();
}
const bridges = () =>
  store.spans.map(({ subscription, fromMs, toMs, isBridge }) => [
    subscription,
    (fromMs - START_MS) / 1_000,
    (toMs - START_MS) / 1_000,
    isBridge,
  ]);

/** An item per second, until this second. */
async function readUntil(seconds: number): Promise<void> {
  while (Date.now() < at(seconds)) {
    read(String((Date.now() - START_MS) / 1_000));
    await pass(1_000);
  }
}

describe('a gap that has ended', () => {
  test('What was read in it is sent, with the slack, and the interval is recorded', async () => {
    await readUntil(20);
    await serve(request(8, 11));
    expect(batcher.items).toEqual(['6', '7', '8', '9', '10', '11', '12']);
    expect(bridges()).toEqual([['p/7', 8, 11, true]]);
    expect(bridging.bridgedSeconds).toBe(3);
  });

  test('It is sent once, whatever number of times the record is read', async () => {
    await readUntil(20);
    for (let n = 0; n < 3; n++) await serve(request(8, 11));
    expect(batcher.items).toHaveLength(7);
    expect(bridging.bridgedSeconds).toBe(3);
  });

  test('Other subscriptions are not sent, and stay kept', async () => {
    read('other', 'p/8');
    await readUntil(10);
    await serve(request(3, 9));
    expect(batcher.items).not.toContain('other');
    queue.send(() => true);
    expect(batcher.items).toContain('other');
  });

  test('Before SQS has accepted the items, nothing is recorded', async () => {
    await readUntil(20);
    batcher.acceptedPosition = 0;
    await serve(request(8, 11));
    expect(bridges()).toEqual([]);
    batcher.acceptedPosition = 100;
    await serve();
    expect(bridges()).toEqual([['p/7', 8, 11, true]]);
  });

  test('A part in which the standby was not live is not recorded', async () => {
    await readUntil(10);
    coverage.onUncovered('p/7', at(9), '1006');
    await pass(2_000);
    coverage.onCovered('p/7', at(12));
    await readUntil(20);
    await serve(request(7, 15));
    expect(bridges()).toEqual([
      ['p/7', 7, 9, true],
      ['p/7', 12, 15, true],
    ]);
  });

  test('A part that is no longer kept is not recorded', async () => {
    await readUntil(100);
    await serve(request(30, 50));
    expect(bridges()).toEqual([['p/7', 40, 50, true]]);
  });

  test('A gap of topics that the standby does not serve, or serves since later, is left', async () => {
    await readUntil(10);
    await serve({ ...request(6, 8), topicsId: 'others' });
    expect(batcher.items).toEqual([]);
    coverage.watch('p/7', [...TOPICS, 'v2.users.b.presence']);
    served = [...TOPICS, 'v2.users.b.presence'];
    await serve(request(6, 8));
    await serve({ ...request(6, 8), topicsId: topicsId(served) });
    expect(bridges()).toEqual([]);
  });

  test('What the standby has not proven to have read is sent and recorded later', async () => {
    await readUntil(12);
    readUntilMs = at(9);
    await serve(request(7, 11));
    expect(batcher.items).toEqual(['5', '6', '7', '8']);
    expect(bridges()).toEqual([['p/7', 7, 9, true]]);
    readUntilMs = at(12);
    await serve(request(7, 11));
    expect(bridges()).toEqual([['p/7', 7, 11, true]]);
  });
});

describe('an open gap', () => {
  test('It is filled up to the last beat of the leader, again and again, and is one record', async () => {
    await readUntil(20);
    await serve(request(8, 12, true));
    expect(batcher.items.at(-1)).toBe('11');
    await serve(request(8, 15, true));
    await serve(request(8, 17));
    expect(batcher.items).toEqual(Array.from({ length: 13 }, (_, n) => String(n + 6)));
    expect(bridges()).toEqual([['p/7', 8, 17, true]]);
    expect(bridging.bridgedSeconds).toBe(9);
  });

  test('A gap that lasts for minutes is filled completely', async () => {
    const sent: string[] = [];
    for (let second = 10; second <= 300; second++) {
      await readUntil(second);
      await serve(request(8, second, true));
      sent.push(...batcher.items.splice(0));
    }
    expect(sent).toEqual(Array.from({ length: 294 }, (_, n) => String(n + 6)));
    expect(bridges()).toEqual([['p/7', 8, 300, true]]);
  });

  test('When this task takes over, it sends what is left of it', async () => {
    await readUntil(20);
    await serve(request(8, 12, true));
    bridging.finish([request(8, 14, true), request(16, 17)]);
    expect(batcher.items).toEqual(['6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18']);
    bridging.record(true);
    await pass();
    expect(bridges()).toEqual([
      ['p/7', 8, 14, true],
      ['p/7', 16, 17, true],
    ]);
  });
});
