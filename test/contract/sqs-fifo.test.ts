import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { afterAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { sqs } from './contract-clients.ts';
import { createQueue, deleteQueues, type Queue, receive, receiveNow } from './contract-queues.ts';

afterAll(deleteQueues);

const FIFO = { FifoQueue: 'true' };

/** Sends a message whose body is also its deduplication id. */
const send = (
  { QueueUrl }: Queue,
  MessageGroupId: string,
  MessageBody: string,
  input: Partial<SendMessageCommandInput> = {},
) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody,
      MessageGroupId,
      MessageDeduplicationId: MessageBody,
      ...input,
    }),
  );
const setVisibility = ({ QueueUrl }: Queue, { ReceiptHandle }: Message, VisibilityTimeout: number) =>
  sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
const remove = ({ QueueUrl }: Queue, { ReceiptHandle }: Message) =>
  sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
const bodiesOf = (messages: Message[]) => messages.map(({ Body }) => Body);

contract('sqs.fifo.attributes', 'A message has its group, deduplication id and sequence number', async () => {
  const queue = await createQueue('fifo-attributes', FIFO);
  const { MessageId, SequenceNumber } = await send(queue, 'a', '1');
  expect(SequenceNumber).toMatch(/^\d+$/);
  expect(await receive(queue, 1)).toMatchObject([
    { MessageId, Attributes: { MessageGroupId: 'a', MessageDeduplicationId: '1', SequenceNumber } },
  ]);
});

contract('sqs.fifo.batch', 'A batch of a group is received in its order', async () => {
  const queue = await createQueue('fifo-batch', FIFO);
  const ids = Array.from({ length: 10 }, (_, index) => String(index));
  const { Successful = [] } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queue.QueueUrl,
      Entries: ids.map((Id) => ({
        Id,
        MessageBody: Id,
        MessageGroupId: 'a',
        MessageDeduplicationId: Id,
      })),
    }),
  );
  expect(Successful.map(({ Id }) => Id)).toEqual(ids);
  const numbers = Successful.map(({ SequenceNumber = '' }) => BigInt(SequenceNumber));
  expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(bodiesOf(await receive(queue, 10))).toEqual(ids);
});

contract(
  'sqs.fifo.blocked',
  'A group is blocked while one of its messages is in flight, others are not',
  async () => {
    const queue = await createQueue('fifo-blocked', FIFO);
    for (const body of ['a1', 'a2']) await send(queue, 'a', body);
    const [first = {}] = await receive(queue, 1);
    expect(first.Body).toBe('a1');
    expect(await receiveNow(queue)).toEqual([]);
    await send(queue, 'b', 'b1');
    expect(bodiesOf(await receive(queue, 1))).toEqual(['b1']);
    await remove(queue, first);
    expect(bodiesOf(await receive(queue, 1))).toEqual(['a2']);
  },
);

contract(
  'sqs.fifo.returned',
  'A message that is returned is received again before the later ones',
  async () => {
    const queue = await createQueue('fifo-returned', FIFO);
    for (const body of ['a1', 'a2', 'a3']) await send(queue, 'a', body);
    const [first = {}, second = {}] = await receive(queue, 2);
    await setVisibility(queue, second, 0);
    expect(await receiveNow(queue)).toEqual([]);
    await setVisibility(queue, first, 0);
    expect(bodiesOf(await receive(queue, 3))).toEqual(['a1', 'a2', 'a3']);
  },
);

contract(
  'sqs.fifo.deduplication',
  'The same deduplication id is accepted but not delivered again',
  async () => {
    const queue = await createQueue('fifo-deduplication', FIFO);
    const first = await send(queue, 'a', '1');
    await remove(queue, (await receive(queue, 1))[0] ?? {});
    const second = await send(queue, 'a', 'another body', { MessageDeduplicationId: '1' });
    expect(second.MessageId).toBe(first.MessageId);
    expect(await receiveNow(queue)).toEqual([]);
  },
);

contract(
  'sqs.fifo.content-based',
  'With content-based deduplication, the same body is one message',
  async () => {
    const queue = await createQueue('fifo-content', { ...FIFO, ContentBasedDeduplication: 'true' });
    for (const MessageBody of ['1', '1', '2'])
      await sqs.send(new SendMessageCommand({ QueueUrl: queue.QueueUrl, MessageBody, MessageGroupId: 'a' }));
    expect(bodiesOf(await receive(queue, 2))).toEqual(['1', '2']);
    expect(await receiveNow(queue)).toEqual([]);
  },
);

contract('sqs.fifo.no-group', 'A message without a group is refused', async () => {
  const queue = await createQueue('fifo-no-group', FIFO);
  const { QueueUrl } = queue;
  const command = new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageDeduplicationId: '1' });
  await expect(sqs.send(command)).rejects.toMatchObject({ name: 'MissingParameter' });
});

contract('sqs.fifo.no-deduplication-id', 'A message without a deduplication id is refused', async () => {
  const queue = await createQueue('fifo-no-id', FIFO);
  const refused = send(queue, 'a', 'x', { MessageDeduplicationId: undefined });
  await expect(refused).rejects.toMatchObject({ name: 'InvalidParameterValue' });
});

contract('sqs.fifo.characters', 'Ids have up to 128 letters, digits and punctuation characters', async () => {
  const queue = await createQueue('fifo-characters', FIFO);
  const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
  const id = punctuation + 'x'.repeat(128 - punctuation.length);
  await send(queue, id, 'x', { MessageDeduplicationId: id });
  for (const wrong of [`${id}x`, 'a b', 'ü'])
    await expect(send(queue, wrong, 'y')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
});

contract('sqs.fifo.delay', 'A delay of one message is refused', async () => {
  const queue = await createQueue('fifo-delay', FIFO);
  await expect(send(queue, 'a', 'x', { DelaySeconds: 1 })).rejects.toMatchObject({
    name: 'InvalidParameterValue',
  });
});

contract(
  'sqs.fifo.redrive',
  'After its last receive, a message is a dead letter, and its group continues',
  async () => {
    const dead = await createQueue('fifo-dead', FIFO);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
    const queue = await createQueue('fifo-source', { ...FIFO, RedrivePolicy });
    for (const body of ['a1', 'a2']) await send(queue, 'a', body);
    const [first = {}] = await receive(queue, 1);
    await setVisibility(queue, first, 0);
    expect(bodiesOf(await receive(queue, 1))).toEqual(['a2']);
    expect(await receive(dead, 1)).toMatchObject([
      {
        MessageId: first.MessageId,
        Body: 'a1',
        Attributes: { MessageGroupId: 'a', MessageDeduplicationId: first.MessageId },
      },
    ]);
  },
);

contract('sqs.fifo.dead-letter-type', 'A standard queue cannot be the dead-letter queue', async () => {
  const dead = await createQueue('standard-dead');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  await expect(createQueue('fifo-wrong', { ...FIFO, RedrivePolicy })).rejects.toMatchObject({
    $fault: 'client',
  });
});

contract('sqs.fifo.name', 'A name with .fifo is refused for a standard queue', async () => {
  await expect(createQueue('standard', {}, '.fifo')).rejects.toMatchObject({ $fault: 'client' });
});

contract('sqs.fair', 'A standard queue accepts a group and delivers it', async () => {
  const queue = await createQueue('fair');
  await sqs.send(
    new SendMessageCommand({ QueueUrl: queue.QueueUrl, MessageBody: 'x', MessageGroupId: 'tenant' }),
  );
  expect(await receive(queue, 1)).toMatchObject([{ Attributes: { MessageGroupId: 'tenant' } }]);
});
