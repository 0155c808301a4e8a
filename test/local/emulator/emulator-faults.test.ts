import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  CreateTableCommand,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateEventBusCommand, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type AwsFaultKind, type Fault, FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SdkClients, sdkClients } from './sdk-clients.ts';

const STALL_MS = 5;

describe('faults of single calls', () => {
  let faults: FaultInjector;
  let seen: Fault[];
  let emulator: Emulator;
  let clients: SdkClients;
  let queue: Queue;
  let QueueUrl: string;

  beforeEach(() => {
    seen = [];
    faults = new FaultInjector({ seed: 1, stallMs: STALL_MS, onFault: (fault) => seen.push(fault) });
    emulator = new Emulator({ faults });
    clients = sdkClients({ requestHandler: emulator.requestHandler() });
    queue = emulator.sqs.createQueue('events');
    QueueUrl = emulator.sqs.queueUrl('events');
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  const send = () => clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'event-1' }));

  test.each<[AwsFaultKind, object, number]>([
    ['timeout_before_commit', { name: 'TimeoutError' }, 0],
    ['timeout_after_commit', { name: 'TimeoutError' }, 1],
    ['throttle', { name: 'RequestThrottled', $metadata: { httpStatusCode: 403 } }, 0],
    ['server_error', { name: 'InternalError', $fault: 'server', $metadata: { httpStatusCode: 500 } }, 0],
  ])('The fault %s has its effect on a call, and the next call succeeds', async (kind, error, stored) => {
    faults.next(kind, 'AmazonSQS.SendMessage');
    await expect(send()).rejects.toMatchObject(error);
    expect(queue.counts().visible).toBe(stored);
    expect(seen).toMatchObject([
      { kind, target: 'AmazonSQS.SendMessage', body: expect.stringContaining('event-1') },
    ]);
    expect(faults.counts[kind]).toBe(1);
    await send();
    expect(queue.counts().visible).toBe(stored + 1);
  });

  test.each<AwsFaultKind>(['timeout_before_commit', 'timeout_after_commit', 'throttle', 'server_error'])(
    'The SDK repeats a request after the fault %s',
    async (kind) => {
      const patient = sdkClients({ requestHandler: emulator.requestHandler() }, 2);
      faults.next(kind, 'AmazonSQS.SendMessage');
      const { MessageId } = await patient.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'event-1' }),
      );
      expect(queue.peek().map(({ messageId }) => messageId)).toContain(MessageId);
      expect(queue.peek()).toHaveLength(kind === 'timeout_after_commit' ? 2 : 1);
      patient.destroy();
    },
  );

  test('A partial failure of SendMessageBatch does not store the entries that it reports as failed', async () => {
    faults.next('partial_failure', 'AmazonSQS.SendMessageBatch');
    const Entries = Array.from({ length: 10 }, (_, index) => ({
      Id: `e${index}`,
      MessageBody: `body ${index}`,
    }));
    const { Successful, Failed } = await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(Failed!.length).toBeGreaterThan(0);
    expect(Failed!.every(({ SenderFault }) => SenderFault === false)).toBe(true);
    expect([...Successful!, ...Failed!].map(({ Id }) => Id).sort()).toEqual(
      Entries.map(({ Id }) => Id).sort(),
    );
    const stored = queue.peek().map(({ body }) => body.replace('body ', 'e'));
    expect(stored).toEqual(Successful!.map(({ Id }) => Id));
  });

  test('A partial failure of a batch of one stores nothing', async () => {
    faults.next('partial_failure', 'AmazonSQS.SendMessageBatch');
    const Entries = [{ Id: 'only', MessageBody: 'x' }];
    const outcome = await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(outcome.Successful ?? []).toEqual([]);
    expect(outcome.Failed).toMatchObject([{ Id: 'only', SenderFault: false }]);
    expect(queue.peek()).toEqual([]);
  });

  test('A partial failure of PutEvents keeps the order of the entries in the response', async () => {
    await clients.eventbridge.send(new CreateEventBusCommand({ Name: 'bus' }));
    const Entries = Array.from({ length: 10 }, (_, index) => ({
      EventBusName: 'bus',
      Source: 'genesys.cloud',
      DetailType: 'x',
      Detail: JSON.stringify({ index }),
    }));
    faults.next('partial_failure', 'AWSEvents.PutEvents');
    const answer = await clients.eventbridge.send(new PutEventsCommand({ Entries }));
    expect(answer.Entries).toHaveLength(10);
    const failed = answer.Entries!.filter(({ ErrorCode }) => ErrorCode !== undefined);
    expect(answer.FailedEntryCount).toBe(failed.length);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(10);
    expect(
      answer.Entries!.every(
        ({ EventId, ErrorCode }) => (EventId === undefined) !== (ErrorCode === undefined),
      ),
    ).toBe(true);
    faults.next('throttle', 'AWSEvents.PutEvents');
    await expect(clients.eventbridge.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
      name: 'ThrottlingException',
    });
  });

  describe('DynamoDB', () => {
    const ids = Array.from({ length: 25 }, (_, index) => `event#${index}`);

    beforeEach(async () => {
      await clients.dynamodb.send(
        new CreateTableCommand({
          TableName: 'state',
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        }),
      );
    });

    const insertAll = () =>
      clients.dynamodb.send(
        new BatchExecuteStatementCommand({
          Statements: ids.map((id) => ({
            Statement: `INSERT INTO "state" VALUE {'pk': ?}`,
            Parameters: [{ S: id }],
          })),
        }),
      );
    const exists = async (id: string) => {
      const Key = { pk: { S: id } };
      const { Item } = await clients.dynamodb.send(
        new GetItemCommand({ TableName: 'state', Key, ConsistentRead: true }),
      );
      return Item !== undefined;
    };

    test('A partial failure of BatchExecuteStatement does not execute the failed statements', async () => {
      faults.next('partial_failure', 'DynamoDB_20120810.BatchExecuteStatement');
      const { Responses } = await insertAll();
      expect(Responses).toHaveLength(25);
      const failed = Responses!.map((response) => response.Error?.Code === 'ThrottlingError');
      expect(failed).toContain(true);
      expect(failed).toContain(false);
      expect(await Promise.all(ids.map(exists))).toEqual(failed.map((one) => !one));
    });

    test('A whole batch can be throttled, or its answer lost after it took effect', async () => {
      faults.next('throttle', 'DynamoDB_20120810.BatchExecuteStatement');
      await expect(insertAll()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
      expect(await exists('event#0')).toBe(false);
      faults.next('timeout_after_commit', 'DynamoDB_20120810.BatchExecuteStatement');
      await expect(insertAll()).rejects.toMatchObject({ name: 'TimeoutError' });
      expect(await exists('event#0')).toBe(true);
    });

    test('A partial failure of BatchGetItem leaves keys unprocessed, which a second call reads', async () => {
      for (const id of ['a', 'b', 'c'])
        await clients.dynamodb.send(new PutItemCommand({ TableName: 'state', Item: { pk: { S: id } } }));
      faults.next('partial_failure', 'DynamoDB_20120810.BatchGetItem');
      const RequestItems = {
        state: { Keys: ['a', 'b', 'c'].map((id) => ({ pk: { S: id } })), ConsistentRead: true },
      };
      const first = await clients.dynamodb.send(new BatchGetItemCommand({ RequestItems }));
      expect(first.UnprocessedKeys).toMatchObject({ state: { ConsistentRead: true } });
      const rest = await clients.dynamodb.send(
        new BatchGetItemCommand({ RequestItems: first.UnprocessedKeys }),
      );
      const read = [...first.Responses!.state!, ...rest.Responses!.state!].map((item) => item.pk!.S);
      expect(read.sort()).toEqual(['a', 'b', 'c']);
      expect(rest.UnprocessedKeys ?? {}).toEqual({});
    });
  });

  test('Invalid faults and rates are refused', () => {
    expect(() => faults.next('throttle', 'AmazonSQS.CreateQueue')).toThrow('does not apply');
    expect(() => faults.next('partial_failure', 'AmazonSQS.SendMessage')).toThrow('does not apply');
    expect(() => new FaultInjector({ seed: 1, rates: { throttle: 1.5 } })).toThrow('throttle');
    expect(() => new FaultInjector({ seed: 1, rates: { throttle: 0.6, server_error: 0.6 } })).toThrow(
      'above 1',
    );
  });
});

