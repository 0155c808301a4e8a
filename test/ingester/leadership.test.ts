import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Leadership, PATIENCE_MS } from '../../functions/ingester/standby/leadership.ts';
import {
  BEAT_INTERVAL_MS,
  type GapRequest,
  type LeadershipRecord,
  type LeadershipStore,
  READ_INTERVAL_MS,
  TAKE_OVER_AFTER_MS,
} from '../../functions/ingester/standby/leadership-record.ts';
import { TestLog } from './test-log.ts';

const START_MS = 1_800_000_000_000;
const GAP: GapRequest = { subscription: '0', topicsId: 'ab', fromMs: 1, toMs: 2, isOpen: true };

/** A table with one record, whose calls can fail before or after they take effect. */
class MemoryLeadershipStore implements LeadershipStore {
  record: LeadershipRecord | undefined;
  writes = 0;
  failsBefore = false;
  failsAfter = false;

  read(): Promise<LeadershipRecord | undefined> {
    return this.call(() => this.record);
  }

  take(record: LeadershipRecord, replaced: LeadershipRecord | undefined): Promise<boolean> {
    return this.call(() => {
      const { leader, counter } = this.record ?? {};
      return leader === replaced?.leader && counter === replaced?.counter && this.write(record);
    });
  }

  move(record: LeadershipRecord): Promise<boolean> {
    return this.call(() => this.record?.leader === record.leader && this.write(record));
  }

  private write(record: LeadershipRecord): boolean {
    this.record = record;
    this.writes++;
    return true;
  }

  private async call<T>(act: () => T): Promise<T> {
    if (this.failsBefore) throw new Error('no table');
    const result = act();
    if (this.failsAfter) throw new Error('no answer');
    return result;
  }
}

/** A task that leads or follows. */
class LeadingTask {
  hasAll = true;
  acceptedUntilMs: number | undefined = START_MS;
  requests: readonly GapRequest[] = [];
  readonly leads: (LeadershipRecord | undefined)[] = [];
  readonly served: LeadershipRecord[] = [];
  follows = 0;
  readonly leadership: Leadership;

  constructor(store: LeadershipStore) {
    this.leadership = new Leadership({ task: randomUUID(), store, owner: this, log: new TestLog() });
  }

  canContinue(): boolean {
    return this.hasAll;
  }

  lead(_term: string, before: LeadershipRecord | undefined): void {
    this.leads.push(before);
  }

  follow(): void {
    this.follows++;
  }

  serve(record: LeadershipRecord): void {
    this.served.push(record);
  }

  onStep(): void {}
}

