import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { gapsCommand } from '../../bin/gaps/gaps-command.ts';
import { FILL_TIMES, newFill } from '../../functions/backfill/fill.ts';
import { FillStore } from '../../functions/backfill/fill-store.ts';
import { readCoverage } from '../../functions/backfill/stored-coverage.ts';
import { DynamoDbCoverageStore, topicsId } from '../../functions/ingester/coverage-store.ts';
import { switchboard } from '../end-to-end/child.ts';
import { LocalAws, STATE_TABLE } from '../ingester/local-aws.ts';

const HOUR_MS = 3_600_000;
const TOPICS = ['a', 'b', 'c', 'd'].map((user) => `v2.users.${user}.presence`);
const ID = topicsId(TOPICS);
/** A whole second two hours ago. */
const START_MS = Math.floor(Date.now() / 1_000) * 1_000 - 2 * HOUR_MS;
const at = (seconds: number) => new Date(START_MS + seconds * 1_000).toISOString();

let aws: LocalAws;
const storeOf = (set: string) => new DynamoDbCoverageStore(aws.dynamodb, STATE_TABLE, set);

beforeAll(async () => {
  aws = await LocalAws.start();
  await aws.dynamodb.send(
    new CreateTableCommand({
      TableName: 'claims',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  const store = storeOf('default');
  await store.putTopics(ID, TOPICS);
  for (const task of ['task-1', 'task-2']) {
    await store.putProof({
      task,
      subscription: '0',
      covering: { topicsId: ID, fromMs: START_MS },
      coveredUntilMs: Date.now(),
      storedAtMs: Date.now(),
      isFinal: false,
    });
  }
  const gap = (task: string, from: number, to: number, reason: string) =>
    store.putGap(
      {
        subscription: '0',
        topicsId: ID,
        fromMs: START_MS + from * 1_000,
        toMs: START_MS + to * 1_000,
        reason,
      },
      task,
    );
  await gap('task-1', 100, 110, '1006');
  await gap('task-1', 200, 210, '1001 maintenance\u001b[2J');
  await gap('task-2', 205, 220, '1006');
  await gap('task-1', 5_000, 5_002.5, '1006');
  await gap('task-2', 5_000, 5_002.5, '1006');
  // A task's record was filled; its part that the other task covered needed no events.
  const fills = new FillStore(aws.dynamodb, STATE_TABLE, 'default');
  const fill = newFill(
    {
      gapId: `${at(200)}#task-1#0#${ID}`,
      fromMs: START_MS + 200_000,
      toMs: START_MS + 210_000,
      reason: '1001',
      topics: { id: ID },
    },
    FILL_TIMES,
  );
  const found = { fromMs: fill.fromMs, toMs: fill.toMs, counts: { 'v2.users.{id}.presence': 7 } };
  await fills.add({ ...fill, windows: [found] });
  await fills.close({ ...fill, windows: [found] }, { 'v2.users.{id}.station': 'present state only' });
  const channel = { channelId: { S: 'streaming-5-secret' }, connectUri: { S: 'wss://secret' } };
  await aws.dynamodb.send(
    new PutItemCommand({
      TableName: STATE_TABLE,
      Item: { pk: { S: 'subscription#default' }, sk: { S: 'channel#1' }, ...channel },
    }),
  );
});
afterAll(() => aws.close());

const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};
afterEach(() => vi.unstubAllEnvs());

/** Runs `switchboard gaps` with the emulator, in this process. Returns its output, and throws its error. */
async function gaps(
  flags: readonly string[],
  environment: Record<string, string | undefined> = {},
): Promise<string> {
  for (const [name, value] of Object.entries({ ...ENVIRONMENT, ...environment })) vi.stubEnv(name, value);
  let output = '';
  const command = gapsCommand(async (text) => {
    output += text;
  });
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  await command.parseAsync(['--endpoint-url', aws.url, ...flags], { from: 'user' });
  return output;
}

/** Runs `switchboard gaps` as a process. */
const processOf = (flags: readonly string[]) =>
  switchboard(['gaps', '--endpoint-url', aws.url, ...flags], { env: ENVIRONMENT }).ended;
const TABLE = ['--table', STATE_TABLE];

describe('the gaps of a deployment with two tasks', () => {
  test('The list contains only intervals that no task covered, with their length, topics, reasons and tasks', async () => {
    const { code, stdout, stderr } = await processOf(TABLE);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toBe(`2 gaps. In each, no task covered the topics.

${at(205)} to ${at(210)}  5.000 s
  topics   4: v2.users.a.presence, v2.users.b.presence, v2.users.c.presence, …
  reasons  1001 maintenance [2J; 1006
  tasks    task-1, task-2
  recovery complete: 7 events
    v2.users.{id}.station: present state only

${at(5_000)} to ${at(5_002.5)}  2.500 s
  topics   4: v2.users.a.presence, v2.users.b.presence, v2.users.c.presence, …
  reasons  1006
  tasks    task-1, task-2
  recovery not begun: 0 events
`);
  });

  test('With --json the list is one object with all topics', async () => {
    const stdout = await gaps([...TABLE, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      since: null,
      gaps: [
        {
          from: at(205),
          to: at(210),
          seconds: 5,
          open: false,
          topics: TOPICS,
          reasons: ['1001 maintenance\u001b[2J', '1006'],
          tasks: ['task-1', 'task-2'],
          recovery: {
            state: 'filled',
            recovered: { 'v2.users.{id}.presence': 7 },
            notRecovered: { 'v2.users.{id}.station': 'present state only' },
            missingPermissions: {},
          },
        },
        expect.objectContaining({ from: at(5_000), seconds: 2.5 }),
      ],
      bridged: [],
    });
    expect(stdout).not.toContain('secret');
  });

  test.each([
    ['a duration', '1h', [at(5_000)]],
    ['a time', at(207), [at(205), at(5_000)]],
    ['a time after the last gap', at(6_000), []],
    ['days', '1d', [at(205), at(5_000)]],
  ])('With --since and %s, gaps that ended before are left out', async (_, since, expected) => {
    const stdout = await gaps([...TABLE, '--json', '--since', since]);
    const { gaps: listed } = JSON.parse(stdout) as { gaps: { from: string }[] };
    expect(listed.map(({ from }) => from)).toEqual(expected);
  });

  test('An interval that a standby filled is not a gap, and is listed as bridged with the reason of the leader', async () => {
    const store = storeOf('bridged');
    const proof = { task: 'leader', subscription: '0', covering: { topicsId: ID, fromMs: START_MS } };
    await store.putTopics(ID, TOPICS);
    await store.putProof({ ...proof, coveredUntilMs: Date.now(), storedAtMs: Date.now(), isFinal: false });
    const about = { subscription: '0', topicsId: ID };
    const from = { ...about, fromMs: START_MS + 100_000 };
    await store.putGap({ ...from, toMs: START_MS + 110_000, reason: '1006' }, 'leader');
    await store.putSpan({ ...from, toMs: START_MS + 107_000, task: 'bridge-1', isBridge: true });
    const flags = [...TABLE, '--subscription', 'bridged'];
    expect(await gaps(flags)).toBe(`1 gap. In each, no task covered the topics.

${at(107)} to ${at(110)}  3.000 s
  topics   4: v2.users.a.presence, v2.users.b.presence, v2.users.c.presence, …
  reasons  1006
  tasks    leader
  recovery not begun: 0 events

1 bridged. In each, the standby sent what the leader missed.

${at(100)} to ${at(107)}  7.000 s
  topics   4: v2.users.a.presence, v2.users.b.presence, v2.users.c.presence, …
  reasons  1006
`);
    expect(JSON.parse(await gaps([...flags, '--json']))).toMatchObject({
      gaps: [{ from: at(107), seconds: 3 }],
      bridged: [{ from: at(100), to: at(107), seconds: 7, topics: TOPICS, reasons: ['1006'] }],
    });
  });

  test('Without gaps the output says so', async () => {
    expect(await gaps([...TABLE, '--since', at(6_000)])).toBe(`No gaps since ${at(6_000)}.\n`);
  });

  test('The table can be named by the variable of the ingester', async () => {
    expect(await gaps([], { STATE_TABLE })).toMatch(/^2 gaps/);
  });
});

describe('errors', () => {
  test.each<[string, string[], Record<string, undefined>, RegExp]>([
    ['no table name', [], {}, /Specify the state table with --table\..*SwitchboardStateTableName/],
    ['a table that does not exist', ['--table', 'none'], {}, /There is no table none .*AWS_REGION/],
    ['another table', ['--table', 'claims'], {}, /claims is not a state table/],
    ['an unknown subscription set', [...TABLE, '--subscription', 'x'], {}, /no records of .* set x/],
    ['an unreachable endpoint', [...TABLE, '--endpoint-url', 'http://127.0.0.1:1'], {}, /cannot be reached/],
    ['no Region', TABLE, { AWS_REGION: undefined }, /Region is missing\. Set AWS_REGION/],
    [
      'no credentials',
      TABLE,
      { AWS_ACCESS_KEY_ID: undefined },
      /AWS credentials are missing or were not accepted .*AWS_PROFILE/,
    ],
    ['an invalid time', ['--since', 'yesterday'], {}, /ISO 8601 time such as/],
    ['an invalid date', ['--since', '2026-13-45'], {}, /ISO 8601 time such as/],
    ['an invalid URL', ['--endpoint-url', 'localhost:4566'], {}, /http or https URL/],
  ])('With %s the error says what to do', async (_, flags, environment, message) => {
    await expect(gaps(flags, environment)).rejects.toThrow(message);
  });

  test('An error is one line on standard error, and the exit code is 1', async () => {
    const { code, stdout, stderr } = await processOf(['--table', 'none']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^There is no table none .*\n$/);
    expect(stdout).toBe('');
  });
});

describe('reading the table', () => {
  const read = (set: string, sinceMs = 0) =>
    readCoverage({ client: aws.dynamodb, tableName: STATE_TABLE, subscriptionSet: set }, sinceMs);
  const gap = { subscription: '0', topicsId: 'b', reason: 'x' };

  test('What the ingester stores is read', async () => {
    const store = storeOf('round-trip');
    const span = { task: 't1', subscription: '0', topicsId: 'a', fromMs: 1_000, toMs: 2_000 };
    const proof = {
      task: 't2',
      subscription: '1',
      covering: { topicsId: 'c', fromMs: 5 },
      coveredUntilMs: 7,
      storedAtMs: 8,
      isFinal: true,
    };
    for (const id of ['a', 'b', 'c', 'unused']) await store.putTopics(id, [id]);
    await store.putSpan(span);
    await store.putProof(proof);
    await store.putGap({ ...gap, fromMs: 1, toMs: 1_500, clockJumpMs: 9 }, 't3');
    expect(await read('round-trip')).toEqual({
      gaps: [{ ...gap, task: 't3', fromMs: 1, toMs: 1_500 }],
      spans: [span],
      proofs: [proof],
      topics: new Map([
        ['b', ['b']],
        ['a', ['a']],
        ['c', ['c']],
      ]),
    });
  });

  test('Records of several pages are read', async () => {
    const store = storeOf('pages');
    const reason = 'x'.repeat(10_000);
    for (let n = 0; n < 220; n++) await store.putGap({ ...gap, reason, fromMs: n, toMs: n }, 't1');
    expect((await read('pages')).gaps).toHaveLength(220);
  });

  test('A gap that ended before the time is left out unless it touches a later one', async () => {
    const store = storeOf('since');
    for (const [task, fromMs, toMs] of [
      ['t1', 10, 20],
      ['t2', 30, 40],
      ['t1', 40, 60],
      ['t2', 50, 80],
    ] as const)
      await store.putGap({ ...gap, fromMs, toMs }, task);
    const { gaps: found } = await read('since', 70);
    expect(found.map(({ fromMs }) => fromMs).toSorted()).toEqual([30, 40, 50]);
  });
});
