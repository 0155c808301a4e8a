import { type BatchResultErrorEntry, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { sqs } from './contract-clients.ts';
import { createQueue, deleteQueues, md5, type Queue, receive } from './contract-queues.ts';

const MIB = 1_048_576;

let queue: Queue;
beforeAll(async () => {
  queue = await createQueue('send');
});
afterAll(deleteQueues);

const send = (body: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: queue.QueueUrl, MessageBody: body }));
const sendBatch = (entries: [id: string, body: string][], QueueUrl = queue.QueueUrl) =>
  sqs.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: entries.map(([Id, MessageBody]) => ({ Id, MessageBody })),
    }),
  );
const numbered = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, index) => [`id-${index}`, `body-${index}`]);

contract(
  'sqs.batch.ten',
  'A batch of ten is sent completely, and each entry has its id, message id and MD5',
  async () => {
    const own = await createQueue('ten');
    const { Successful = [], Failed } = await sendBatch(numbered(10), own.QueueUrl);
    expect(Failed ?? []).toEqual([]);
    expect(Successful.map(({ Id, MD5OfMessageBody }) => [Id, MD5OfMessageBody])).toEqual(
      numbered(10).map(([id, body]) => [id, md5(body)]),
    );
    const messages = await receive(own, 10);
    expect(messages.map(({ MessageId }) => MessageId).sort()).toEqual(
      Successful.map(({ MessageId }) => MessageId).sort(),
    );
  },
);

contract('sqs.batch.eleven', 'A batch of eleven is refused', async () => {
  await expect(sendBatch(numbered(11))).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
});

contract('sqs.batch.empty', 'An empty batch is refused', async () => {
  await expect(sendBatch([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' });
});

contract('sqs.batch.same-id', 'Two entries with the same id are refused', async () => {
  const entries: [string, string][] = [
    ['a', '1'],
    ['a', '2'],
  ];
  await expect(sendBatch(entries)).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
});

contract('sqs.batch.long-id', 'An id above 80 characters is refused, one of 80 is accepted', async () => {
  await expect(sendBatch([['x'.repeat(81), '1']])).rejects.toMatchObject({ name: 'InvalidBatchEntryId' });
  await expect(sendBatch([['x'.repeat(80), '1']])).resolves.toMatchObject({ Successful: [{}] });
});

contract('sqs.batch.partial-failure', 'An entry with an illegal character fails alone', async () => {
  const { Successful = [], Failed = [] } = await sendBatch([
    ['good', 'fine'],
    ['bad', 'a\u0001b'],
  ]);
  expect(Successful.map(({ Id }) => Id)).toEqual(['good']);
  const failure: BatchResultErrorEntry = { Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' };
  expect(Failed).toMatchObject([failure]);
});

contract('sqs.size.one-mib', 'A message of 1 MiB is accepted and received completely', async () => {
  const own = await createQueue('large');
  const body = 'é'.repeat(MIB / 2);
  await sqs.send(new SendMessageCommand({ QueueUrl: own.QueueUrl, MessageBody: body }));
  const [message] = await receive(own, 1);
  expect(message?.Body === body).toBe(true);
});

contract('sqs.size.above', 'A message above 1 MiB is refused', async () => {
  await expect(send('x'.repeat(MIB + 1))).rejects.toMatchObject({ $fault: 'client' });
});

contract('sqs.size.batch', 'A batch above 1 MiB in total is refused', async () => {
  const half = 'x'.repeat(MIB / 2);
  await expect(
    sendBatch([
      ['a', half],
      ['b', `${half}x`],
    ]),
  ).rejects.toMatchObject({ name: 'BatchRequestTooLong' });
});

contract('sqs.md5', 'MD5s match the body and the attributes, which the SDK checks', async () => {
  const own = await createQueue('md5');
  const body = 'ünïcode \u{1F600} "quoted" <xml>\n';
  const attributes = {
    topic: { DataType: 'String', StringValue: 'v2.users.ü' },
    count: { DataType: 'Number', StringValue: '7' },
    raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1, 255]) },
  };
  const sent = await sqs.send(
    new SendMessageCommand({ QueueUrl: own.QueueUrl, MessageBody: body, MessageAttributes: attributes }),
  );
  const [message] = await receive(own, 1);
  expect(message?.Body).toBe(body);
  expect(sent.MD5OfMessageBody).toBe(md5(body));
  expect(message?.MD5OfBody).toBe(md5(body));
  expect(sent.MD5OfMessageAttributes).toMatch(/^[0-9a-f]{32}$/);
  expect(message?.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
  expect(message?.MessageAttributes).toMatchObject(attributes);
});

contract('sqs.illegal-character', 'A character that XML does not allow is refused', async () => {
  await expect(send('a\u0000b')).rejects.toMatchObject({ name: 'InvalidMessageContents' });
  await expect(send('a\uFFFEb')).rejects.toMatchObject({ name: 'InvalidMessageContents' });
});

contract('sqs.no-queue', 'A queue that does not exist has its own error', async () => {
  const QueueUrl = `${queue.QueueUrl}-absent`;
  const command = new SendMessageCommand({ QueueUrl, MessageBody: 'x' });
  await expect(sqs.send(command)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
});
