import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { MAX_MESSAGE_BYTES } from 'switchboard-local/emulator/sqs/sqs-message.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CONNECTIONS, type SdkClients, sdkClients } from '../sdk-clients.ts';

describe.each(CONNECTIONS)('SQS messages $way', ({ connect }) => {
  let emulator: Emulator;
  let clients: SdkClients;
  let QueueUrl: string;

  beforeEach(async () => {
    emulator = new Emulator();
    clients = sdkClients(await connect(emulator));
    const created = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    QueueUrl = created.QueueUrl!;
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  async function receive(input: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
    const { Messages } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, ...input }));
    return Messages ?? [];
  }

  test('A message is received as it was sent, with its system attributes', async () => {
    const sent = await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'Grüße 🌍\t"quoted"',
        MessageAttributes: {
          timestamp: { DataType: 'Number', StringValue: '1493147359900' },
        },
      }),
    );
    // A published vector of SQS's checksum for exactly this attribute.
    expect(sent.MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');

    const [message] = await receive({ MessageSystemAttributeNames: ['All'], MessageAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'Grüße 🌍\t"quoted"',
      MD5OfBody: sent.MD5OfMessageBody,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      MessageAttributes: { timestamp: { DataType: 'Number', StringValue: '1493147359900' } },
      Attributes: { ApproximateReceiveCount: '1', SenderId: expect.any(String) },
    });
    const { SentTimestamp, ApproximateFirstReceiveTimestamp } = message!.Attributes!;
    expect(Number(ApproximateFirstReceiveTimestamp)).toBeGreaterThanOrEqual(Number(SentTimestamp));
    expect(Math.abs(Date.now() - Number(SentTimestamp))).toBeLessThan(60_000);
  });

  test('Only the requested attributes are returned, and binary ones are unchanged', async () => {
    const bytes = Uint8Array.from([0, 255, 254, 1]);
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'x',
        MessageAttributes: {
          'trace.id': { DataType: 'Binary', BinaryValue: bytes },
          other: { DataType: 'String', StringValue: 'no' },
        },
      }),
    );
    const [message] = await receive({
      MessageAttributeNames: ['trace.*'],
      MessageSystemAttributeNames: ['SentTimestamp'],
    });
    expect(Object.keys(message!.MessageAttributes!)).toEqual(['trace.id']);
    expect(message!.MessageAttributes!['trace.id']!.BinaryValue).toEqual(bytes);
    expect(Object.keys(message!.Attributes!)).toEqual(['SentTimestamp']);
  });

  test('A batch reports each entry separately', async () => {
    const { Successful, Failed } = await clients.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'one' },
          { Id: 'noncharacter', MessageBody: 'bad \uFFFE' },
          { Id: 'null', MessageBody: 'bad \u0000' },
          {
            Id: 'attribute',
            MessageBody: 'bad',
            MessageAttributes: { a: { DataType: 'Number', StringValue: 'x' } },
          },
          { Id: 'alsogood', MessageBody: 'two', DelaySeconds: 900 },
        ],
      }),
    );
    expect(Successful?.map(({ Id }) => Id)).toEqual(['good', 'alsogood']);
    expect(Failed).toEqual([
      { Id: 'noncharacter', SenderFault: true, Code: 'InvalidMessageContents', Message: expect.any(String) },
      { Id: 'null', SenderFault: true, Code: 'InvalidMessageContents', Message: expect.any(String) },
      { Id: 'attribute', SenderFault: true, Code: 'InvalidParameterValue', Message: expect.any(String) },
    ]);
    expect(emulator.sqs.queue('events').counts()).toEqual({ visible: 1, delayed: 1, inFlight: 0 });
  });

  test.each([
    ['EmptyBatchRequest', []],
    [
      'TooManyEntriesInBatchRequest',
      Array.from({ length: 11 }, (_, i) => ({ Id: `e${i}`, MessageBody: 'x' })),
    ],
    ['BatchEntryIdsNotDistinct', [1, 2].map(() => ({ Id: 'same', MessageBody: 'x' }))],
    ['InvalidBatchEntryId', [{ Id: 'not allowed', MessageBody: 'x' }]],
    ['InvalidBatchEntryId', [{ Id: 'a'.repeat(81), MessageBody: 'x' }]],
    [
      'BatchRequestTooLong',
      [1, 2].map((n) => ({ Id: `e${n}`, MessageBody: 'x'.repeat(MAX_MESSAGE_BYTES / 2 + 1) })),
    ],
  ])('An invalid batch is refused as a whole with %s', async (name, Entries) => {
    await expect(clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({
      name,
    });
    expect(emulator.sqs.queue('events').counts().visible).toBe(0);
  });

  test('A message of 1 MiB is accepted and one byte more is refused, attributes included', async () => {
    const send = (size: number, attributes = {}) =>
      clients.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(size), MessageAttributes: attributes }),
      );
    await send(MAX_MESSAGE_BYTES);
    await expect(send(MAX_MESSAGE_BYTES + 1)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    const attribute = { a: { DataType: 'String', StringValue: 'b' } };
    await send(MAX_MESSAGE_BYTES - 8, attribute);
    await expect(send(MAX_MESSAGE_BYTES - 7, attribute)).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('Errors have the names, classes and statuses of the SDK', async () => {
    const { sqs } = clients;
    const missing = QueueUrl.replace('events', 'nowhere');
    await expect(
      sqs.send(new SendMessageCommand({ QueueUrl: missing, MessageBody: 'x' })),
    ).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
    });
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '' }))).rejects.toMatchObject({
      name: 'MissingParameter',
    });
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '\uD800' }))).rejects.toMatchObject(
      {
        name: 'InvalidMessageContents',
      },
    );
    await expect(
      sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'bogus' })),
    ).rejects.toMatchObject({
      name: 'ReceiptHandleIsInvalid',
    });
    await expect(
      sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 21 })),
    ).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('A received message is in flight until it is deleted', async () => {
    const queue = emulator.sqs.queue('events');
    queue.send({ body: 'x' });
    const [message] = await receive();
    expect(await receive()).toEqual([]);
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 1 });
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '1',
      QueueArn: 'arn:aws:sqs:us-east-1:000000000000:events',
    });
    const ReceiptHandle = message!.ReceiptHandle!;
    await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('A visibility timeout of 0 redelivers the message, and its older handle then deletes nothing', async () => {
    const queue = emulator.sqs.queue('events');
    queue.send({ body: 'x' });
    const [first] = await receive();
    const change = { QueueUrl, ReceiptHandle: first!.ReceiptHandle!, VisibilityTimeout: 0 };
    await clients.sqs.send(new ChangeMessageVisibilityCommand(change));
    const [second] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second).toMatchObject({
      MessageId: first!.MessageId,
      Attributes: { ApproximateReceiveCount: '2' },
    });
    await expect(clients.sqs.send(new ChangeMessageVisibilityCommand(change))).rejects.toMatchObject({
      name: 'MessageNotInflight',
    });
    const deleteBatch = (message: Message | undefined) =>
      clients.sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: [
            { Id: 'a', ReceiptHandle: message!.ReceiptHandle },
            { Id: 'b', ReceiptHandle: 'bogus' },
          ],
        }),
      );
    const outcome = await deleteBatch(first);
    expect(outcome.Successful).toEqual([{ Id: 'a' }]);
    expect(outcome.Failed).toMatchObject([{ Id: 'b', SenderFault: true, Code: 'ReceiptHandleIsInvalid' }]);
    expect(queue.counts().inFlight).toBe(1);
    await deleteBatch(second);
    expect(queue.counts().inFlight).toBe(0);
  });

  test('A long poll ends when a message arrives', async () => {
    const polling = receive({ WaitTimeSeconds: 20, MaxNumberOfMessages: 10 });
    await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'late' }));
    expect((await polling).map(({ Body }) => Body)).toEqual(['late']);
  });

  test('An aborted long poll takes no message', async () => {
    const abort = new AbortController();
    const polling = clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: abort.signal,
    });
    const queue = emulator.sqs.queue('events');
    await vi.waitFor(() => expect(queue.waitingReceives).toBe(1), { timeout: 60_000 });
    abort.abort();
    await expect(polling).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitFor(() => expect(queue.waitingReceives).toBe(0), { timeout: 60_000 });
    queue.send({ body: 'x' });
    expect(await receive()).toHaveLength(1);
  });
});
