import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerSecret } from '../../lib/events/redaction.ts';
import { CALLS, LocalConsumer, message, queuedEvent, queuedEvents, responseOf } from './local-consumer.ts';

let consumer: LocalConsumer;
let lines: string[];

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  lines = [];
  // Warnings and errors go to standard error.
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      lines.push(...String(chunk).split('\n').filter(Boolean));
      return true;
    });
  }
  consumer = await LocalConsumer.create({ logLevel: 'DEBUG' });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await consumer.close();
});

interface EmfDocument {
  _aws: {
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
  [name: string]: unknown;
}

/** The EMF documents that were written. */
function metrics(): EmfDocument[] {
  return lines.flatMap((line) => (line.includes('"_aws"') ? (JSON.parse(line) as EmfDocument) : []));
}

/** The log lines that were written. */
function logs(): Record<string, unknown>[] {
  return lines.flatMap((line) => (line.includes('"_aws"') ? [] : JSON.parse(line)));
}

describe('metrics of a batch', () => {
  test('The metrics of a batch are one EMF document in the namespace Switchboard', async () => {
    const late = queuedEvent(3, { late: true, receivedAt: new Date(Date.now() - 5_000).toISOString() });
    const future = queuedEvent(4, { receivedAt: new Date(Date.now() + 60_000).toISOString() });
    await consumer.deliver(message([queuedEvent(1), late, future]), message([queuedEvent(1)]), {
      messageId: 'invalid',
      body: 'invalid',
    });
    const [document, ...more] = metrics();
    expect(more).toEqual([]);
    expect(document!._aws.CloudWatchMetrics).toEqual([
      {
        Namespace: 'Switchboard',
        Dimensions: [['service']],
        Metrics: [
          { Name: 'EventsReceived', Unit: 'Count' },
          { Name: 'EventsPublished', Unit: 'Count' },
          { Name: 'DuplicatesDropped', Unit: 'Count' },
          { Name: 'EventsQuarantined', Unit: 'Count' },
          { Name: 'EventsLate', Unit: 'Count' },
          { Name: 'MessagesReturned', Unit: 'Count' },
          { Name: 'ReceivedToPublishedLatency', Unit: 'Milliseconds' },
        ],
      },
    ]);
    expect(document).toMatchObject({
      service: 'consumer',
      EventsReceived: 4,
      EventsPublished: 3,
      DuplicatesDropped: 1,
      EventsQuarantined: 1,
      EventsLate: 1,
      MessagesReturned: 0,
    });
    const latencies = document!.ReceivedToPublishedLatency as number[];
    expect(latencies).toHaveLength(3);
    expect(latencies[1]).toBeGreaterThanOrEqual(5_000);
    expect(latencies[1]).toBeLessThan(60_000);
    // An ingester whose clock is ahead causes no negative latency.
    expect(latencies[2]).toBe(0);
  });

  test('The metrics count redelivered messages, and have no latency if nothing was published', async () => {
    consumer.refuse(CALLS.publish, 'ThrottlingException');
    await consumer.invoke([message(queuedEvents(1))], { isLastAttempt: true });
    const [document] = metrics();
    expect(document).toMatchObject({ EventsReceived: 1, EventsPublished: 0, MessagesReturned: 1 });
    expect(document).not.toHaveProperty('ReceivedToPublishedLatency');
  });

  test.each([99, 100, 101, 250])(
    'The metrics of %d events have fewer than 100 latencies and are one document',
    async (count) => {
      await consumer.deliver(message(Array.from({ length: count }, (_, index) => queuedEvent(index))));
      const documents = metrics();
      expect(documents).toHaveLength(1);
      expect(documents[0]).toMatchObject({ EventsPublished: count });
      const latencies = documents[0]!.ReceivedToPublishedLatency as number[];
      expect(latencies.length).toBeGreaterThanOrEqual(count < 100 ? count : 50);
      expect(latencies.length).toBeLessThan(100);
      expect(logs()).toEqual([]);
    },
  );
});

describe('logs', () => {
  test('A quarantined item is logged with its reason and message id', async () => {
    await consumer.deliver({ messageId: 'invalid', body: 'invalid' });
    expect(logs()).toMatchObject([
      {
        level: 'WARN',
        service: 'consumer',
        message: 'An item was quarantined',
        reason: 'the message is not JSON',
        messageId: 'invalid',
        requestId: expect.any(String),
      },
    ]);
  });

  test('An item that the quarantine queue did not accept is logged', async () => {
    consumer.refuse(CALLS.quarantine, 'RequestThrottled');
    await consumer.invoke([{ messageId: 'invalid', body: 'invalid' }], { isLastAttempt: true });
    expect(logs()).toMatchObject([
      {
        level: 'ERROR',
        message: 'The quarantine queue did not accept an item',
        messageId: 'invalid',
      },
    ]);
  });

  test('If the marks of an owner could not be written, the owner and the error are logged', async () => {
    consumer.deny(CALLS.mark);
    const one = message(queuedEvents(1));
    expect(await consumer.deliver(one)).toEqual([]);
    expect(logs()).toMatchObject([
      {
        level: 'ERROR',
        message: 'The marks of published events could not be written',
        owner: one.owner,
        error: { name: 'AccessDeniedException' },
      },
      {
        level: 'ERROR',
        message: 'An AWS call failed permanently; check the role and the resources',
        error: { name: 'AccessDeniedException' },
      },
    ]);
  });

  test('Logs and quarantine reasons contain no secret, even if EventBridge quotes one', async () => {
    const token = 'pR1v4te-t0ken-of-the-contact-centre';
    registerSecret(token);
    consumer.intercept(CALLS.publish, {
      before: () =>
        responseOf(200, {
          FailedEntryCount: 1,
          Entries: [{ ErrorCode: 'InvalidArgument', ErrorMessage: `${token} and bearer abcdef123456` }],
        }),
    });
    await consumer.deliver(message([queuedEvent(1, { id: 'with-a-secret' })]));
    expect(logs()).toHaveLength(1);
    expect(consumer.reasons).toEqual(['EventBridge: InvalidArgument [redacted] and bearer [redacted]']);
    for (const line of [...lines, ...consumer.reasons]) {
      expect(line).not.toContain(token);
      expect(line).not.toContain('abcdef123456');
    }
  });

  test('The log contains no event body', async () => {
    const { frame } = queuedEvent(1);
    const confidential = queuedEvent(1, { frame: { ...frame, eventBody: { note: 'only-for-the-bus' } } });
    consumer.faults.next('throttle', CALLS.publish);
    consumer.faults.next('timeout_before_commit', CALLS.insert);
    await consumer.deliver(message([confidential, { ...confidential, protocol: 'pigeon' }]));
    expect(consumer.published).toHaveLength(1);
    expect(lines.join('\n')).not.toContain('only-for-the-bus');
  });
});