describe('random faults', () => {
  const rates = { timeout_after_commit: 0.1, throttle: 0.2, server_error: 0.1, partial_failure: 0.2 };

  async function run(
    seed: number,
    calls: number,
    enabled = true,
  ): Promise<{ kinds: string[]; faults: FaultInjector }> {
    const kinds: string[] = [];
    const faults = new FaultInjector({ seed, rates, stallMs: 0, onFault: ({ kind }) => kinds.push(kind) });
    faults.enabled = enabled;
    const emulator = new Emulator({ faults });
    const clients = sdkClients({ requestHandler: emulator.requestHandler() });
    // Control-plane calls are never hit, whatever the rates.
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const Entries = [1, 2].map((n) => ({ Id: `e${n}`, MessageBody: 'x' }));
    let failed = 0;
    for (let call = 0; call < calls; call += 1) {
      await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })).catch(() => {
        failed += 1;
      });
    }
    expect(failed).toBe(kinds.filter((kind) => kind !== 'partial_failure').length);
    clients.destroy();
    await emulator.close();
    return { kinds, faults };
  }

  test('Random faults occur at their rates, and are the same for the same seed', async () => {
    const first = await run(42, 500);
    const second = await run(42, 500);
    expect(second.kinds).toEqual(first.kinds);
    for (const [kind, rate] of Object.entries(rates)) {
      // Five standard deviations at most.
      const deviation = Math.sqrt(500 * rate * (1 - rate));
      expect(Math.abs(first.faults.counts[kind as AwsFaultKind] - 500 * rate)).toBeLessThan(5 * deviation);
    }
    expect((await run(43, 100)).kinds).not.toEqual(first.kinds.slice(0, 100));
  });

  test('A paused injector injects no faults', async () => {
    expect((await run(42, 50, false)).kinds).toEqual([]);
  });
});

