import type { SQSClient } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RedriveTask } from '../../bin/redrive/redrive-task.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';

const NEVER = new Promise<void>(() => undefined);

let emulator: Emulator;
let sqs: SQSClient;
/** Called before each request, with the name of its action. */
let beforeRequest: (action: string) => void;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  emulator = new Emulator();
  beforeRequest = () => undefined;
  const inside = emulator.requestHandler();
  const handle: typeof inside.handle = async (...request) => {
    beforeRequest(String(request[0].headers['x-amz-target']).replace('AmazonSQS.', ''));
    return await inside.handle(...request);
  };
  sqs = sqsClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { ...inside, handle },
  });
});
afterEach(async () => {
  sqs.destroy();
  await emulator.close();
  vi.useRealTimers();
});

/** Starts a task that moves one message per second. */
async function startTask({ messages }: { messages: number }): Promise<RedriveTask> {
  const deadLetter = emulator.sqs.createQueue('dead-letter');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetter.arn, maxReceiveCount: 5 });
  const queue = emulator.sqs.createQueue('events', { RedrivePolicy });
  for (let n = 0; n < messages; n++) deadLetter.send({ body: String(n) });
  const queues = { fromArn: deadLetter.arn, toArn: queue.arn, messages, inFlight: 0 };
  return await RedriveTask.start(sqs, queues, 1);
}

const cutConnection = () => {
  throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
};

test('If the progress cannot be read for half a minute, the command waits and reports the end of the task', async () => {
  const task = await startTask({ messages: 40 });
  let reads = 0;
  beforeRequest = () => {
    if (++reads <= 30) cutConnection();
  };
  const ended = task.end(NEVER, () => undefined);
  await vi.advanceTimersByTimeAsync(45_000);
  expect(await ended).toMatchObject({ status: 'completed', moved: 40 });
});

test('If the progress cannot be read for longer, the error says how to show and cancel the task', async () => {
  const task = await startTask({ messages: 100 });
  beforeRequest = cutConnection;
  const failed = expect(task.end(NEVER, () => undefined)).rejects.toMatchObject({
    code: 'lost_sight',
    message: expect.stringMatching(
      /ECONNRESET.*list-message-move-tasks --source-arn arn:aws:sqs:us-east-1:\d+:dead-letter.*cancel-message-move-task --task-handle \S+$/,
    ),
  });
  await vi.advanceTimersByTimeAsync(31_000);
  await failed;
});

test('A missing permission to read the progress ends the wait at once', async () => {
  const task = await startTask({ messages: 100 });
  beforeRequest = () => {
    throw Object.assign(new Error('not authorized'), { name: 'AccessDenied' });
  };
  await expect(task.end(NEVER, () => undefined)).rejects.toMatchObject({
    code: 'lost_sight',
    message: expect.stringContaining('not authorized'),
  });
});

test('A task that ends before it can be cancelled is reported as completed', async () => {
  const task = await startTask({ messages: 3 });
  const interrupted = Promise.withResolvers<void>();
  beforeRequest = (action) => {
    if (action === 'CancelMessageMoveTask') vi.advanceTimersByTime(3_000);
  };
  const ended = task.end(interrupted.promise, () => interrupted.resolve());
  expect(await ended).toMatchObject({ status: 'completed', moved: 3 });
});

test('If a task cannot be cancelled, the error says how to cancel it', async () => {
  const task = await startTask({ messages: 3 });
  const interrupted = Promise.withResolvers<void>();
  const ended = task.end(interrupted.promise, () => {
    beforeRequest = cutConnection;
    interrupted.resolve();
  });
  await expect(ended).rejects.toMatchObject({
    code: 'lost_sight',
    message: expect.stringContaining('cancel-message-move-task --task-handle'),
  });
});
