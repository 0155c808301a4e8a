import { SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readConfig } from '../../functions/delivery-order/order-config.ts';
import { DELIVERY_ORDER_METRICS } from '../../lib/aws/metric-names.ts';
import { conversationEvent, LocalOrder, record, SEND } from './local-order.ts';

const A = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
const B = '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';

let order: LocalOrder;

beforeEach(() => {
  order = new LocalOrder();
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await order.emulator.close();
});

/** Uses another function for the rest of the test. */
async function restart(options: ConstructorParameters<typeof LocalOrder>[0]): Promise<void> {
  await order.emulator.close();
  order = new LocalOrder(options);
}

const second = (seconds: number) => `2026-11-20T09:30:${String(seconds).padStart(2, '0')}.000Z`;

test('A message goes into the FIFO queue unchanged, in the group of its conversation', async () => {
  const body = ` ${conversationEvent(A, 'e1')}\n`;
  expect(await order.invoke(record(body, 'm1'))).toEqual([]);
  expect(order.fifoQueue.peek()).toMatchObject([{ body, groupId: A, deduplicationId: 'e1' }]);
});

test('A body that is not JSON goes into the FIFO queue unchanged', async () => {
  expect(await order.invoke(record('not JSON', 'm1'))).toEqual([]);
  expect(order.fifoQueue.peek()).toMatchObject([{ body: 'not JSON', groupId: 'm1', deduplicationId: 'm1' }]);
});

test('An event that EventBridge delivers twice is in the FIFO queue once', async () => {
  await order.invoke(record(conversationEvent(A, 'e1'), 'm1'), record(conversationEvent(A, 'e1'), 'm2'));
  await order.invoke(record(conversationEvent(A, 'e1'), 'm1'));
  expect(order.ids).toEqual(['e1']);
});

test('The events of a batch are sent in the order in which they were received', async () => {
  await order.invoke(
    record(conversationEvent(A, 'third', { receivedAt: second(3) }), 'm1'),
    record(conversationEvent(A, 'first', { receivedAt: second(1) }), 'm2'),
    record(conversationEvent(A, 'second', { receivedAt: second(2), timestamp: second(59) }), 'm3'),
  );
  expect(order.ids).toEqual(['first', 'second', 'third']);
});

test('Events that were received together are sent by their own times', async () => {
  const receivedAt = second(50);
  await order.invoke(
    record(conversationEvent(A, 'second', { receivedAt, timestamp: second(2) }), 'm1'),
    record(conversationEvent(A, 'first', { receivedAt, timestamp: second(1) }), 'm2'),
    record(conversationEvent(A, 'third', { receivedAt, timestamp: second(2) }), 'm3'),
  );
  expect(order.ids).toEqual(['first', 'second', 'third']);
});

test('Events without times keep the order in which SQS received them', async () => {
  const sentAtMs = Date.parse(second(10));
  await order.invoke(
    record(conversationEvent(A, 'third'), 'm1', sentAtMs + 1),
    record(conversationEvent(A, 'second'), 'm2', sentAtMs),
    record(conversationEvent(A, 'first', { receivedAt: second(9) }), 'm3', sentAtMs + 5_000),
  );
  expect(order.ids).toEqual(['first', 'second', 'third']);
});

test('Only the messages that SQS refuses are returned', async () => {
  order.faults.next('partial_failure', SEND);
  const records = ['e1', 'e2', 'e3', 'e4'].map((id) => record(conversationEvent(A, id), `m-${id}`));
  const failed = await order.invoke(...records);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(4);
  expect([...order.ids.map((id) => `m-${id}`), ...failed].toSorted()).toEqual([
    'm-e1',
    'm-e2',
    'm-e3',
    'm-e4',
  ]);
});

test('Large events take several calls, and after a failed one, the later events of its groups are returned', async () => {
  const large = (conversation: string, id: string, receivedAt: string) =>
    conversationEvent(conversation, id, { receivedAt }).replace('{', `{"x":"${'x'.repeat(600_000)}",`);
  order.faults.next('throttle', SEND);
  const failed = await order.invoke(
    record(large(A, 'a1', second(1)), 'm-a1'),
    record(large(B, 'b1', second(2)), 'm-b1'),
    record(large(A, 'a2', second(3)), 'm-a2'),
  );
  expect(failed).toEqual(['m-a1', 'm-a2']);
  expect(order.ids).toEqual(['b1']);
});

