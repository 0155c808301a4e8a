import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redriveCommand } from '../../bin/redrive/redrive-command.ts';
import { runInProcess } from '../deliveries/command-in-process.ts';
import { commandEnvironment, LocalDestinations } from '../deliveries/local-destinations.ts';
import { switchboard } from '../end-to-end/child.ts';
import { STATE_TABLE } from '../ingester/local-aws.ts';

type Queues = ReturnType<LocalDestinations['createQueues']>;

let destinations: LocalDestinations;
let crm: Queues;
beforeEach(async () => {
  destinations = await LocalDestinations.start();
  crm = destinations.createQueues('crm');
  await putCrm();
});
afterEach(() => destinations.close());

const putCrm = (more: Parameters<LocalDestinations['put']>[2] = {}) =>
  destinations.put(
    'Crm',
    { queueUrl: destinations.urlOf(crm.queue), deadLetterQueueUrl: destinations.urlOf(crm.deadLetter) },
    more,
  );

/** Starts `switchboard redrive` as a process. */
const start = (...flags: string[]) =>
  switchboard(['redrive', ...flags], { env: { ...commandEnvironment(destinations.aws.url), STATE_TABLE } });
const redrive = (...flags: string[]) =>
  runInProcess(redriveCommand, flags, {
    ...commandEnvironment(destinations.aws.url),
    STATE_TABLE,
  });

/** Messages as the delivery function sends them: SQS does not know which queue they came from. */
function sendDeadLetters(count: number): void {
  for (let n = 0; n < count; n++)
    crm.deadLetter.send({
      body: `{"n":${n}}`,
      attributes: { reason: { dataType: 'String', stringValue: 'status 400' } },
    });
}
const visible = () => ({ queue: crm.queue.counts().visible, deadLetter: crm.deadLetter.counts().visible });

describe('the dead letters of a destination', () => {
  test('They are moved to its delivery queue with body and attributes', async () => {
    sendDeadLetters(3);
    const { code, stdout, stderr } = await redrive('--destination', 'Crm');
    expect(stderr).toBe('');
    expect(stdout).toBe('3 messages moved from crm-dead-letter to crm.\n');
    expect(code).toBe(0);
    expect(visible()).toEqual({ queue: 3, deadLetter: 0 });
    const [first] = crm.queue.take(1);
    expect(first).toMatchObject({
      body: '{"n":0}',
      attributes: { reason: { stringValue: 'status 400' } },
    });
  });

  test('With --rate they are moved at this rate, and the progress is written to standard error', async () => {
    sendDeadLetters(3);
    const { code, stdout, stderr } = await redrive('--destination', 'Crm', '--rate', '2');
    expect(stderr).toBe('2 of 3 messages moved\n');
    expect(stdout).toBe('3 messages moved from crm-dead-letter to crm.\n');
    expect(code).toBe(0);
  });

  test('An empty dead-letter queue is not an error', async () => {
    const { code, stdout } = await redrive('--destination', 'Crm');
    expect(stdout).toBe('0 messages moved from crm-dead-letter to crm.\n');
    expect(code).toBe(0);
  });

  test('With --dry-run they are counted but neither moved nor received', async () => {
    sendDeadLetters(3);
    crm.deadLetter.take(1);
    const { code, stdout } = await redrive('--destination', 'Crm', '--dry-run');
    expect(stdout).toBe(`About 2 messages would be moved from crm-dead-letter to crm.
In flight, so not moved now: 1 message.
Nothing was moved.
`);
    expect(code).toBe(0);
    expect(visible()).toEqual({ queue: 0, deadLetter: 2 });
    expect(crm.deadLetter.take(10).map(({ receiveCount }) => receiveCount)).toEqual([1, 1]);
  });

  test('If the destination is stopped, a warning says how to resume it', async () => {
    await putCrm({ state: { S: 'stopped' } });
    sendDeadLetters(1);
    const { code, stderr } = await redrive('--destination', 'Crm');
    expect(stderr).toBe(
      'Crm is stopped. Its messages wait until you run: switchboard deliveries resume Crm\n',
    );
    expect(code).toBe(0);
  });
});

