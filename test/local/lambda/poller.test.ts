import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSEvent } from 'aws-lambda';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { RequestHandler } from 'switchboard-local/emulator/request-handler.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { type Invocation, SqsPoller, type SqsPollerOptions } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const FUNCTION_TIMEOUT_MS = 5_000;
const VISIBILITY_MS = 30_000;

let emulator: Emulator;
let queue: Queue;
let poller: SqsPoller | undefined;
let invocations: Invocation[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_800_000_000_000 });
  emulator = new Emulator();
  queue = emulator.sqs.createQueue('events', { VisibilityTimeout: String(VISIBILITY_MS / 1_000) });
  invocations = [];
});

afterEach(async () => {
  const stopped = poller?.stop();
  await vi.advanceTimersByTimeAsync(FUNCTION_TIMEOUT_MS);
  await stopped;
  poller = undefined;
  await emulator.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

type Handle = (event: SQSEvent, context: Context) => Promise<unknown>;

function poll(handle: Handle, options: Partial<SqsPollerOptions> = {}): SqsPoller {
  poller = new SqsPoller({
    sqs: emulator.sqs,
    queueName: 'events',
    functionTimeoutMs: FUNCTION_TIMEOUT_MS,
    createHandler: () => handle,
    onInvocation: (invocation) => invocations.push(invocation),
    ...options,
  });
  poller.start();
  return poller;
}

/** Resolves when the queue is empty, and lets time pass until then. */
async function untilIdle(running: SqsPoller): Promise<void> {
  let idle = false;
  const waiting = running.idle().then(() => {
    idle = true;
  });
  while (!idle) await vi.advanceTimersByTimeAsync(500);
  await waiting;
}

const bodiesOf = (event: SQSEvent) => event.Records.map(({ body }) => body);
const fill = (count: number) => {
  for (let index = 0; index < count; index += 1) queue.send({ body: `event-${index}` });
};
const never = () => new Promise<never>(() => undefined);

describe('batches', () => {
  test('A record has the fields that Lambda sends', async () => {
    const events: SQSEvent[] = [];
    let context: Context | undefined;
    const messageId = queue.send({
      body: 'x',
      attributes: { a: { dataType: 'String', stringValue: 'b' } },
    });
    await untilIdle(
      poll(async (event, given) => {
        events.push(structuredClone(event));
        context = given;
        expect(given.getRemainingTimeInMillis()).toBe(FUNCTION_TIMEOUT_MS);
      }),
    );
    const now = String(1_800_000_000_000);
    expect(events).toEqual([
      {
        Records: [
          {
            messageId,
            receiptHandle: expect.any(String),
            body: 'x',
            attributes: {
              ApproximateReceiveCount: '1',
              SentTimestamp: now,
              SenderId: expect.any(String),
              ApproximateFirstReceiveTimestamp: now,
            },
            messageAttributes: {
              a: { stringValue: 'b', stringListValues: [], binaryListValues: [], dataType: 'String' },
            },
            md5OfBody: '9dd4e461268c8034f5c8564e155c67a6',
            eventSource: 'aws:sqs',
            eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:events',
            awsRegion: 'us-east-1',
          },
        ],
      },
    ]);
    expect(context).toMatchObject({
      functionName: 'events-function',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:events-function',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      memoryLimitInMB: '256',
    });
  });

  test('Every message is handled once and deleted, in batches up to the batch size', async () => {
    fill(95);
    const seen: string[] = [];
    await untilIdle(poll(async (event) => void seen.push(...bodiesOf(event))));
    expect(seen.sort()).toEqual(Array.from({ length: 95 }, (_, index) => `event-${index}`).sort());
    expect(invocations.map(({ records }) => records.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5]);
  });

  test('A window starts with its first message', async () => {
    const batches: string[][] = [];
    const running = poll(async (event) => void batches.push(bodiesOf(event)), {
      batchSize: 100,
      windowMs: 1_000,
    });
    await vi.advanceTimersByTimeAsync(60_000);
    fill(3);
    await vi.advanceTimersByTimeAsync(900);
    fill(1);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(batches).toEqual([['event-0', 'event-1', 'event-2', 'event-0']]);
    fill(150);
    await vi.advanceTimersByTimeAsync(0);
    expect(batches.map((batch) => batch.length)).toEqual([4, 100]);
    await untilIdle(running);
    expect(batches.map((batch) => batch.length)).toEqual([4, 100, 50]);
  });

  test('A payload stays below 6 MB, and the other messages go into the next batch', async () => {
    const mebibyte = 'x'.repeat(1_048_576 - 2_000);
    for (let index = 0; index < 8; index += 1) queue.send({ body: mebibyte });
    await untilIdle(poll(async () => undefined, { maximumConcurrency: 1 }));
    expect(invocations.map(({ records }) => records.length)).toEqual([6, 2]);
    for (const { records } of invocations) {
      expect(Buffer.byteLength(JSON.stringify({ Records: records }))).toBeLessThanOrEqual(6 * 1_048_576);
    }
    expect(queue.peek()).toEqual([]);
  });

  test('Options that Lambda refuses are refused, with all problems listed', () => {
    expect(() => poll(async () => undefined, { batchSize: 11, maximumConcurrency: 0 })).toThrow(
      /maximumConcurrency.*windowMs of at least 1000/,
    );
  });
});

describe('a FIFO queue', () => {
  let fifo: Queue;

  beforeEach(() => {
    fifo = emulator.sqs.createQueue('events.fifo', {
      FifoQueue: 'true',
      ContentBasedDeduplication: 'true',
      VisibilityTimeout: String(VISIBILITY_MS / 1_000),
    });
  });

  test('A record has its group, its deduplication id and its sequence number', async () => {
    const { sequenceNumber } = fifo.accept({ body: 'a1', groupId: 'a', deduplicationId: '1' });
    await untilIdle(poll(async () => undefined, { queueName: 'events.fifo' }));
    expect(invocations[0]?.records).toMatchObject([
      { attributes: { MessageGroupId: 'a', MessageDeduplicationId: '1', SequenceNumber: sequenceNumber } },
    ]);
  });

  test('A failed message blocks its group if the function also reports the later ones of the group', async () => {
    for (const body of ['a1', 'a2', 'a3']) fifo.send({ body, groupId: 'a' });
    fifo.send({ body: 'b1', groupId: 'b' });
    const processed: string[] = [];
    const handle: Handle = async ({ Records }) => {
      const failed = Records.filter(
        ({ body, attributes }) => body !== 'a1' && attributes.MessageGroupId === 'a' && processed.length < 2,
      );
      for (const { body } of Records.filter((record) => !failed.includes(record))) processed.push(body);
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    };
    await untilIdle(poll(handle, { queueName: 'events.fifo' }));
    expect(processed).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  test('Two invocations never have messages of the same group, even if a batch is above 6 MB', async () => {
    const mebibyte = 'x'.repeat(1_048_576 - 2_000);
    for (let index = 0; index < 8; index += 1) fifo.send({ body: `${index}${mebibyte}`, groupId: 'a' });
    let running = 0;
    const order: string[] = [];
    const handle: Handle = async ({ Records }) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      order.push(...Records.map(({ body }) => body.slice(0, 1)));
      running -= 1;
    };
    await untilIdle(poll(handle, { queueName: 'events.fifo' }));
    expect(invocations.map(({ outcome }) => outcome.kind)).toEqual(['response', 'response']);
    expect(order).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  test('A message whose receipt handle has expired is delivered again', async () => {
    fifo.send({ body: 'a1', groupId: 'a' });
    let calls = 0;
    const handle: Handle = async ({ Records }) => {
      calls += 1;
      if (calls === 1) fifo.changeVisibility(Records[0]!.receiptHandle, 0);
    };
    await untilIdle(poll(handle, { queueName: 'events.fifo', maximumConcurrency: 1 }));
    expect(calls).toBe(2);
  });

  test.each([{ batchSize: 11 }, { windowMs: 1_000 }])('The option %o is refused', (options) => {
    expect(() => poll(async () => undefined, { queueName: 'events.fifo', ...options })).toThrow(/FIFO/);
  });
});

describe('concurrency', () => {
  test('Environments are reused for one invocation at a time, up to the maximum concurrency', async () => {
    fill(100);
    let created = 0;
    let most = 0;
    let running = 0;
    const createHandler = () => {
      created += 1;
      let busy = false;
      return async () => {
        expect(busy).toBe(false);
        busy = true;
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 100));
        running -= 1;
        busy = false;
      };
    };
    await untilIdle(poll(async () => undefined, { createHandler, maximumConcurrency: 3 }));
    expect(invocations).toHaveLength(10);
    expect({ created, most }).toEqual({ created: 3, most: 3 });
  });

  test('Stopping waits for running invocations and receives nothing more', async () => {
    fill(1);
    let finish = () => {};
    const running = poll(() => new Promise<void>((resolve) => (finish = resolve)));
    await vi.advanceTimersByTimeAsync(0);
    let stopped = false;
    const stopping = running.stop().then(() => {
      stopped = true;
    });
    queue.send({ body: 'later' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stopped).toBe(false);
    finish();
    await stopping;
    expect(invocations).toHaveLength(1);
    expect(queue.counts()).toEqual({ visible: 1, delayed: 0, inFlight: 0 });
  });

  test('Waiting for idle fails after its timeout with the remaining messages', async () => {
    fill(2);
    const running = poll(async () => Promise.reject(new Error('no')), { batchSize: 1 });
    const waiting = expect(running.idle(100_000)).rejects.toThrow(/not idle after 100000 ms.*"inFlight":2/);
    await vi.advanceTimersByTimeAsync(100_000);
    await waiting;
  });
});

describe('failures', () => {
  test('Only messages that are reported as failed are redelivered, after the visibility timeout', async () => {
    fill(3);
    const startedAtMs = Date.now();
    const running = poll(async (event) => ({
      batchItemFailures: event.Records.filter(
        ({ body, attributes }) => body === 'event-1' && attributes.ApproximateReceiveCount === '1',
      ).map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));
    await vi.advanceTimersByTimeAsync(0);
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 1 });
    await untilIdle(running);
    expect(invocations.map(({ records }) => records.map(({ body }) => body))).toEqual([
      ['event-0', 'event-1', 'event-2'],
      ['event-1'],
    ]);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(VISIBILITY_MS);
  });

  test('An exception redelivers the whole batch, and after enough receives moves it to the dead-letter queue', async () => {
    const dead = emulator.sqs.createQueue('dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 });
    queue = emulator.sqs.createQueue('events2', { VisibilityTimeout: '30', RedrivePolicy });
    fill(2);
    await untilIdle(poll(async () => Promise.reject(new Error('no')), { queueName: 'events2' }));
    expect(invocations.map(({ outcome }) => outcome.kind)).toEqual(['error', 'error', 'error']);
    expect(dead.peek().map(({ body }) => body)).toEqual(['event-0', 'event-1']);
  });

  test('A handler that cannot be created fails its batch, and the next batch creates a new one', async () => {
    fill(1);
    let attempts = 0;
    const createHandler = async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('bad configuration');
      return async () => undefined;
    };
    await untilIdle(poll(async () => undefined, { createHandler }));
    expect(invocations.map(({ outcome }) => outcome.kind)).toEqual(['error', 'response']);
  });

  test('After the function timeout the handler is abandoned and gets no more responses from AWS', async () => {
    fill(1);
    const told: string[] = [];
    const createHandler: SqsPollerOptions['createHandler'] = (edge) => {
      const sqs = client(edge.wrap(emulator.requestHandler()));
      return async (event) => {
        if (event.Records[0]?.attributes.ApproximateReceiveCount !== '1') return;
        await new Promise((resolve) => setTimeout(resolve, FUNCTION_TIMEOUT_MS + 1));
        told.push('woke');
        await sqs.send(sendOutput('late'));
        told.push('answered');
      };
    };
    emulator.sqs.createQueue('output');
    await untilIdle(poll(never, { createHandler }));
    expect(told).toEqual(['woke']);
    expect(invocations.map(({ outcome, durationMs }) => [outcome.kind, durationMs])).toEqual([
      ['timeout', FUNCTION_TIMEOUT_MS],
      ['response', 0],
    ]);
    expect(invocations[0]!.environment).not.toBe(invocations[1]!.environment);
    expect(emulator.sqs.queue('output').peek()).toEqual([]);
  });

  test('A handler that runs longer than the visibility timeout is run again concurrently', async () => {
    emulator.sqs.createQueue('short', { VisibilityTimeout: '1' });
    queue = emulator.sqs.queue('short');
    fill(1);
    let running = 0;
    let most = 0;
    const slow = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      running -= 1;
    };
    poll(slow, { queueName: 'short' });
    await vi.advanceTimersByTimeAsync(1_600);
    expect(most).toBe(2);
    // The first run's handle is not the latest, so its deletion did nothing.
    expect(queue.peek()).toHaveLength(1);
  });
});

function client(requestHandler: RequestHandler): SQSClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new SQSClient({ region: 'us-east-1', credentials, requestHandler, maxAttempts: 1 });
}

function sendOutput(body: string): SendMessageCommand {
  return new SendMessageCommand({ QueueUrl: emulator.sqs.queueUrl('output'), MessageBody: body });
}

test('A call that AWS refuses counts as one with an answer that did not succeed', async () => {
  fill(1);
  const ended: Invocation[] = [];
  const running = poll(never, {
    createHandler: (edge) => {
      const sqs = client(edge.wrap(emulator.requestHandler()));
      // The queue does not exist.
      return async () => void (await sqs.send(sendOutput('refused')).catch(() => undefined));
    },
    onInvocation: (invocation) => ended.push(invocation),
  });
  await vi.advanceTimersByTimeAsync(10);
  await untilIdle(running);
  expect(ended[0]?.calls).toMatchObject([
    { target: 'AmazonSQS.SendMessage', answered: true, succeeded: false },
  ]);
});

describe('crashes', () => {
  let crashed: Invocation[];

  beforeEach(() => {
    emulator.sqs.createQueue('output');
    crashed = [];
  });

  /** Publishes each body in three calls, one after another. */
  const createHandler: SqsPollerOptions['createHandler'] = (edge) => {
    const sqs = client(edge.wrap(emulator.requestHandler()));
    return async (event) => {
      for (const { body } of event.Records) {
        for (const part of [1, 2, 3]) await sqs.send(sendOutput(`${body}.${part}`));
      }
    };
  };
  const run = (options: Partial<SqsPollerOptions> = {}) =>
    poll(never, {
      createHandler,
      maximumConcurrency: 1,
      onCrash: (invocation) => crashed.push(invocation),
      ...options,
    });
  const output = () =>
    emulator.sqs
      .queue('output')
      .peek()
      .map(({ body }) => body);

  test.each<['before' | 'after', string[]]>([
    ['before', ['event-0.1']],
    ['after', ['event-0.1', 'event-0.2']],
  ])('A crash %s the second call leaves only the effects of earlier calls', async (when, committed) => {
    fill(1);
    const running = run();
    running.killAt({ invocation: 1, call: 2, when });
    await vi.advanceTimersByTimeAsync(VISIBILITY_MS - 1);
    expect(output()).toEqual(committed);
    expect(crashed).toHaveLength(1);
    expect(crashed[0]!.outcome).toEqual({ kind: 'crash', call: 2, when });
    expect(crashed[0]!.calls).toMatchObject([
      {
        target: 'AmazonSQS.SendMessage',
        body: expect.stringContaining('event-0.1'),
        answered: true,
        succeeded: true,
      },
      {
        target: 'AmazonSQS.SendMessage',
        body: expect.stringContaining('event-0.2'),
        answered: false,
        succeeded: false,
      },
    ]);
    await untilIdle(running);
    expect(output()).toEqual([...committed, 'event-0.1', 'event-0.2', 'event-0.3']);
    expect(invocations.map(({ environment }) => environment)).toEqual([1, 2]);
  });

  test('Crashes at every call in turn end when the invocation has no more calls', async () => {
    let points = 0;
    for (let call = 1; call < 10; call += 1) {
      crashed = [];
      fill(1);
      const running = run();
      running.killAt({ invocation: 1, call, when: 'before' });
      await untilIdle(running);
      await running.stop();
      if (crashed.length === 0) break;
      points += 1;
    }
    expect(points).toBe(3);
  });

  test('Random crashes depend on the seed, occur everywhere, and lose nothing', async () => {
    async function outcomes(seed: number): Promise<string[]> {
      emulator.sqs.queue('output').purge();
      invocations = [];
      fill(100);
      const running = run({ batchSize: 1, crash: { rate: 0.5 }, random: new Random(seed) });
      await untilIdle(running);
      await running.stop();
      for (let index = 0; index < 100; index += 1) {
        expect(output()).toEqual(expect.arrayContaining([1, 2, 3].map((part) => `event-${index}.${part}`)));
      }
      return invocations.map(({ outcome }) =>
        outcome.kind === 'crash' ? `${outcome.when} ${outcome.call}` : outcome.kind,
      );
    }
    const first = await outcomes(7);
    expect(new Set(first)).toEqual(
      new Set(['response', 'end 3', ...[1, 2, 3].flatMap((call) => [`before ${call}`, `after ${call}`])]),
    );
    expect(await outcomes(7)).toEqual(first);
    expect(await outcomes(8)).not.toEqual(first);
  });
});
