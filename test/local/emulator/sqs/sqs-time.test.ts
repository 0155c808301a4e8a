import {
  CreateQueueCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { MAX_IN_FLIGHT_MESSAGES } from 'switchboard-local/emulator/sqs/sqs-queue-types.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SdkClients, sdkClients } from '../sdk-clients.ts';

let emulator: Emulator;
let clients: SdkClients;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_800_000_000_000 });
  emulator = new Emulator();
  clients = sdkClients({ requestHandler: emulator.requestHandler() });
});

afterEach(async () => {
  clients.destroy();
  await emulator.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const bodies = (messages: readonly { body: string }[]) => messages.map(({ body }) => body);

describe('visibility and delay', () => {
  test('A message that is not deleted is redelivered after the visibility timeout with a higher count', () => {
    const queue = emulator.sqs.createQueue('events', { VisibilityTimeout: '30' });
    queue.send({ body: 'x' });
    const [first] = queue.take(10);
    vi.advanceTimersByTime(29_999);
    expect(queue.take(10)).toEqual([]);
    vi.advanceTimersByTime(1);
    const [second] = queue.take(10);
    expect(second).toMatchObject({
      messageId: first!.messageId,
      receiveCount: 2,
      firstReceivedAtMs: first!.firstReceivedAtMs,
    });
    expect(second!.receiptHandle).not.toBe(first!.receiptHandle);
  });

  test('The handle of the latest receive deletes a message after its visibility timeout', () => {
    const queue = emulator.sqs.createQueue('events', { VisibilityTimeout: '30' });
    queue.send({ body: 'x' });
    const [only] = queue.take(1);
    vi.advanceTimersByTime(60_000);
    expect(queue.counts().visible).toBe(1);
    queue.delete(only!.receiptHandle);
    expect(queue.take(1)).toEqual([]);
  });

  test('ChangeMessageVisibility extends and shortens the visibility timeout', () => {
    const queue = emulator.sqs.createQueue('events', { VisibilityTimeout: '30' });
    queue.send({ body: 'x' });
    const [received] = queue.take(1);
    queue.changeVisibility(received!.receiptHandle, 100_000);
    vi.advanceTimersByTime(99_999);
    expect(queue.counts().inFlight).toBe(1);
    queue.changeVisibility(received!.receiptHandle, 5_000);
    vi.advanceTimersByTime(5_000);
    expect(queue.counts()).toEqual({ visible: 1, delayed: 0, inFlight: 0 });
  });

  test('A delayed message is invisible until its time, when it ends a long poll', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 7 }));
    const startedAtMs = Date.now();
    const polling = clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    await vi.advanceTimersByTimeAsync(7_000);
    expect((await polling).Messages).toHaveLength(1);
    expect(Date.now() - startedAtMs).toBe(7_000);
  });

  test('A waiting long poll gets a message that another consumer received and did not delete', async () => {
    const queue = emulator.sqs.createQueue('events', { VisibilityTimeout: '3' });
    const startedAtMs = Date.now();
    const polls = [queue.receive({ waitMs: 20_000 }), queue.receive({ waitMs: 20_000 })];
    queue.send({ body: 'x' });
    await vi.advanceTimersByTimeAsync(3_000);
    const [first, second] = await Promise.all(polls);
    expect(Date.now() - startedAtMs).toBe(3_000);
    expect(first).toMatchObject([{ body: 'x', receiveCount: 1 }]);
    expect(second).toMatchObject([{ body: 'x', receiveCount: 2 }]);
  });

  test('A long poll of an empty queue ends after its wait time, not earlier', async () => {
    const queue = emulator.sqs.createQueue('events');
    let ended = false;
    const polling = queue.receive({ waitMs: 20_000 }).then((messages) => {
      ended = true;
      return messages;
    });
    await vi.advanceTimersByTimeAsync(19_999);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await polling).toEqual([]);
  });

  test('Messages past their retention are removed in any state', () => {
    const queue = emulator.sqs.createQueue('events', { MessageRetentionPeriod: '60' });
    queue.send({ body: 'in flight' });
    queue.take(1, 1_000_000);
    queue.send({ body: 'visible' });
    vi.advanceTimersByTime(30_000);
    queue.send({ body: 'younger' });
    vi.advanceTimersByTime(30_000);
    expect(bodies(queue.peek())).toEqual(['younger']);
    expect(bodies(queue.take(10))).toEqual(['younger']);
  });

  test('A short poll is refused at the in-flight limit', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const queue = emulator.sqs.queue('events');
    for (let index = 0; index <= MAX_IN_FLIGHT_MESSAGES; index += 1) queue.send({ body: 'x' });
    expect(queue.take(MAX_IN_FLIGHT_MESSAGES + 10)).toHaveLength(MAX_IN_FLIGHT_MESSAGES);
    await expect(clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toMatchObject({
      name: 'OverLimit',
    });
    expect(queue.counts().visible).toBe(1);
  });
});

