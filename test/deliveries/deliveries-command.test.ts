import pLimit from 'p-limit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deliveriesCommand } from '../../bin/deliveries/deliveries-command.ts';
import { switchboard } from '../end-to-end/child.ts';
import { STATE_TABLE } from '../ingester/local-aws.ts';
import { runInProcess } from './command-in-process.ts';
import { commandEnvironment, LocalDestinations } from './local-destinations.ts';

const SINCE = '2027-01-15T08:00:00.000Z';
const RETRY_AT_MS = 4_000_000_000_000;
const RETRY_AT = new Date(RETRY_AT_MS).toISOString();

/** Destinations that are stored at the same time. */
const WRITES = 10;

let destinations: LocalDestinations;
beforeEach(async () => {
  destinations = await LocalDestinations.start();
});
afterEach(() => destinations.close());

const environment = () => ({ ...commandEnvironment(destinations.aws.url), STATE_TABLE });
const deliveries = (...flags: string[]) => runInProcess(deliveriesCommand, flags, environment());

/** Stores Crm, which is open, and Wallboard, which was stopped and whose dead-letter queue was deleted. */
async function putTwo(): Promise<void> {
  const crm = destinations.createQueues('crm');
  for (const body of ['a', 'b', 'c']) crm.queue.send({ body });
  crm.queue.take(1);
  crm.deadLetter.send({ body: 'd' });
  await destinations.put(
    'Crm',
    { queueUrl: destinations.urlOf(crm.queue), deadLetterQueueUrl: destinations.urlOf(crm.deadLetter) },
    {
      state: { S: 'open' },
      reason: { S: '5 of 10 calls failed\u001b[2J' },
      retryAtMs: { N: String(RETRY_AT_MS) },
    },
  );
  const wallboard = destinations.createQueues('wallboard');
  await destinations.put(
    'Wallboard',
    {
      queueUrl: destinations.urlOf(wallboard.queue),
      deadLetterQueueUrl: destinations.urlOf({ name: 'deleted' }),
    },
    { state: { S: 'stopped' }, reason: { S: 'it answered 410' }, policy: { S: '{}' } },
  );
}

describe('the list', () => {
  test('It contains the state, its reason, the next call and the messages of each destination', async () => {
    await putTwo();
    const { code, stdout, stderr } = await switchboard(['deliveries'], { env: environment() }).ended;
    expect(stderr).toMatch(
      /^Wallboard: a queue could not be read\. There is no queue .*\/deleted in this account and Region\..*\n$/,
    );
    expect(stdout).toBe(`2 destinations.

Crm  https://crm.example.com
  state         open since ${SINCE}: 5 of 10 calls failed [2J
  next call     not before ${RETRY_AT}
  waiting       2
  in flight     1
  dead letters  1

Wallboard  https://wallboard.example.com
  state         stopped since ${SINCE}: it answered 410
  next call     after switchboard deliveries resume Wallboard
  waiting       0
  in flight     0
  dead letters  unknown
`);
    expect(code).toBe(0);
  });

  test('With --json it is one object, in which unknown values are null', async () => {
    await putTwo();
    const { stdout } = await deliveries('--json', '--table', STATE_TABLE);
    expect(JSON.parse(stdout)).toEqual({
      destinations: [
        expect.objectContaining({
          name: 'Crm',
          origin: 'https://crm.example.com',
          state: 'open',
          since: SINCE,
          retryAt: RETRY_AT,
          waiting: 2,
          inFlight: 1,
          deadLetters: 1,
          updatedAt: '2027-01-15T08:00:01.000Z',
        }),
        expect.objectContaining({ name: 'Wallboard', state: 'stopped', retryAt: null, deadLetters: null }),
      ],
    });
  });

  test('A closed destination has no line for the next call, and an open one whose wait is over is called with the next message', async () => {
    const { queue, deadLetter } = destinations.createQueues('crm');
    const urls = { queueUrl: destinations.urlOf(queue), deadLetterQueueUrl: destinations.urlOf(deadLetter) };
    await destinations.put('Closed', urls);
    await destinations.put('Open', urls, { state: { S: 'open' }, retryAtMs: { N: '1' } });
    const { stdout } = await deliveries('list');
    expect(stdout).toContain(`Closed  https://closed.example.com
  state         closed since ${SINCE}
  waiting       0`);
    expect(stdout).toContain('next call     with the next message');
  });

  test('Destinations of several pages are listed', async () => {
    const { queue, deadLetter } = destinations.createQueues('crm');
    const urls = { queueUrl: destinations.urlOf(queue), deadLetterQueueUrl: destinations.urlOf(deadLetter) };
    const names = Array.from({ length: 205 }, (_, index) => `D${String(index).padStart(3, '0')}`);
    await pLimit(WRITES).map(names, (name) => destinations.put(name, urls));
    const { stdout, stderr } = await deliveries('--json');
    expect(stderr).toBe('');
    const listed = (JSON.parse(stdout) as { destinations: { name: string }[] }).destinations;
    expect(listed.map(({ name }) => name)).toEqual(names);
  });

  test('At most 1,000 destinations are listed, and a warning says so', async () => {
    const { queue, deadLetter } = destinations.createQueues('crm');
    const urls = { queueUrl: destinations.urlOf(queue), deadLetterQueueUrl: destinations.urlOf(deadLetter) };
    const names = Array.from({ length: 1_001 }, (_, index) => `D${index}`);
    await pLimit(WRITES).map(names, (name) => destinations.put(name, urls));
    const { stdout, stderr } = await deliveries();
    expect(stderr).toBe('Only the first 1000 destinations are listed.\n');
    expect(stdout).toMatch(/^1000 destinations\./);
  });

  test('Without destinations the output says so', async () => {
    const { code, stdout } = await deliveries();
    expect(stdout).toBe('No destinations. A destination is listed after its first delivery.\n');
    expect(code).toBe(0);
  });
});

