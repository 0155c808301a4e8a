import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { CALLS, LocalConsumer, queuedEvent, responseOf } from './local-consumer.ts';
import { nativeMessage, PRESENCE, presence } from './native-message.ts';

const MESSAGE = 'at the dentist until three';
const AT = '2026-11-20T08:00:00.100Z';
const REDACTION = {
  preset: 'structural',
  rules: [{ path: '**.modifiedBy', action: 'hash' }],
  key: undefined,
} as const;
/** A native event with personal data, whose members have the given values. */
const nativeBody = (changes: object = {}) =>
  JSON.stringify({ ...JSON.parse(nativeMessage({ eventBody: presence(MESSAGE) }).body), ...changes });

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create({ config: { redaction: REDACTION } });
});
afterEach(async () => {
  // Whatever happened, the content is in no call.
  expect(consumer.calls.map(({ body }) => body).join()).not.toContain(MESSAGE);
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await consumer.close();
});

/** The items in the quarantine queue. */
const quarantined = () => consumer.quarantined.map(({ body }) => JSON.parse(body));

describe('an event that EventBridge put into the queue', () => {
  test('It is published without the redacted content, with the id of the complete event', async () => {
    const native = nativeMessage({
      eventBody: JSON.stringify({ ...JSON.parse(presence(MESSAGE)), modifiedBy: 'ann@mail.example' }),
      timestamp: AT,
    });
    const whole = await LocalConsumer.create();
    await whole.deliver(native);
    expect(await consumer.deliver(native)).toEqual([]);
    expect(consumer.publishedIds).toEqual(whole.publishedIds);
    await whole.close();
    const { message: _, ...rest } = JSON.parse(presence());
    const eventBody = { ...rest, modifiedBy: expect.stringMatching(/^[\w-]{43}$/) };
    expect(consumer.published.map(({ detail }) => detail)).toEqual([
      { topicName: PRESENCE, version: '2', timestamp: AT, eventBody, metadata: expect.anything() },
    ]);
  });

  test('If EventBridge refuses it, it is quarantined without the redacted content', async () => {
    consumer.intercept(CALLS.publish, {
      before: () => responseOf(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InvalidArgument' }] }),
    });
    const native = nativeMessage({ eventBody: presence(MESSAGE), timestamp: AT });
    expect(await consumer.deliver(native)).toEqual([]);
    expect(quarantined()).toMatchObject([{ events: [{ frame: { topicName: PRESENCE } }] }]);
  });

  test('A recurring state is detected although only redacted content differs', async () => {
    const states = [MESSAGE, '', MESSAGE].map((message, second) =>
      nativeMessage({ eventBody: presence(message), timestamp: `2026-11-20T08:00:0${second}.000Z` }),
    );
    for (const state of states) expect(await consumer.deliver(state)).toEqual([]);
    expect(new Set(consumer.publishedIds).size).toBe(3);
  });

  test('An invalid one is quarantined without the redacted content, and the reason says so', async () => {
    const invalid = nativeBody({ time: 'yesterday', id: '\uFFFE' });
    const misplaced = nativeBody({ detail: { topicName: PRESENCE, note: MESSAGE, more: { id: 'u-1' } } });
    const messages = [invalid, misplaced].map((body, index) => ({ messageId: String(index), body }));
    expect(await consumer.deliver(...messages)).toEqual([]);
    expect(consumer.reasons).toEqual([
      expect.stringMatching(/^not an event of the native integration: id: .*time: .*\(redacted\)$/),
      expect.stringMatching(/^not an event of the native integration: detail\.eventBody: .*\(redacted\)$/),
    ]);
    expect(quarantined()).toMatchObject([
      { version: '0', detail: { topicName: PRESENCE, eventBody: { source: 'PURECLOUD' } } },
      { detail: { topicName: PRESENCE } },
    ]);
  });

  test('A character that SQS refuses is quarantined as an escape', async () => {
    await consumer.close();
    const redaction = { rules: [{ path: '**.message', action: 'drop' }], key: undefined } as const;
    consumer = await LocalConsumer.create({ config: { redaction } });
    const body = nativeBody({ time: '\uFFFE\uFFFF' }).replace('\uFFFE\uFFFF', '\\ufffe\\uffff');
    expect(await consumer.deliver({ messageId: 'escaped', body })).toEqual([]);
    expect(consumer.quarantined[0]?.body).toContain('\\ufffe\\uffff');
  });

  test.each([200, 2_000])('One that is nested %i levels deep is withheld', async (levels) => {
    const deep = `${'{"a":'.repeat(levels)}${JSON.stringify(MESSAGE)}${'}'.repeat(levels)}`;
    const { body } = nativeMessage({ eventBody: deep });
    expect(await consumer.deliver({ messageId: 'deep', body })).toEqual([]);
    expect(consumer.reasons).toEqual([
      expect.stringMatching(/deep.* \(withheld, because it cannot be redacted\)$/),
    ]);
    expect(quarantined()).toEqual([
      {
        rejected: {
          reason: 'too_deep',
          protocol: 'native-integration',
          receivedAt: expect.stringMatching(/Z$/),
          redacted: true,
          bytes: Buffer.byteLength(body),
          encoding: 'withheld',
          body: '',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    ]);
  });

  test('It is not logged, regardless of the environment', async () => {
    vi.stubEnv('POWERTOOLS_LOGGER_LOG_EVENT', 'true');
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const logging = await LocalConsumer.create({ config: { redaction: REDACTION }, logLevel: 'INFO' });
    await logging.deliver(nativeMessage({ eventBody: presence(MESSAGE) }));
    await logging.close();
    expect(JSON.stringify(written.mock.calls)).not.toContain(MESSAGE);
  });
});

test('Messages from the ingester and the webhook are not redacted again', async () => {
  const event = { ...queuedEvent(1), frame: { topicName: 'v2.a', eventBody: { note: 'kept' } } };
  const body = encodeEnvelope({ id: crypto.randomUUID(), owner: crypto.randomUUID(), sentAt: AT }, [
    JSON.stringify(event),
  ]);
  expect(
    await consumer.deliver({ messageId: 'm', body }, { messageId: 'n', body: '{"note":"kept"}' }),
  ).toEqual([]);
  expect(consumer.published).toMatchObject([{ detail: { eventBody: { note: 'kept' } } }]);
  expect(consumer.quarantined[0]?.body).toBe('{"note":"kept"}');
});