describe('a dead-letter queue', () => {
  test.each([
    ['URL', () => destinations.urlOf(crm.deadLetter)],
    ['ARN', () => crm.deadLetter.arn],
  ])('Named by its %s, its messages are moved to the queue that it belongs to', async (_, reference) => {
    sendDeadLetters(2);
    const { code, stdout } = await redrive('--queue', reference());
    expect(stdout).toBe('2 messages moved from crm-dead-letter to crm.\n');
    expect(code).toBe(0);
    expect(visible()).toEqual({ queue: 2, deadLetter: 0 });
  });

  test('If it belongs to several queues, the user chooses one with --to', async () => {
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: crm.deadLetter.arn, maxReceiveCount: 5 });
    const other = destinations.aws.emulator.sqs.createQueue('other', { RedrivePolicy });
    sendDeadLetters(1);
    const refused = await redrive('--queue', crm.deadLetter.arn);
    expect(refused.stderr).toMatch(/several queues\. Choose one with --to: \S+\/crm, \S+\/other\.\n$/);
    expect(refused.code).toBe(1);
    const { code } = await redrive('--queue', crm.deadLetter.arn, '--to', destinations.urlOf(other));
    expect(code).toBe(0);
    expect(other.counts().visible).toBe(1);
  });
});

describe('the end of a task', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s cancels it: the moved messages are reported, and the rest stays',
    async (signal) => {
      sendDeadLetters(1_000);
      const running = start('--destination', 'Crm', '--rate', '5');
      await running.printed(/5 of 1000 messages moved/);
      running.signal(signal);
      const { code, stdout, stderr } = await running.ended;
      const moved = Number(
        /^Cancelled\. (\d+) messages moved from crm-dead-letter to crm\./.exec(stdout)?.[1],
      );
      expect(stdout).toContain('The others stay in crm-dead-letter.');
      expect(stderr).toContain('Cancelling.');
      expect(code).toBe(130);
      expect(visible()).toEqual({ queue: moved, deadLetter: 1_000 - moved });
    },
  );

  test('If SQS cannot move a message, here because the queue is full, the exit code is 1 and the reason is shown', async () => {
    sendDeadLetters(20);
    const running = start('--destination', 'Crm', '--rate', '5');
    await running.printed(/5 of 20 messages moved/);
    for (let size = 1_048_576; size >= 1; size /= 2)
      for (const body = 'x'.repeat(size); crm.queue.hasRoom(size); ) crm.queue.send({ body });
    const { code, stdout } = await running.ended;
    expect(stdout).toMatch(
      /^Failed \(OverLimit\)\. \d+ messages moved from crm-dead-letter to crm\. The others stay in crm-dead-letter\.\n$/,
    );
    expect(code).toBe(1);
  });

  test('A second task for the same queue is refused, and the first continues', async () => {
    sendDeadLetters(1_000);
    const running = start('--destination', 'Crm', '--rate', '5');
    await running.printed(/5 of 1000 messages moved/);
    const { code, stderr } = await redrive('--destination', 'Crm');
    expect(stderr).toMatch(/^crm-dead-letter cannot be redriven now .*list-message-move-tasks.*\n$/);
    expect(code).toBe(1);
    running.signal('SIGINT');
    expect((await running.ended).stdout).toMatch(/^Cancelled\./);
  });
});

describe('errors', () => {
  const FIFO_QUEUE = 'https://sqs.us-east-1.amazonaws.com/123456789012/crm.fifo';

  test.each<[string, () => string[], RegExp]>([
    ['neither a destination nor a queue', () => [], /^Specify --destination or --queue\./],
    [
      'an unknown destination',
      () => ['--destination', 'Erp'],
      /There is no destination Erp\. .* are Crm\.\n$/,
    ],
    ['both', () => ['--destination', 'Crm', '--queue', crm.queue.arn], /cannot be used with option '--queue/],
    ['a queue by name', () => ['--queue', 'crm'], /Specify the URL or the ARN of a queue/],
    ['a rate above that of SQS', () => ['--destination', 'Crm', '--rate', '501'], /number from 1 to 500/],
    [
      'a queue that does not exist',
      () => ['--queue', `${crm.queue.arn}-none`],
      /^There is no queue crm-none in this account and Region\. Check AWS_REGION/,
    ],
    [
      'a queue of another Region',
      () => ['--queue', crm.deadLetter.arn.replace('us-east-1', 'eu-west-1')],
      /eu-west-1\S+ is not in this account and Region/,
    ],
    [
      'a queue that is not a dead-letter queue',
      () => ['--queue', crm.queue.arn],
      /^crm is not the dead-letter queue of any queue\./,
    ],
    [
      'a FIFO queue for messages of a standard queue',
      () => ['--queue', crm.deadLetter.arn, '--to', FIFO_QUEUE],
      /^crm-dead-letter and crm\.fifo are of different types\./,
    ],
    [
      'an unreachable endpoint',
      () => ['--queue', crm.deadLetter.arn, '--endpoint-url', 'http://127.0.0.1:1'],
      /^AWS cannot be reached/,
    ],
  ])('With %s the error says what to do, and nothing is moved', async (_, flags, message) => {
    sendDeadLetters(1);
    const { code, stdout, stderr } = await redrive(...flags());
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(1);
    expect(visible()).toEqual({ queue: 0, deadLetter: 1 });
  });
});