let store: MemoryLeadershipStore;
let first: LeadingTask;
let second: LeadingTask;
beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  store = new MemoryLeadershipStore();
  first = new LeadingTask(store);
  second = new LeadingTask(store);
});
afterEach(async () => {
  await Promise.all([first, second].map(({ leadership }) => leadership.stop()));
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const roles = () => [first, second].map(({ leadership }) => leadership.isLeading);

async function startBoth(): Promise<void> {
  first.leadership.start();
  await pass();
  second.leadership.start();
  await pass();
}

describe('roles', () => {
  test('The first task leads at once, and the second one follows', async () => {
    await startBoth();
    expect(roles()).toEqual([true, false]);
    expect(first.leads).toMatchObject([{ counter: 1, requests: [] }]);
    expect(first.leadership.lastChangeMs).toBe(START_MS);
    expect(second.leadership.lastChangeMs).toBeUndefined();
  });

  test('A task that cannot continue leaves the leadership to others for a while', async () => {
    first.hasAll = false;
    await startBoth();
    expect(roles()).toEqual([false, true]);
  });

  test('A task that cannot continue leads if nobody else does', async () => {
    first.hasAll = false;
    first.leadership.start();
    await pass(PATIENCE_MS - 1);
    expect(first.leadership.isLeading).toBe(false);
    await pass(READ_INTERVAL_MS);
    expect(first.leadership.isLeading).toBe(true);
  });

  test('The leader moves the record every two seconds, and a standby writes nothing', async () => {
    await startBoth();
    store.writes = 0;
    await pass(10 * BEAT_INTERVAL_MS);
    expect(store.writes).toBe(10);
    expect(roles()).toEqual([true, false]);
    expect(second.served.length).toBeGreaterThan(5);
  });

  test('The record has what is accepted, and the requests of the leader', async () => {
    await startBoth();
    first.acceptedUntilMs = START_MS + 5;
    first.requests = [GAP];
    await pass(BEAT_INTERVAL_MS);
    expect(store.record).toMatchObject({ acceptedUntilMs: START_MS + 5, requests: [GAP] });
  });

  test('A request is written without waiting for the next beat', async () => {
    await startBoth();
    await pass(BEAT_INTERVAL_MS + 1);
    first.requests = [GAP];
    first.leadership.hurry();
    await pass();
    expect(store.record).toMatchObject({ requests: [GAP] });
  });
});

describe('a takeover', () => {
  test('A standby leads when the record has not moved for nine seconds, with the last record', async () => {
    await startBoth();
    await pass(BEAT_INTERVAL_MS);
    const last = store.record;
    const movedAtMs = last?.movedAtMs ?? 0;
    await first.leadership.stop();
    await pass(movedAtMs + TAKE_OVER_AFTER_MS - 1 - Date.now());
    expect(roles()).toEqual([true, false]);
    await pass(READ_INTERVAL_MS + 1);
    expect(roles()).toEqual([true, true]);
    expect(second.leads).toMatchObject([
      { predecessor: last?.leader, counter: (last?.counter ?? 0) + 1, acceptedUntilMs: START_MS },
    ]);
  });

  test('A released record is taken at the next read', async () => {
    await startBoth();
    expect(await first.leadership.release()).toBe(true);
    expect(store.record?.isReleased).toBe(true);
    await pass(READ_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(true);
    expect(store.record?.isReleased).toBe(false);
  });

  test('A standby has nothing to release', async () => {
    await startBoth();
    expect(await second.leadership.release()).toBe(false);
    expect(store.record?.isReleased).toBe(false);
  });

  test('A release that fails says so, and another task takes over later', async () => {
    await startBoth();
    store.failsBefore = true;
    expect(await first.leadership.release()).toBe(false);
    store.failsBefore = false;
    await pass(TAKE_OVER_AFTER_MS + READ_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(true);
  });

  test('A leader that was replaced follows', async () => {
    await startBoth();
    const record = store.record;
    if (record) await store.take({ ...record, leader: 'another', counter: 99 }, record);
    await pass(BEAT_INTERVAL_MS);
    expect(first.leadership.isLeading).toBe(false);
    expect(first.follows).toBe(1);
  });

  test('A task that stops does not take over, even if it has led before', async () => {
    await startBoth();
    first.leadership.end();
    second.leadership.end();
    await pass(BEAT_INTERVAL_MS);
    expect(roles()).toEqual([true, false]);
    const record = store.record;
    if (record) await store.take({ ...record, leader: 'another', counter: 99 }, record);
    await pass(2 * TAKE_OVER_AFTER_MS);
    expect(roles()).toEqual([false, false]);
    expect(store.record?.leader).toBe('another');
  });

  test('A record that was old when the task started is taken at once', async () => {
    await startBoth();
    await Promise.all([first, second].map(({ leadership }) => leadership.stop()));
    await pass(TAKE_OVER_AFTER_MS);
    const third = new LeadingTask(store);
    third.leadership.start();
    await pass();
    expect(third.leadership.isLeading).toBe(true);
    await third.leadership.stop();
  });

  test('A takeover whose response was lost is seen at the next read', async () => {
    await startBoth();
    await first.leadership.release();
    store.failsAfter = true;
    await pass(READ_INTERVAL_MS);
    // The read itself has no answer either.
    expect(second.leadership.isLeading).toBe(false);
    store.failsAfter = false;
    const take = vi.spyOn(store, 'take').mockImplementationOnce(async (record, replaced) => {
      await MemoryLeadershipStore.prototype.take.call(store, record, replaced);
      throw new Error('no answer');
    });
    await pass(READ_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(false);
    await pass(READ_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(true);
    expect(take).toHaveBeenCalledTimes(1);
  });

  test('Until its own records are stored, a new leader repeats what the last one knew', async () => {
    first.requests = [GAP];
    await startBoth();
    await pass(BEAT_INTERVAL_MS);
    await first.leadership.release();
    second.acceptedUntilMs = undefined;
    await pass(READ_INTERVAL_MS + BEAT_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(true);
    expect(store.record).toMatchObject({ acceptedUntilMs: START_MS, requests: [GAP] });
    second.acceptedUntilMs = START_MS + 7;
    await pass(BEAT_INTERVAL_MS);
    expect(store.record).toMatchObject({ acceptedUntilMs: START_MS + 7, requests: [] });
  });

  test('Until a new leader knows what is accepted, it writes the record twice as often', async () => {
    await startBoth();
    await first.leadership.release();
    second.acceptedUntilMs = undefined;
    await pass(READ_INTERVAL_MS);
    expect(second.leadership.isLeading).toBe(true);
    store.writes = 0;
    await pass(4 * READ_INTERVAL_MS);
    expect(store.writes).toBe(4);
    second.acceptedUntilMs = START_MS + 7;
    await pass(READ_INTERVAL_MS);
    store.writes = 0;
    await pass(4 * BEAT_INTERVAL_MS);
    expect(store.writes).toBe(4);
  });
});

describe('a table that cannot be reached', () => {
  test('A leader continues to lead', async () => {
    await startBoth();
    await second.leadership.stop();
    store.failsBefore = true;
    await pass(10 * TAKE_OVER_AFTER_MS);
    expect(first.leadership.isLeading).toBe(true);
    expect(first.follows).toBe(0);
  });

  test('A standby leads after nine seconds, and follows again when it reads that the leader lives', async () => {
    await startBoth();
    const { read } = store;
    store.read = () => Promise.reject(new Error('no table'));
    await pass(TAKE_OVER_AFTER_MS + READ_INTERVAL_MS);
    expect(roles()).toEqual([true, true]);
    store.read = read;
    await pass(2 * READ_INTERVAL_MS);
    expect(roles()).toEqual([true, false]);
    expect(second.follows).toBe(1);
  });

  test('A standby that leads without the record takes it when the leader is gone', async () => {
    await startBoth();
    const { read } = store;
    store.read = () => Promise.reject(new Error('no table'));
    await first.leadership.stop();
    await pass(TAKE_OVER_AFTER_MS + READ_INTERVAL_MS);
    store.read = read;
    await pass(READ_INTERVAL_MS);
    expect(store.record?.predecessor).toBeDefined();
    expect(second.leads).toHaveLength(1);
    expect(second.follows).toBe(0);
  });

  test('A task that starts in the meantime leads after nine seconds', async () => {
    store.failsBefore = true;
    first.leadership.start();
    await pass(TAKE_OVER_AFTER_MS - READ_INTERVAL_MS);
    expect(first.leadership.isLeading).toBe(false);
    await pass(2 * READ_INTERVAL_MS);
    expect(first.leads).toEqual([undefined]);
  });
});
