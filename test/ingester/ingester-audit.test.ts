import { afterEach, expect, test } from 'vitest';
import { SubscriptionAudit } from '../../functions/ingester/subscription-audit.ts';
import { AuditTrail } from '../../lib/aws/audit-trail.ts';
import type { AuditEntry } from '../../lib/events/audit-record.ts';
import { type AnyRecord, chainsOf } from '../audit/own-check.ts';
import { eventually } from './eventually.ts';
import { IngesterRun, type RunOptions } from './ingester-run.ts';
import { TestLog } from './test-log.ts';

let run: IngesterRun | undefined;
afterEach(async () => {
  await run?.close();
  run = undefined;
});

/** A trail that keeps its records in memory. */
function memoryTrail() {
  const records: AnyRecord[] = [];
  const audit = new AuditTrail({
    service: 'ingester',
    level: 'connections',
    stream: () => ({
      write: async (batch) => {
        records.push(...batch.map(({ message }) => JSON.parse(message) as AnyRecord));
        return 0;
      },
    }),
    log: new TestLog(),
    writes: 'on flush',
  });
  return { audit, records };
}

/** A running ingester and its audit records so far. */
async function start(options: RunOptions = {}) {
  const { audit, records } = memoryTrail();
  run = await IngesterRun.start({ ...options, dependencies: { ...options.dependencies, audit } });
  const recorded = async (...actions: AuditEntry['action'][]) => {
    await audit.flush(1_000);
    return records.filter(({ action }) => actions.includes(action as AuditEntry['action']));
  };
  return { run, audit, records, recorded };
}

const ABOUT = { protocol: 'notification-channels', subscription: 'notification-channels/0' };

test('A connection has a record when it is opened, ready and closed, and the chain ends with the process', async () => {
  const { run: running, records, audit } = await start();
  await running.ingester.stop();
  const chain = chainsOf(records).get(audit.session) ?? [];
  expect(chain.map(({ action }) => action)).toEqual([
    'session.started',
    'subscription.added',
    'connection.opened',
    'connection.ready',
    'coverage.started',
    'connection.closed',
    'session.ended',
  ]);
  for (const record of chain.slice(2, 4)) expect(record).toMatchObject({ ...ABOUT, connection: 1 });
  expect(chain[3]?.latencyMs).toBeGreaterThanOrEqual(0);
  expect(chain[5]).toMatchObject({ ...ABOUT, connection: 1, meaning: 'closed by us', recovery: 'resume' });
});

test('A lost connection has a record with its code, meaning and recovery, and coverage ends and starts', async () => {
  const { run: running, recorded } = await start();
  running.simulator.dropSockets();
  await eventually(async () => (await recorded('coverage.started')).length).toBe(2);
  const [closed] = await recorded('connection.closed');
  expect(closed).toMatchObject({ ...ABOUT, connection: 1, code: 1006, recovery: 'resume' });
  expect(closed?.meaning).not.toBe('');
  const [ended] = await recorded('coverage.ended');
  expect(ended).toMatchObject({ ...ABOUT, reason: '1006' });
  expect(Date.parse(String(ended?.since))).toBeLessThanOrEqual(Date.parse(String(ended?.time)));
  expect(await recorded('connection.opened')).toMatchObject([{ connection: 1 }, { connection: 2 }]);
});

test('Topics that the server refuses have a record with the reason', async () => {
  const { recorded } = await start({
    environment: { TOPICS: 'v2.users.{id}.presence,v2.users.{id}.routingStatus' },
    simulator: { deniedTopics: ['v2.users.{id}.routingStatus'] },
  });
  const rejected = await recorded('subscription.rejected');
  expect(rejected.flatMap(({ topics }) => topics as string[])).toHaveLength(5);
  for (const record of rejected)
    expect(record).toMatchObject({ ...ABOUT, reason: expect.stringMatching(/./) });
});

test('Gap records and audit records name the same task', async () => {
  const { run: running, audit } = await start();
  running.simulator.dropSockets();
  await running.covered();
  await eventually(async () => JSON.stringify(await running.aws.records('gap#'))).toContain(audit.session);
});

test('No record contains a channel id, a token or a secret', async () => {
  const { run: running, recorded, records } = await start();
  running.simulator.dropSockets();
  await eventually(async () => (await recorded('coverage.started')).length).toBe(2);
  await running.ingester.stop();
  const channels = (await running.aws.records('')).flatMap(({ channelId }) => channelId?.S ?? []);
  expect(channels).not.toEqual([]);
  for (const secret of [...channels, 'simulator-secret', 'streaming-', 'bearer', '/channels/'])
    expect(JSON.stringify(records).toLowerCase()).not.toContain(secret.toLowerCase());
});

test('Without a trail, the ingester runs without audit records', async () => {
  run = await IngesterRun.start();
  run.simulator.dropSockets();
  await run.covered();
  expect(run.ingester.metricSources().auditRecordsLost?.()).toBeUndefined();
});

test('Changed topics have records of what was added and removed, at most 100 topics each', async () => {
  const { audit, records } = memoryTrail();
  const subscriptions = new SubscriptionAudit(audit, 'p');
  const topics = Array.from({ length: 250 }, (_, index) => `t${index}`);
  subscriptions.assigned(new Map([['p/0', { topics }]]));
  subscriptions.assigned(new Map([['p/0', { topics: [...topics.slice(1), 'new'] }]]));
  subscriptions.assigned(new Map([['p/0', { topics: [...topics.slice(1), 'new'] }]]));
  subscriptions.assigned(new Map([['p/1', { topics: ['other'] }]]));
  await audit.flush(1_000);
  const changes = records
    .slice(1)
    .map(({ action, subscription, topics: names }) => [
      action,
      subscription,
      (names as string[]).length,
      (names as string[])[0],
    ]);
  expect(changes).toEqual([
    ['subscription.added', 'p/0', 100, 't0'],
    ['subscription.added', 'p/0', 100, 't100'],
    ['subscription.added', 'p/0', 50, 't200'],
    ['subscription.removed', 'p/0', 1, 't0'],
    ['subscription.added', 'p/0', 1, 'new'],
    ['subscription.removed', 'p/0', 100, 't1'],
    ['subscription.removed', 'p/0', 100, 't101'],
    ['subscription.removed', 'p/0', 50, 't201'],
    ['subscription.added', 'p/1', 1, 'other'],
  ]);
});

test('A refused topic has one record, and another one if it is refused again after it was accepted', async () => {
  const { audit, records } = memoryTrail();
  const subscriptions = new SubscriptionAudit(audit, 'p');
  const rejected = (...topics: string[]) => ({
    topics: [],
    rejected: new Map(topics.map((topic) => [topic, 'why'])),
  });
  for (const subscription of [rejected('a'), rejected('a', 'b', 'c'), rejected(), rejected('a')])
    subscriptions.connected('p/0', subscription);
  await audit.flush(1_000);
  expect(records.slice(1).map(({ topics }) => topics)).toEqual([['a'], ['b', 'c'], ['a']]);
});
