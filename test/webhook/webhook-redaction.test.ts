import { afterEach, expect, test } from 'vitest';
import { readConfig } from '../../functions/webhook/webhook-config.ts';
import type { ContentRedactionConfig } from '../../lib/events/content-rules.ts';
import { delivery, LocalWebhook } from './local-webhook.ts';

const PERSONAL = 'Jane Doe';
const KEY = 'a key of at least thirty-two characters';
const STRUCTURAL: ContentRedactionConfig = { preset: 'structural', rules: [], key: undefined };
const HASHING: ContentRedactionConfig = {
  rules: [{ path: '**.name', action: 'hash' }],
  key: { secretId: 'redaction' },
};
const EVENT = delivery({ eventBody: { id: 'c1', name: PERSONAL }, more: PERSONAL });

let webhook: LocalWebhook;
afterEach(() => webhook.close());
const sent = () => JSON.stringify(webhook.messages);

test('An event leaves without the redacted content and with the same id', async () => {
  webhook = await LocalWebhook.create();
  expect(await webhook.status(EVENT)).toBe(202);
  const [plain] = webhook.items;
  expect(sent()).toContain(PERSONAL);
  await webhook.close();
  webhook = await LocalWebhook.create({ redaction: STRUCTURAL });
  expect(await webhook.status(EVENT)).toBe(202);
  expect(webhook.items).toMatchObject([{ id: plain?.id, frame: { eventBody: { id: 'c1' } } }]);
  expect(sent()).not.toContain(PERSONAL);
});

test('A signed body that is not an event is quarantined without the redacted content', async () => {
  webhook = await LocalWebhook.create({ redaction: STRUCTURAL });
  expect(await webhook.status(delivery({ eventType: '', eventBody: { id: 'c1', name: PERSONAL } }))).toBe(
    202,
  );
  expect(webhook.items).toMatchObject([
    { rejected: { reason: 'invalid_frame', redacted: true, encoding: 'utf8' } },
  ]);
  expect(sent()).toContain('c1');
  expect(sent()).not.toContain(PERSONAL);
});

test('A signed body to which no rule can be applied is withheld', async () => {
  webhook = await LocalWebhook.create({ redaction: STRUCTURAL });
  expect(await webhook.status(JSON.stringify(PERSONAL))).toBe(202);
  expect(webhook.items).toMatchObject([{ rejected: { encoding: 'withheld', body: '', bytes: 10 } }]);
});

test('Nothing is sent before the key is known, and then events are accepted', async () => {
  webhook = await LocalWebhook.create({ redaction: HASHING });
  expect(await webhook.status(EVENT)).toBe(503);
  expect(webhook.messages).toEqual([]);
  webhook.emulator.secretsManager.set('redaction', KEY);
  expect(await webhook.status(EVENT)).toBe(202);
  expect(await webhook.status(EVENT)).toBe(202);
  expect(webhook.items).toMatchObject(
    Array.from({ length: 2 }, () => ({
      frame: { eventBody: { name: expect.stringMatching(/^[\w-]{43}$/) } },
    })),
  );
  // The signing secret and the key, once each.
  expect(webhook.calls.filter((target) => target.endsWith('GetSecretValue'))).toHaveLength(2);
});

test('All problems of the environment are reported at once', () => {
  const REDACTION = '{"preset":"loose","drop":["a..b"]}';
  expect(() => readConfig({ REDACTION })).toThrow(
    /EVENTS_QUEUE_URL.*WEBHOOK_SECRET_ID.*REDACTION preset is not.*REDACTION drop\[0\] \(a\.\.b\) has an empty name/s,
  );
  const set = { EVENTS_QUEUE_URL: 'https://sqs.test/1/events', WEBHOOK_SECRET_ID: 'secret' };
  expect(() => readConfig({ ...set, REDACTION: '{"hash":["a"]}' })).toThrow(/REDACTION_SECRET_ID is missing/);
  expect(readConfig({ ...set, REDACTION: 'structural' }).redaction).toEqual(STRUCTURAL);
});
