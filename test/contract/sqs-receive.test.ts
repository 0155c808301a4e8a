import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { sqs } from './contract-clients.ts';
import { createQueue, deleteQueues, type Queue, receive, receiveNow } from './contract-queues.ts';

afterAll(deleteQueues);

const send = ({ QueueUrl }: Queue, MessageBody: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
const setVisibility = ({ QueueUrl }: Queue, { ReceiptHandle }: Message, VisibilityTimeout: number) =>
  sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));

/** The single message of a receive. */
async function only(received: Promise<Message[]>): Promise<Message> {
  const messages = await received;
  expect(messages).toHaveLength(1);
  return messages[0] ?? {};
}

contract('sqs.attributes', 'A received message carries its system attributes', async () => {
  const queue = await createQueue('attributes');
  const beforeMs = Date.now();
  const { MessageId } = await send(queue, 'x');
  const message = await only(receive(queue, 1));
  expect(message.MessageId).toBe(MessageId);
  expect(message.ReceiptHandle).toMatch(/\S/);
  const { ApproximateReceiveCount, SenderId, SentTimestamp, ApproximateFirstReceiveTimestamp } =
    message.Attributes ?? {};
  expect(ApproximateReceiveCount).toBe('1');
  expect(SenderId).toMatch(/\S/);
  expect(Number(SentTimestamp)).toBeGreaterThan(beforeMs - 60_000);
  expect(Number(ApproximateFirstReceiveTimestamp)).toBeGreaterThanOrEqual(Number(SentTimestamp));
});

contract('sqs.long-poll.arrival', 'A long poll ends when a message arrives', async () => {
  const queue = await createQueue('poll');
  const polled = sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20 }));
  const startMs = performance.now();
  await send(queue, 'late');
  const { Messages } = await polled;
  expect(Messages?.map(({ Body }) => Body)).toEqual(['late']);
  expect(performance.now() - startMs).toBeLessThan(10_000);
});

contract(
  'sqs.long-poll.empty',
  'A long poll of an empty queue ends after its wait time without messages',
  async () => {
    const queue = await createQueue('empty');
    const startMs = performance.now();
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queue.QueueUrl, WaitTimeSeconds: 1 }),
    );
    expect(Messages ?? []).toEqual([]);
    expect(performance.now() - startMs).toBeGreaterThan(900);
  },
);

contract('sqs.visibility', 'A received message is hidden, then redelivered with a higher count', async () => {
  const queue = await createQueue('visibility', { VisibilityTimeout: '1' });
  await send(queue, 'x');
  const first = await only(receive(queue, 1));
  expect(await receiveNow(queue)).toEqual([]);
  const second = await only(receive(queue, 1));
  expect(second.MessageId).toBe(first.MessageId);
  expect(second.Attributes?.ApproximateReceiveCount).toBe('2');
  expect(second.Attributes?.SentTimestamp).toBe(first.Attributes?.SentTimestamp);
});

contract('sqs.change-visibility', 'A visibility timeout of 0 makes the message visible at once', async () => {
  const queue = await createQueue('change');
  await send(queue, 'x');
  const first = await only(receive(queue, 1, { VisibilityTimeout: 60 }));
  await setVisibility(queue, first, 0);
  const second = await only(receive(queue, 1));
  expect(second.Attributes?.ApproximateReceiveCount).toBe('2');
});

contract('sqs.change-visibility.longer', 'A longer visibility timeout keeps the message hidden', async () => {
  const queue = await createQueue('longer', { VisibilityTimeout: '1' });
  await send(queue, 'x');
  const first = await only(receive(queue, 1));
  await setVisibility(queue, first, 60);
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queue.QueueUrl, WaitTimeSeconds: 2 }),
  );
  expect(Messages ?? []).toEqual([]);
});

contract('sqs.delete', 'A deleted message is not redelivered', async () => {
  const queue = await createQueue('delete', { VisibilityTimeout: '1' });
  await send(queue, 'x');
  const { ReceiptHandle } = await only(receive(queue, 1));
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.QueueUrl, ReceiptHandle }));
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queue.QueueUrl, WaitTimeSeconds: 2 }),
  );
  expect(Messages ?? []).toEqual([]);
});

contract(
  'sqs.delete.older-receipt',
  'Deleting with the receipt of an earlier receive is not an error',
  async () => {
    const queue = await createQueue('older');
    await send(queue, 'x');
    const first = await only(receive(queue, 1, { VisibilityTimeout: 60 }));
    await setVisibility(queue, first, 0);
    await only(receive(queue, 1));
    const command = new DeleteMessageCommand({
      QueueUrl: queue.QueueUrl,
      ReceiptHandle: first.ReceiptHandle,
    });
    await expect(sqs.send(command)).resolves.toBeDefined();
  },
);

contract('sqs.delete-batch.partial-failure', 'An invalid receipt fails alone in a batch', async () => {
  const queue = await createQueue('delete-batch');
  await send(queue, 'x');
  const { ReceiptHandle } = await only(receive(queue, 1));
  const { Successful = [], Failed = [] } = await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: queue.QueueUrl,
      Entries: [
        { Id: 'good', ReceiptHandle },
        { Id: 'bad', ReceiptHandle: 'not-a-receipt' },
      ],
    }),
  );
  expect(Successful.map(({ Id }) => Id)).toEqual(['good']);
  expect(Failed).toMatchObject([{ Id: 'bad', SenderFault: true, Code: 'ReceiptHandleIsInvalid' }]);
});

contract(
  'sqs.redrive',
  'A message that is received too often is moved, with its id, body and counts',
  async () => {
    const dead = await createQueue('dead');
    const queue = await createQueue('redrive', {
      VisibilityTimeout: '0',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
    const { MessageId } = await send(queue, 'poison');
    const first = await only(receive(queue, 1));
    const second = await only(receive(queue, 1));
    expect(second.Attributes?.ApproximateReceiveCount).toBe('2');
    // The third receive moves it.
    expect(await receiveNow(queue)).toEqual([]);
    const moved = await only(receive(dead, 1));
    expect(moved).toMatchObject({ MessageId, Body: 'poison' });
    expect(moved.Attributes).toMatchObject({
      ApproximateReceiveCount: '3',
      SentTimestamp: first.Attributes?.SentTimestamp,
      DeadLetterQueueSourceArn: queue.arn,
    });
  },
);
