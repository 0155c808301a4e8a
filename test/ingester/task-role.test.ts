import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LeadershipRecord } from '../../functions/ingester/standby/leadership-record.ts';
import { TaskRole } from '../../functions/ingester/standby/task-role.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { pass, WATCHED_TOPICS } from './coverage-task.ts';
import { KeptItems } from './kept-items.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
let batcher: KeptItems;
let coverage: TaskCoverage;
let role: TaskRole;
let record: LeadershipRecord | undefined;
let readUntilMs: number;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS });
  const log = new TestLog();
  batcher = new KeptItems();
  record = undefined;
  readUntilMs = START_MS;
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: () => readUntilMs,
      servedTopics: () => WATCHED_TOPICS,
      oldestUnsentMs: () => undefined,
    },
  });
  coverage.watch('0', WATCHED_TOPICS);
  coverage.onCovered('0', START_MS);
  role = new TaskRole({
    task: 'this',
    batcher: Object.assign(batcher, { drain: async () => {} }),
    coverage,
    coverageStore: new MemoryCoverageStore(),
    leadershipStore: {
      read: async () => record,
      take: async (next) => {
        record = next;
        return true;
      },
      move: async (next) => {
        if (record?.leader !== next.leader) return false;
        record = next;
        return true;
      },
    },
    isLive: () => true,
    onChange: () => {},
    log,
  });
  role.start();
  await pass(3_000);
});
afterEach(async () => {
  await role.stop();
  coverage.abandon();
  vi.useRealTimers();
});

const read = () => role.queue.add({ json: '{}', bytes: 2 }, Date.now(), '0');

test('What the server sent before an event that SQS has not accepted is accepted only as far as it was proven before', async () => {
  readUntilMs = START_MS + 1_000;
  await pass(2_000);
  expect(record?.acceptedUntilMs).toBe(START_MS + 1_000);
  // The event was sent long ago, and waited in a buffer. The next pong comes after it.
  read();
  readUntilMs = START_MS + 5_000;
  await pass(4_000);
  expect(record?.acceptedUntilMs).toBe(START_MS + 1_000);
  batcher.acceptedPosition = 1;
  await pass(2_000);
  expect(record?.acceptedUntilMs).toBe(START_MS + 5_000);
});

test('A released record has what was read until the end', async () => {
  read();
  batcher.acceptedPosition = 1;
  readUntilMs = START_MS + 2_500;
  await role.release();
  expect(record).toMatchObject({ acceptedUntilMs: START_MS + 2_500, isReleased: true });
});

test('A standby counts as live once it has everything since the time up to which the leader has sent', async () => {
  const other = { leader: 'other', counter: 9, movedAtMs: Date.now(), isReleased: false, requests: [] };
  record = other;
  await pass(2_000);
  expect(role.state).toMatchObject({ role: 'standby', isLiveStandby: false });
  const keepsSinceMs = Date.now();
  // Without a time, the leader may not have sent anything.
  for (const acceptedUntilMs of [undefined, keepsSinceMs - 2_000, keepsSinceMs + 500]) {
    record = { ...other, counter: record.counter + 1, movedAtMs: Date.now(), acceptedUntilMs };
    await pass(1_000);
    expect(role.state.isLiveStandby).toBe(acceptedUntilMs === keepsSinceMs + 500);
  }
});
