import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import { type AnyRecord, canonical, chainsOf, recordsIn, sha256 } from '../audit/own-check.ts';
import { asTimePasses, CALLS, LocalConsumer, message, queuedEvent, queuedEvents } from './local-consumer.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

const PUT = 'Logs_20140328.PutLogEvents';
const CREATE = 'Logs_20140328.CreateLogStream';

const ID = queuedEvent(1).id;

let consumer: LocalConsumer;
let output: string[];

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  output = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await consumer.close();
});

async function start(level: Exclude<AuditLevel, 'off'> = 'all'): Promise<void> {
  consumer = await LocalConsumer.create({ config: { audit: { level, logGroup: NAMES.auditLogGroup } } });
}

/** The records in the log group without those of sessions. Their chains are checked. */
function records(): AnyRecord[] {
  const messages = consumer.emulator.logs.events(NAMES.auditLogGroup).map(({ message: text }) => text);
  return [...chainsOf(recordsIn(messages.join('\n'))).values()]
    .flat()
    .filter(({ action }) => !String(action).startsWith('session.'));
}

/** Values of the metric of lost records, one per invocation. */
function lost(): unknown[] {
  const documents = output.flatMap((text) => text.split('\n')).filter((line) => line.includes('"_aws"'));
  return documents.map((line) => (JSON.parse(line) as AnyRecord).AuditRecordsLost);
}

describe('records of published events', () => {
  test('Each published event has one record, with the hash of what is on the bus', async () => {
    await start();
    const receivedAt = new Date(Date.now() - 5_000).toISOString();
    await consumer.deliver(message([queuedEvent(1, { sequence: 7, receivedAt }), queuedEvent(2)]));
    expect(records()).toMatchObject([
      { action: 'event.published', eventId: ID, sequence: 7, service: 'consumer' },
      { action: 'event.published', eventId: queuedEvent(2).id },
    ]);
    expect(records().map(({ sha256: hash }) => hash)).toEqual(
      consumer.published.map(({ detail }) => sha256(canonical(detail))),
    );
    expect(records()[0]?.protocol).toBe(queuedEvent(1).protocol);
    expect(records()[0]?.latencyMs).toBeGreaterThanOrEqual(5_000);
    expect(records()[1]).not.toHaveProperty('sequence');
  });

  test('An event from a clock that is ahead has no negative latency', async () => {
    await start();
    const receivedAt = new Date(Date.now() + 60_000).toISOString();
    await consumer.deliver(message([queuedEvent(1, { receivedAt })]));
    expect(records()[0]?.latencyMs).toBe(0);
  });

  test('Copies and events that EventBridge has not accepted have no record', async () => {
    await start();
    await consumer.deliver(message([queuedEvent(1)]));
    await consumer.deliver(message([queuedEvent(1)]));
    consumer.deny(CALLS.publish, 'InternalException');
    await consumer.invoke([message([queuedEvent(2)])], { isLastAttempt: true });
    expect(records().map(({ eventId }) => eventId)).toEqual([ID]);
  });

  test('An event that is published at the second attempt has one record', async () => {
    await start();
    consumer.refuse(CALLS.publish, 'InternalException', 500);
    await consumer.deliver(message([queuedEvent(1)]));
    expect(records().map(({ eventId }) => eventId)).toEqual([ID]);
  });

  test('The record of an event that is too large for the bus has the hash of the published reference', async () => {
    consumer = await LocalConsumer.create({
      config: { audit: { level: 'all', logGroup: NAMES.auditLogGroup }, oversizeBytes: 2_000 },
    });
    consumer.objectStore = { bucket: 'large', putJson: async () => undefined } as unknown as ObjectStore;
    const frame = { ...queuedEvent(1).frame, eventBody: { text: 'x'.repeat(3_000) } };
    await consumer.deliver(message([queuedEvent(1, { frame })]));
    const [published] = consumer.published;
    expect(published?.detail).toMatchObject({ metadata: { oversize: { bucket: 'large' } } });
    expect(records()).toMatchObject([{ sha256: sha256(canonical(published?.detail)) }]);
  });

  test('Several invocations of an environment continue one chain', async () => {
    await start();
    await consumer.deliver(message([queuedEvent(1)]));
    await consumer.deliver(message([queuedEvent(2)]));
    expect(new Set(records().map(({ session }) => session)).size).toBe(1);
    expect(records().map(({ index }) => index)).toEqual([1, 2]);
  });
});

