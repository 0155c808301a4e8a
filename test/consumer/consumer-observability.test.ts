import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerSecret } from '../../lib/events/redaction.ts';
import { answerOf, CALLS, LocalConsumer, message, queuedEvent, queuedEvents } from './local-consumer.ts';

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

/** The EMF documents written so far. */
function metrics(): EmfDocument[] {
  return lines.flatMap((line) => (line.includes('"_aws"') ? (JSON.parse(line) as EmfDocument) : []));
}

/** The log lines written so far. */
function logs(): Record<string, unknown>[] {
  return lines.flatMap((line) => (line.includes('"_aws"') ? [] : JSON.parse(line)));
}

describe('metrics of a batch', () => {
  test('are one EMF document in the namespace Switchboard', async () => {
    const late = queuedEvent(3, { late: true, receivedAt: new Date(Date.now() - 5_000).toISOString() });
    const future = queuedEvent(4, { receivedAt: new Date(Date.now() + 60_000).toISOString() });
    await consumer.deliver(message([queuedEvent(1), late, future]), message([queuedEvent(1)]), {
      messageId: 'odd',
      body: 'odd',
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
    // A clock that is ahead gives no negative latency.
    expect(latencies[2]).toBe(0);
  });

  test('count messages that come again, and have no latency where nothing was published', async () => {
    consumer.refuse(CALLS.publish, 'ThrottlingException');
    await consumer.invoke([message(queuedEvents(1))], { remainingMs: 0 });
    const [document] = metrics();
    expect(document).toMatchObject({ EventsReceived: 1, EventsPublished: 0, MessagesReturned: 1 });
    expect(document).not.toHaveProperty('ReceivedToPublishedLatency');
  });

  test.each([99, 100, 101, 250])(
    'of %d events hold fewer than 100 latencies and are one document',
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
  test('tell of what is quarantined and why, with the message it came in', async () => {
    await consumer.deliver({ messageId: 'odd', body: 'odd' });
    expect(logs()).toMatchObject([
      {
        level: 'WARN',
        service: 'consumer',
        message: 'quarantined',
        reason: 'the message is not JSON',
        messageId: 'odd',
        requestId: expect.any(String),
      },
    ]);
  });

  test('tell of what the quarantine queue did not take', async () => {
    consumer.refuse(CALLS.quarantine, 'RequestThrottled');
    await consumer.invoke([{ messageId: 'odd', body: 'odd' }], { remainingMs: 0 });
    expect(logs()).toMatchObject([
      { level: 'ERROR', message: 'the quarantine queue took no message', messageId: 'odd' },
    ]);
  });

  test('tell of a marker that could not be written', async () => {
    consumer.refuse(CALLS.mark, 'ThrottlingException');
    const one = message(queuedEvents(1));
    await consumer.invoke([one], { remainingMs: 0 });
    expect(logs()).toMatchObject([
      {
        level: 'ERROR',
        message: 'published events could not be marked',
        owner: one.owner,
        mustComeAgain: false,
      },
    ]);
  });

  test('and quarantine reasons hold no secret, even where EventBridge quotes one', async () => {
    const token = 'pR1v4te-t0ken-of-the-contact-centre';
    registerSecret(token);
    consumer.intercept(CALLS.publish, {
      before: () =>
        answerOf(200, {
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

  test('hold no body of an event', async () => {
    const { frame } = queuedEvent(1);
    const secretive = queuedEvent(1, { frame: { ...frame, eventBody: { note: 'only-for-the-bus' } } });
    consumer.faults.next('throttle', CALLS.publish);
    consumer.faults.next('timeout_before_commit', CALLS.insert);
    await consumer.deliver(message([secretive, { ...secretive, protocol: 'pigeon' }]));
    expect(consumer.published).toHaveLength(1);
    expect(lines.join('\n')).not.toContain('only-for-the-bus');
  });
});