describe('redrive', () => {
  let events: Queue;
  let dead: Queue;

  beforeEach(() => {
    dead = emulator.sqs.createQueue('dead');
    events = emulator.sqs.createQueue('events', {
      VisibilityTimeout: '1',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
  });

  function exhaust(): void {
    for (let receive = 1; receive <= 2; receive += 1) {
      expect(events.take(10).every(({ receiveCount }) => receiveCount === receive)).toBe(true);
      vi.advanceTimersByTime(1_000);
    }
  }

  test('The receive after the last allowed one moves the message, with its id and its send time', () => {
    const id = events.send({ body: 'poison', attributes: { a: { dataType: 'String', stringValue: 'b' } } });
    const sentAtMs = Date.now();
    exhaust();
    // It moves when it would be received, not before.
    expect(events.counts().visible).toBe(1);
    expect(events.take(10)).toEqual([]);
    expect(events.peek()).toEqual([]);
    expect(dead.take(10)).toMatchObject([
      {
        messageId: id,
        body: 'poison',
        attributes: { a: { dataType: 'String', stringValue: 'b' } },
        sentAtMs,
        receiveCount: 3,
        deadLetterSourceArn: events.arn,
      },
    ]);
  });

  test('A message behind one that is moved is still received', () => {
    events.send({ body: 'poison' });
    exhaust();
    events.send({ body: 'healthy' });
    expect(bodies(events.take(1))).toEqual(['healthy']);
  });

  test('A move task sends the messages back as new messages', async () => {
    const id = events.send({ body: 'poison' });
    exhaust();
    events.take(1);
    vi.advanceTimersByTime(60_000);
    await clients.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }));
    const [moved] = events.take(1);
    expect(moved).toMatchObject({ body: 'poison', receiveCount: 1, sentAtMs: Date.now() });
    expect(moved!.messageId).not.toBe(id);
    expect(moved).not.toHaveProperty('deadLetterSourceArn');
    const { Results } = await clients.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: dead.arn }));
    expect(Results).toMatchObject([
      { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1, ApproximateNumberOfMessagesToMove: 1 },
    ]);
  });

  test('A rate limit spreads a move task over time', async () => {
    for (let index = 0; index < 5; index += 1) events.send({ body: `poison ${index}` });
    exhaust();
    events.take(10);
    const task = { SourceArn: dead.arn, MaxNumberOfMessagesPerSecond: 2 };
    await clients.sqs.send(new StartMessageMoveTaskCommand(task));
    expect(dead.peek()).toHaveLength(3);
    expect(events.peek()).toHaveLength(2);
    await expect(clients.sqs.send(new StartMessageMoveTaskCommand(task))).rejects.toMatchObject({
      name: 'UnsupportedOperation',
    });
    vi.advanceTimersByTime(2_000);
    expect(dead.peek()).toHaveLength(0);
    expect(events.peek()).toHaveLength(5);
  });

  test('Only a dead-letter queue can be the source of a move task', async () => {
    await expect(
      clients.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: events.arn })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    await expect(
      clients.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: `${events.arn}-none` })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('A message that was sent directly to a dead-letter queue cannot be moved without a destination', async () => {
    dead.send({ body: 'direct' });
    await clients.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }));
    const { Results } = await clients.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: dead.arn }));
    expect(Results).toMatchObject([{ Status: 'FAILED', FailureReason: 'CouldNotDetermineMessageSource' }]);
    expect(bodies(dead.peek())).toEqual(['direct']);
  });
});