test('More than ten messages take several calls', async () => {
  const records = Array.from({ length: 25 }, (_, index) =>
    record(conversationEvent(A, `e${index}`), `m${index}`),
  );
  expect(await order.invoke(...records)).toEqual([]);
  expect(order.ids).toEqual(records.map((_, index) => `e${index}`));
  expect(order.calls.filter((target) => target === SEND)).toHaveLength(3);
});

test('A call whose response is lost is retried, and the event is in the FIFO queue once', async () => {
  await restart({ attempts: 2 });
  order.faults.next('timeout_after_commit', SEND);
  expect(await order.invoke(record(conversationEvent(A, 'e1'), 'm1'))).toEqual([]);
  expect(order.ids).toEqual(['e1']);
});

test('An error that a retry does not resolve fails the invocation', async () => {
  await restart({ queueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/absent.fifo' });
  await expect(order.invoke(record(conversationEvent(A, 'e1'), 'm1'))).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
  });
});

test('Behind the Lambda poller and faults of AWS, every event reaches the FIFO queue once', async () => {
  const { faults, orderQueue, fifoQueue, emulator, handler } = order;
  const ids = Array.from({ length: 200 }, (_, index) => `e${index}`);
  for (const id of ids) orderQueue.send({ body: conversationEvent(Number(id.slice(1)) % 2 ? A : B, id) });
  const kinds = ['partial_failure', 'throttle', 'timeout_after_commit', 'server_error'] as const;
  for (const kind of kinds) faults.next(kind, SEND);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const poller = new SqsPoller({
    sqs: emulator.sqs,
    queueName: 'order',
    functionTimeoutMs: 30_000,
    createHandler: () => handler,
  });
  try {
    poller.start();
    for (let second = 0; second < 600; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      const { visible, inFlight } = orderQueue.counts();
      if (visible + inFlight === 0) break;
    }
    const stopped = poller.stop();
    await vi.advanceTimersByTimeAsync(30_000);
    await stopped;
  } finally {
    vi.useRealTimers();
  }
  expect(kinds.map((kind) => faults.counts[kind])).toEqual([1, 1, 1, 1]);
  expect(order.ids.toSorted()).toEqual(ids.toSorted());
  expect(new Set(fifoQueue.peek().map(({ groupId }) => groupId))).toEqual(new Set([A, B]));
});

test('A batch has its metrics, and the log has no event', async () => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  const lines: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      lines.push(...String(chunk).split('\n').filter(Boolean));
      return true;
    });
  }
  await restart({ logLevel: 'DEBUG' });
  order.faults.next('throttle', SEND);
  await order.invoke(record(conversationEvent(A, 'e1'), 'm1'));
  const metrics = lines.flatMap((line) => (line.includes('"_aws"') ? [JSON.parse(line)] : []));
  expect(metrics).toMatchObject([
    { service: 'delivery-order', EventsReceived: 1, EventsOrdered: 0, MessagesReturned: 1 },
  ]);
  expect(metrics[0]._aws.CloudWatchMetrics[0].Metrics.map(({ Name }: { Name: string }) => Name)).toEqual(
    Object.keys(DELIVERY_ORDER_METRICS),
  );
  expect(lines.join('\n')).toContain('SQS did not accept a batch');
  expect(lines.join('\n')).not.toContain(A);
});

test('The configuration is read from the environment, and every problem is listed', () => {
  const FIFO_QUEUE_URL = 'https://sqs.us-east-1.amazonaws.com/123456789012/deliveries.fifo';
  expect(readConfig({ FIFO_QUEUE_URL, DEPLOYMENT: 'prod', LOG_LEVEL: '' })).toEqual({
    fifoQueueUrl: FIFO_QUEUE_URL,
    deployment: 'prod',
    logLevel: 'INFO',
  });
  expect(() => readConfig({ LOG_LEVEL: 'LOUD', DEPLOYMENT: 'a b' })).toThrow(
    /3 problem\(s\):\n.*FIFO_QUEUE_URL is missing[\s\S]*DEPLOYMENT[\s\S]*LOG_LEVEL/,
  );
  expect(() => readConfig({ FIFO_QUEUE_URL: FIFO_QUEUE_URL.replace('.fifo', '') })).toThrow(/FIFO queue/);
});
