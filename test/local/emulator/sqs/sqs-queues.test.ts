import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONNECTIONS, type Connection, type SdkClients, sdkClients } from '../sdk-clients.ts';

describe.each(CONNECTIONS)('SQS queues $way', ({ connect }) => {
  let emulator: Emulator;
  let connection: Connection;
  let clients: SdkClients;

  beforeEach(async () => {
    emulator = new Emulator({ accountId: '123456789012' });
    connection = await connect(emulator);
    clients = sdkClients(connection);
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  test('A queue URL has the host that the client used, the account and the name', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const origin = 'endpoint' in connection ? connection.endpoint : 'https://sqs.us-east-1.amazonaws.com';
    expect(QueueUrl).toBe(`${origin}/123456789012/events`);
    const found = await clients.sqs.send(new GetQueueUrlCommand({ QueueName: 'events' }));
    expect(found.QueueUrl).toBe(QueueUrl);
    const listed = await clients.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'ev' }));
    expect(listed.QueueUrls).toEqual([QueueUrl]);
    await clients.sqs.send(new DeleteQueueCommand({ QueueUrl }));
    await expect(clients.sqs.send(new GetQueueUrlCommand({ QueueName: 'events' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  test('The queues that have a dead-letter queue are listed with their URLs', async () => {
    const { QueueUrl: deadLetterUrl } = await clients.sqs.send(
      new CreateQueueCommand({ QueueName: 'dead-letter' }),
    );
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:123456789012:dead-letter',
      maxReceiveCount: 5,
    });
    const { QueueUrl } = await clients.sqs.send(
      new CreateQueueCommand({ QueueName: 'events', Attributes: { RedrivePolicy } }),
    );
    const sourcesOf = async (url: string | undefined) =>
      (await clients.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url }))).queueUrls;
    expect(await sourcesOf(deadLetterUrl)).toEqual([QueueUrl]);
    expect(await sourcesOf(QueueUrl)).toEqual([]);
  });

  test('Creating a queue twice returns the same queue, unless the attributes differ', async () => {
    const create = (VisibilityTimeout: string) =>
      clients.sqs.send(new CreateQueueCommand({ QueueName: 'events', Attributes: { VisibilityTimeout } }));
    const first = await create('60');
    expect((await create('60')).QueueUrl).toBe(first.QueueUrl);
    await expect(create('61')).rejects.toMatchObject({ name: 'QueueNameExists' });
  });

  test('Queue attributes have defaults, can be set, and are checked', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const attributes = async (...names: ('All' | 'VisibilityTimeout' | 'DelaySeconds')[]) =>
      (await clients.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }))).Attributes;
    const set = (Attributes: Record<string, string>) =>
      clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    expect(await attributes('All')).toMatchObject({
      VisibilityTimeout: '30',
      MessageRetentionPeriod: '345600',
      MaximumMessageSize: '1048576',
      ReceiveMessageWaitTimeSeconds: '0',
      QueueArn: 'arn:aws:sqs:us-east-1:123456789012:events',
    });
    await set({ VisibilityTimeout: '180', DelaySeconds: '5' });
    expect(await attributes('VisibilityTimeout', 'DelaySeconds')).toEqual({
      VisibilityTimeout: '180',
      DelaySeconds: '5',
    });
    emulator.sqs.queue('events').send({ body: 'x' });
    expect(emulator.sqs.queue('events').counts().delayed).toBe(1);

    await expect(set({ VisibilityTimeout: '43201' })).rejects.toMatchObject({
      name: 'InvalidAttributeValue',
    });
    await expect(set({ Colour: 'blue' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(set({ FifoQueue: 'true' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: 'arn:aws:sqs:x:y:none', maxReceiveCount: 5 });
    await expect(set({ RedrivePolicy })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  test('PurgeQueue deletes every message, regardless of its state', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const queue = emulator.sqs.queue('events');
    for (const delayMs of [0, 0, 1_000]) queue.send({ body: 'x' }, delayMs);
    queue.take(1);
    await clients.sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
    expect(queue.take(10)).toEqual([]);
  });
});