describe('resume', () => {
  test('A stopped destination becomes closed, and its reason and policy are removed', async () => {
    await putTwo();
    const before = Date.now();
    const { code, stdout, stderr } = await deliveries('resume', 'Wallboard');
    expect(stderr).toBe('');
    expect(stdout).toBe('Wallboard was resumed. Its messages are delivered again.\n');
    expect(code).toBe(0);
    const item = await destinations.stored('Wallboard');
    expect(item).toMatchObject({ state: { S: 'closed' }, version: { N: '4' } });
    expect(Number(item?.sinceMs?.N)).toBeGreaterThanOrEqual(before);
    expect(item?.rampFromMs).toEqual(item?.sinceMs);
    expect(item).not.toHaveProperty('reason');
    expect(item).not.toHaveProperty('policy');
  });

  test('A destination that is not stopped stays unchanged, and the error names its state', async () => {
    await putTwo();
    const before = await destinations.stored('Crm');
    const { code, stdout, stderr } = await deliveries('resume', 'Crm', '--table', STATE_TABLE);
    expect(stderr).toBe(`Crm is not stopped, so there is nothing to resume. It is open since ${SINCE}.\n`);
    expect(stdout).toBe('');
    expect(code).toBe(1);
    expect(await destinations.stored('Crm')).toEqual(before);
  });

  test('An unknown destination is not created, and the error lists the known ones', async () => {
    await putTwo();
    const { code, stderr } = await deliveries('resume', 'crm');
    expect(stderr).toBe('There is no destination crm. The destinations are Crm, Wallboard.\n');
    expect(code).toBe(1);
    expect(await destinations.stored('crm')).toBeUndefined();
  });
});

describe('errors', () => {
  test.each([
    ['a table that does not exist', ['--table', 'none'], /^There is no table none .*AWS_REGION.*\n$/],
    ['an empty table name', ['--table', ''], /^Specify the state table with --table\..*\n$/],
    ['an unreachable endpoint', ['--endpoint-url', 'http://127.0.0.1:1'], /^AWS cannot be reached .*\n$/],
    ['an unknown option', ['--jsn'], /unknown option '--jsn'/],
    ['an unknown command', ['resum'], /too many arguments for 'list'/],
  ])('With %s the error says what to do', async (_, flags, message) => {
    const { code, stdout, stderr } = await deliveries(...flags);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});