describe('records of quarantined items', () => {
  test('An item that is not an event has a record with its reason and hash', async () => {
    await start();
    await consumer.deliver(message([{ no: 'event' }, queuedEvent(1)]));
    const [body] = consumer.quarantined.map((one) => JSON.parse(one.body) as { events: unknown[] });
    const quarantined = records().filter(({ action }) => action === 'event.quarantined');
    expect(quarantined).toMatchObject([{ sha256: sha256(canonical(body?.events[0])) }]);
    expect(quarantined[0]?.reason).toBe(consumer.reasons[0]);
    expect(quarantined[0]).not.toHaveProperty('eventId');
    expect(quarantined[0]).not.toHaveProperty('protocol');
  });

  test('A rejected frame has a record with its protocol', async () => {
    await start();
    const rejected = {
      reason: 'not_json',
      protocol: 'analytics-events',
      receivedAt: new Date().toISOString(),
      bytes: 1,
      encoding: 'utf8',
      body: 'x',
    };
    await consumer.deliver(message([{ rejected }]));
    expect(records()).toMatchObject([
      { action: 'event.quarantined', protocol: 'analytics-events', reason: 'rejected frame: not_json' },
    ]);
  });

  test('An event that EventBridge refuses has a record with its id', async () => {
    await start();
    consumer.intercept(CALLS.publish, {
      before: () => ({
        statusCode: 200,
        headers: {},
        body: Buffer.from('{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"no"}]}'),
      }),
    });
    await consumer.deliver(message([queuedEvent(1, { sequence: 3 })]));
    expect(records()).toMatchObject([
      { action: 'event.quarantined', eventId: ID, sequence: 3, protocol: queuedEvent(1).protocol },
    ]);
  });

  test('A message that cannot be read has a record with the hash of its body', async () => {
    await start();
    await consumer.deliver({ messageId: 'unreadable', body: 'no JSON' });
    expect(records()).toMatchObject([{ action: 'event.quarantined', sha256: sha256('no JSON') }]);
  });

  test('An item that the quarantine queue does not accept has no record', async () => {
    await start();
    consumer.deny(CALLS.quarantine, 'InternalError');
    await consumer.invoke([{ messageId: 'unreadable', body: 'no JSON' }], { isLastAttempt: true });
    expect(records()).toEqual([]);
  });
});

describe('records that are not written', () => {
  test('If CloudWatch Logs refuses records, events are published once, and the loss is counted', async () => {
    await start();
    consumer.deny(PUT);
    expect(await consumer.deliver(message(queuedEvents(1, 2, 3)))).toEqual([]);
    expect(consumer.publishedIds).toHaveLength(3);
    expect(consumer.emulator.logs.events(NAMES.auditLogGroup)).toEqual([]);
    // Those of the events, and that of the session.
    expect(lost()).toEqual([4]);
    consumer.recover();
    await consumer.deliver(message([queuedEvent(9)]));
    expect(lost()).toEqual([4, 0]);
    expect(records()).toHaveLength(4);
  });

  test('If CloudWatch Logs does not answer, the invocation ends in time', async () => {
    await start();
    consumer.hang(CREATE);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const startedTick = performance.now();
    await asTimePasses(consumer.invoke([message([queuedEvent(1)])], { remainingMs: 2_000 }));
    expect(performance.now() - startedTick).toBeLessThan(2_000);
    vi.useRealTimers();
    expect(consumer.publishedIds).toEqual([ID]);
    expect(lost()).toEqual([2]);
  });

  test('If the invocation fails, what was published before has its record', async () => {
    await start();
    consumer.deny(CALLS.quarantine);
    const { outcome } = await consumer.invoke([
      message([queuedEvent(1)]),
      { messageId: 'unreadable', body: 'no JSON' },
    ]);
    expect(outcome.kind).toBe('error');
    expect(consumer.publishedIds).toEqual([ID]);
    expect(records().map(({ eventId }) => eventId)).toEqual([ID]);
  });

  test('With connections only, the consumer writes no records of events', async () => {
    await start('connections');
    await consumer.deliver(message([queuedEvent(1)]), { messageId: 'unreadable', body: 'no JSON' });
    expect(records()).toEqual([]);
    expect(lost()).toEqual([0]);
  });

  test('Without audit records, no call of CloudWatch Logs is made, and there is no metric', async () => {
    consumer = await LocalConsumer.create();
    await consumer.deliver(message([queuedEvent(1)]));
    expect(consumer.calls.filter(({ target }) => target.startsWith('Logs_'))).toEqual([]);
    expect(lost()).toEqual([undefined]);
  });
});
