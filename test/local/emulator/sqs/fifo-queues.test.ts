import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { Random } from 'switchboard-local/random.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CONNECTIONS, type SdkClients, sdkClients } from '../sdk-clients.ts';

const FIFO = { FifoQueue: 'true' };
const CONTENT_BASED = { ...FIFO, ContentBasedDeduplication: 'true' };
const VISIBILITY_MS = 30_000;

describe('the order of messages', () => {
  let emulator: Emulator;
  let queue: Queue;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_800_000_000_000 });
    emulator = new Emulator();
    queue = emulator.sqs.createQueue('events.fifo', { ...CONTENT_BASED, VisibilityTimeout: '30' });
  });

  afterEach(async () => {
    await emulator.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const send = (groupId: string, ...bodies: string[]) => {
    for (const body of bodies) queue.send({ body, groupId });
  };
  const take = (max = 10) => queue.take(max);
  const bodies = (max = 10) => take(max).map(({ body }) => body);

  test('A receive returns several messages of a group in order, and then the group is blocked', () => {
    send('a', 'a1', 'a2', 'a3');
    expect(bodies(2)).toEqual(['a1', 'a2']);
    expect(bodies()).toEqual([]);
  });

  test('Other groups are not blocked', () => {
    send('a', 'a1', 'a2');
    send('b', 'b1');
    expect(bodies(1)).toEqual(['a1']);
    expect(bodies()).toEqual(['b1']);
  });

  test('A group is blocked until all of its received messages are deleted or visible', () => {
    send('a', 'a1', 'a2', 'a3');
    const [first, second] = take(2);
    queue.delete(first!.receiptHandle);
    expect(bodies()).toEqual([]);
    queue.changeVisibility(second!.receiptHandle, 0);
    expect(bodies()).toEqual(['a2', 'a3']);
  });

  test('A failed message is received before the later ones, even if they were visible first', () => {
    send('a', 'a1', 'a2');
    const [first, second] = take();
    queue.changeVisibility(first!.receiptHandle, VISIBILITY_MS * 2);
    queue.changeVisibility(second!.receiptHandle, 0);
    vi.advanceTimersByTime(VISIBILITY_MS);
    expect(bodies()).toEqual([]);
    vi.advanceTimersByTime(VISIBILITY_MS);
    expect(bodies()).toEqual(['a1', 'a2']);
  });

  test('A long poll of a blocked group ends when its message is deleted', async () => {
    send('a', 'a1', 'a2');
    const [first] = take(1);
    const polled = queue.receive({ waitMs: 20_000 });
    queue.delete(first!.receiptHandle);
    expect((await polled).map(({ body }) => body)).toEqual(['a2']);
  });

  test('A receipt handle expires with the visibility timeout', () => {
    send('a', 'a1');
    const [first] = take();
    vi.advanceTimersByTime(VISIBILITY_MS);
    expect(queue.delete(first!.receiptHandle)).toEqual({ expired: true });
    const [second] = take();
    expect(queue.delete(first!.receiptHandle)).toEqual({ expired: true });
    expect(queue.delete(second!.receiptHandle)).toEqual({ expired: false });
    expect(queue.peek()).toEqual([]);
  });

  test('The delay of the queue applies to a group in order', () => {
    const slow = emulator.sqs.createQueue('slow.fifo', { ...CONTENT_BASED, DelaySeconds: '5' });
    slow.send({ body: 'a1', groupId: 'a' });
    vi.advanceTimersByTime(3_000);
    slow.send({ body: 'a2', groupId: 'a' });
    vi.advanceTimersByTime(2_000);
    expect(slow.take(10).map(({ body }) => body)).toEqual(['a1']);
  });

  test('The same message is accepted once in five minutes, even after its deletion', () => {
    const [first, again] = [
      queue.accept({ body: 'x', groupId: 'a' }),
      queue.accept({ body: 'x', groupId: 'b' }),
    ];
    expect(again).toEqual(first);
    queue.delete(take()[0]!.receiptHandle);
    vi.advanceTimersByTime(299_999);
    expect(queue.accept({ body: 'x', groupId: 'a' })).toEqual(first);
    expect(bodies()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(queue.accept({ body: 'x', groupId: 'a' }).messageId).not.toBe(first.messageId);
    expect(bodies()).toEqual(['x']);
  });

  test('With the scope of a message group, other groups can have the same deduplication id', () => {
    const scoped = emulator.sqs.createQueue('scoped.fifo', {
      ...FIFO,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
    for (const groupId of ['a', 'b', 'a']) scoped.send({ body: groupId, groupId, deduplicationId: '1' });
    expect(scoped.take(10).map(({ body }) => body)).toEqual(['a', 'b']);
  });

  test('Redrive unblocks the group, and the dead letter has its message id as deduplication id', () => {
    const dead = emulator.sqs.createQueue('dead.fifo', FIFO);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
    const source = emulator.sqs.createQueue('source.fifo', {
      ...FIFO,
      RedrivePolicy,
      VisibilityTimeout: '30',
    });
    const { messageId } = source.accept({ body: 'a1', groupId: 'a', deduplicationId: '1' });
    source.send({ body: 'a2', groupId: 'a', deduplicationId: '2' });
    source.take(1);
    vi.advanceTimersByTime(VISIBILITY_MS);
    expect(source.take(10).map(({ body }) => body)).toEqual(['a2']);
    expect(dead.take(10)).toMatchObject([
      { messageId, body: 'a1', groupId: 'a', deduplicationId: messageId, sentAtMs: Date.now() },
    ]);
  });

  test('Each group is processed in order and once, regardless of what is received, deleted and returned', () => {
    const random = new Random(5);
    const sent: Record<string, number> = {};
    const processed: Record<string, number[]> = {};
    for (let step = 0; step < 5_000; step += 1) {
      const groupId = `g${random.int(7)}`;
      sent[groupId] = (sent[groupId] ?? 0) + 1;
      send(groupId, `${groupId} ${sent[groupId]}`);
      // As a function does, a batch does not continue a group after a failure.
      const failed = new Set<string>();
      for (const { receiptHandle, body } of take(1 + random.int(4))) {
        const [group, number] = body.split(' ') as [string, string];
        if (failed.has(group) || random.chance(0.3)) {
          failed.add(group);
          queue.changeVisibility(receiptHandle, random.pick([0, 1_000, 5_000]));
          continue;
        }
        queue.delete(receiptHandle);
        processed[group] = [...(processed[group] ?? []), Number(number)];
      }
      vi.advanceTimersByTime(random.int(1_000));
    }
    expect(Object.keys(processed)).toHaveLength(7);
    for (const numbers of Object.values(processed)) {
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      expect(numbers.length).toBeGreaterThan(10);
    }
  });

  test('Faults of standard queues do not affect FIFO queues', async () => {
    const rates = { duplicate_delivery: 1, reorder: 1, early_visibility: 1 };
    const faulty = new Emulator({ faults: new FaultInjector({ seed: 1, rates }) });
    const own = faulty.sqs.createQueue('events.fifo', CONTENT_BASED);
    for (const body of ['1', '2', '3']) own.send({ body, groupId: 'a' });
    expect(own.take(10).map(({ body }) => body)).toEqual(['1', '2', '3']);
    expect(own.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 3 });
    await faulty.close();
  });
});

describe.each(CONNECTIONS)('FIFO queues $way', ({ connect }) => {
  let emulator: Emulator;
  let clients: SdkClients;
  let QueueUrl: string;

  beforeEach(async () => {
    emulator = new Emulator();
    clients = sdkClients(await connect(emulator));
    QueueUrl = await create('events.fifo', FIFO);
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  async function create(QueueName: string, Attributes: Record<string, string>): Promise<string> {
    const { QueueUrl: url } = await clients.sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    return url!;
  }

  const send = (input: Partial<SendMessageCommandInput>) =>
    clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', ...input }));

  test('A message is received with its group, its deduplication id and its sequence number', async () => {
    const sent = await send({ MessageGroupId: 'a', MessageDeduplicationId: 'first' });
    expect(sent.SequenceNumber).toMatch(/^\d{20}$/);
    const repeated = await send({ MessageGroupId: 'a', MessageDeduplicationId: 'first' });
    expect([repeated.MessageId, repeated.SequenceNumber]).toEqual([sent.MessageId, sent.SequenceNumber]);
    const { Messages } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'] }),
    );
    expect(Messages).toMatchObject([
      {
        MessageId: sent.MessageId,
        Attributes: {
          MessageGroupId: 'a',
          MessageDeduplicationId: 'first',
          SequenceNumber: sent.SequenceNumber,
        },
      },
    ]);
  });

  test('A batch gets increasing sequence numbers, and an entry without a group fails alone', async () => {
    const { Successful = [], Failed = [] } = await clients.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: ['1', '2', '3'].map((Id) => ({
          Id,
          MessageBody: Id,
          MessageDeduplicationId: Id,
          ...(Id === '2' ? {} : { MessageGroupId: 'a' }),
        })),
      }),
    );
    const [first, third] = Successful.map(({ SequenceNumber }) => BigInt(SequenceNumber!));
    expect(third! > first!).toBe(true);
    expect(Failed).toMatchObject([{ Id: '2', Code: 'MissingParameter', SenderFault: true }]);
  });

  test.each([
    ['no group', { MessageDeduplicationId: '1' }, 'MissingParameter', /MessageGroupId/],
    ['no deduplication id', { MessageGroupId: 'a' }, 'InvalidParameterValue', /ContentBasedDeduplication/],
    [
      'a group with a space',
      { MessageGroupId: 'a b', MessageDeduplicationId: '1' },
      'InvalidParameterValue',
      /128/,
    ],
    ['a group of 129 characters', { MessageGroupId: 'x'.repeat(129) }, 'InvalidParameterValue', /128/],
    [
      'a delay',
      { MessageGroupId: 'a', MessageDeduplicationId: '1', DelaySeconds: 1 },
      'InvalidParameterValue',
      /not valid for this queue type/,
    ],
  ])('A message with %s is refused', async (_, input, name, message) => {
    await expect(send(input)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });

  test('A standard queue accepts a group, and refuses a deduplication id', async () => {
    QueueUrl = await create('events', {});
    await send({ MessageGroupId: 'tenant' });
    const { Messages } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['MessageGroupId'] }),
    );
    expect(Messages).toMatchObject([{ Attributes: { MessageGroupId: 'tenant' } }]);
    await expect(send({ MessageDeduplicationId: '1' })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('An expired receipt handle is refused', async () => {
    await send({ MessageGroupId: 'a', MessageDeduplicationId: '1' });
    const { Messages } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }),
    );
    const ReceiptHandle = Messages![0]!.ReceiptHandle;
    await expect(
      clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })),
    ).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      message: expect.stringMatching(/has expired/),
    });
  });

  test.each<[string, string, Record<string, string>, string]>([
    ['a FIFO queue without the suffix', 'other', FIFO, 'InvalidParameterValue'],
    ['a standard queue with the suffix', 'other.fifo', {}, 'InvalidParameterValue'],
    ['FifoQueue false', 'other', { FifoQueue: 'false' }, 'InvalidAttributeName'],
    [
      'ContentBasedDeduplication of a standard queue',
      'other',
      { ContentBasedDeduplication: 'true' },
      'InvalidAttributeName',
    ],
    [
      'a throughput limit per group alone',
      'other.fifo',
      { ...FIFO, FifoThroughputLimit: 'perMessageGroupId' },
      'InvalidAttributeValue',
    ],
    ['a name of 81 characters', `${'x'.repeat(76)}.fifo`, FIFO, 'InvalidParameterValue'],
  ])('%s is refused', async (_, name, attributes, error) => {
    await expect(create(name, attributes)).rejects.toMatchObject({ name: error });
  });

  test('A dead-letter queue must have the type of its source', async () => {
    const { arn } = emulator.sqs.createQueue('dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 3 });
    await expect(create('source.fifo', { ...FIFO, RedrivePolicy })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      message: expect.stringMatching(/same type/),
    });
  });

  test('The type of a queue cannot change, and is in its attributes', async () => {
    const change = { QueueUrl, Attributes: { ContentBasedDeduplication: 'true' } };
    await clients.sqs.send(new SetQueueAttributesCommand(change));
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: [
          'FifoQueue',
          'ContentBasedDeduplication',
          'DeduplicationScope',
          'FifoThroughputLimit',
        ],
      }),
    );
    expect(Attributes).toEqual({
      FifoQueue: 'true',
      ContentBasedDeduplication: 'true',
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
    });
    const standard = await create('standard', {});
    await expect(
      clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: standard, Attributes: FIFO })),
    ).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
  });
});