describe('faults of receives', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function queueWith(faults: FaultInjector): Queue {
    return new Emulator({ faults }).sqs.createQueue('events', { VisibilityTimeout: '30' });
  }

  test('A duplicate is delivered by another receive with the same id and count, even after the deletion', () => {
    const faults = new FaultInjector({ seed: 1, rates: { duplicate_delivery: 1 } });
    const queue = queueWith(faults);
    queue.send({ body: 'event-1' });
    const first = queue.take(10);
    expect(first).toHaveLength(1);
    queue.delete(first[0]!.receiptHandle);
    vi.advanceTimersByTime(2_000);
    const second = queue.take(10);
    expect(second).toMatchObject([{ messageId: first[0]!.messageId, body: 'event-1', receiveCount: 1 }]);
    expect(second[0]!.receiptHandle).not.toBe(first[0]!.receiptHandle);
    queue.delete(second[0]!.receiptHandle);
    vi.advanceTimersByTime(60_000);
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
    expect(faults.counts.duplicate_delivery).toBe(1);
  });

  test('A duplicate is delivered while the first delivery is in flight, and each needs its own deletion', () => {
    const faults = new FaultInjector({ seed: 1 });
    const queue = queueWith(faults);
    queue.send({ body: 'event-1' });
    faults.next('duplicate_delivery', 'AmazonSQS.ReceiveMessage');
    const [first] = queue.take(10);
    vi.advanceTimersByTime(2_000);
    const [second] = queue.take(10);
    expect(second!.messageId).toBe(first!.messageId);
    queue.delete(second!.receiptHandle);
    expect(queue.counts().inFlight).toBe(1);
    queue.delete(first!.receiptHandle);
    expect(queue.counts().inFlight).toBe(0);
  });

  test('Reordering changes the order and loses nothing', () => {
    const sent = Array.from({ length: 50 }, (_, index) => `event-${index}`);
    const receiveAll = (faults: FaultInjector) => {
      const queue = queueWith(faults);
      for (const body of sent) queue.send({ body });
      return queue.take(100).map(({ body }) => body);
    };
    expect(receiveAll(new FaultInjector({ seed: 1 }))).toEqual(sent);
    const mixed = receiveAll(new FaultInjector({ seed: 1, rates: { reorder: 0.5 } }));
    expect(mixed).not.toEqual(sent);
    expect([...mixed].sort()).toEqual([...sent].sort());
  });
});
