import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { redact } from '../../lib/events/redaction.ts';
import { apiKeyHeaderProblem } from '../../lib/http/api-key-header.ts';
import { CredentialsHarness } from './credentials-harness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SIGNED = { signingSecretId: 'signing' };
const BEARER = { auth: { kind: 'bearer', secretId: 'token' } } as const;
const API_KEY = { auth: { kind: 'api_key', header: 'X-Api-Key', secretId: 'key' } } as const;
const REQUEST = { id: 'event-1', body: '{"a":"ü"}', atMs: Date.parse('2026-11-20T09:30:45.813Z') };
const newKey = () => `whsec_${randomBytes(32).toString('base64')}`;

let harness: CredentialsHarness;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: REQUEST.atMs });
  harness = new CredentialsHarness();
});
afterEach(() => vi.useRealTimers());
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const verifies = (key: string, headers: Record<string, string>) => {
  try {
    new Webhook(key).verify(REQUEST.body, headers);
    return true;
  } catch {
    return false;
  }
};

test('Without settings there are no headers and no reads', async () => {
  const credentials = harness.credentials({});
  expect(await credentials.headers(REQUEST)).toEqual({});
  expect(credentials.refused()).toBe(false);
  expect(harness.reads).toBe(0);
});

test('A signature and a token can be used together', async () => {
  harness.store('signing', newKey());
  harness.store('token', 'a.bearer-token');
  const headers = await harness.credentials({ ...SIGNED, ...BEARER }).headers(REQUEST);
  expect(Object.keys(headers).sort()).toEqual([
    'authorization',
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
  ]);
});

describe('Signatures', () => {
  test('The example of the specification has the signature of the specification', async () => {
    harness.store('signing', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    const example = { id, body: '{"test": 2432232314}', atMs: 1_614_265_330_000 };
    expect(await harness.credentials(SIGNED).headers(example)).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('A receiver verifies them, with and without the prefix of the key', async () => {
    const key = newKey();
    for (const text of [key, key.slice('whsec_'.length), ` ${key}\n`]) {
      harness.store('signing', text);
      const headers = await harness.credentials(SIGNED).headers(REQUEST);
      expect(headers['webhook-timestamp']).toBe('1795167045');
      expect(verifies(key, headers)).toBe(true);
      expect(verifies(newKey(), headers)).toBe(false);
    }
  });

  test('During a rotation there is one for each value, so that a receiver with either key accepts the request', async () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    for (const key of [first, second, third]) harness.store('signing', key);
    const headers = await harness.credentials(SIGNED).headers(REQUEST);
    expect(headers['webhook-signature']).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
    expect([first, second, third].map((key) => verifies(key, headers))).toEqual([false, true, true]);
  });

  test('A rotation takes effect after five minutes, or after the destination has refused a request', async () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    harness.store('signing', first);
    const credentials = harness.credentials(SIGNED);
    await credentials.headers(REQUEST);
    harness.store('signing', second);
    pass(4 * MINUTE);
    expect(verifies(second, await credentials.headers(REQUEST))).toBe(false);
    pass(2 * MINUTE);
    expect(verifies(second, await credentials.headers({ ...REQUEST, atMs: Date.now() }))).toBe(true);
    harness.store('signing', third);
    pass(MINUTE);
    expect(credentials.refused()).toBe(true);
    expect(verifies(third, await credentials.headers({ ...REQUEST, atMs: Date.now() }))).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['not Base64', 'not*base64'],
    ['Base64 without its end', randomBytes(32).toString('base64').slice(0, 43)],
    ['shorter than 24 bytes', randomBytes(23).toString('base64')],
    ['longer than 64 bytes', randomBytes(65).toString('base64')],
    ['only the prefix', 'whsec_'],
  ])('A value that is no key is an error with advice and without the value: %s', async (_, text) => {
    harness.store('signing', text);
    const error = await harness
      .credentials(SIGNED)
      .headers(REQUEST)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'CredentialsError',
      code: 'signing_secret_invalid',
      retriable: true,
      message: expect.stringMatching(/signing secret signing .* Base64 text of 24 to 64 bytes: store one/),
    });
    if (text !== '') expect(String(error)).not.toContain(text);
  });

  test('A previous value that is not a key is ignored', async () => {
    const key = newKey();
    for (const text of ['a placeholder', key]) harness.store('signing', text);
    const headers = await harness.credentials(SIGNED).headers(REQUEST);
    expect(headers['webhook-signature']).not.toContain(' ');
    expect(verifies(key, headers)).toBe(true);
  });

  test.each(['', 'a.b', 'a\r\nb', 'a b', 'x'.repeat(257)])(
    'An id that cannot be signed is an error: %j',
    async (id) => {
      harness.store('signing', newKey());
      const headers = harness.credentials(SIGNED).headers({ ...REQUEST, id });
      await expect(headers).rejects.toMatchObject({ code: 'header_invalid', retriable: false });
    },
  );
});

describe('Tokens and keys', () => {
  test('A bearer token and an API key are sent in their headers', async () => {
    harness.store('token', 'a.bearer-token\n');
    expect(await harness.credentials(BEARER).headers(REQUEST)).toEqual({
      authorization: 'Bearer a.bearer-token',
    });
    harness.store('key', 'an API key: 1');
    expect(await harness.credentials(API_KEY).headers(REQUEST)).toEqual({ 'x-api-key': 'an API key: 1' });
  });

  test.each([
    ['token', BEARER, 'two\r\nlines'],
    ['token', BEARER, 'two words'],
    ['token', BEARER, '{"token":"in-json"}'],
    ['key', API_KEY, 'two\nlines-of-key'],
    ['key', API_KEY, 'with-a-control\u0000character'],
    ['key', API_KEY, 'with-ümlaut'],
  ])('A value of %s that does not fit its header is an error with advice', async (name, settings, text) => {
    harness.store(name, text);
    const error = await harness
      .credentials(settings)
      .headers(REQUEST)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'secret_invalid',
      retriable: true,
      message: `The value of the secret ${name} is not a valid header value: store the token or key in it as plain text on one line`,
    });
  });

  test('An empty value is an error with advice', async () => {
    harness.store('token', ' \n');
    await expect(harness.credentials(BEARER).headers(REQUEST)).rejects.toThrow(
      'The value of the secret token is empty: store',
    );
  });

  test('They are in no log', async () => {
    const key = newKey();
    harness.store('signing', key);
    harness.store('key', 'the-api-key');
    await harness.credentials({ ...SIGNED, ...API_KEY }).headers(REQUEST);
    const log = redact(`${key} ${key.slice('whsec_'.length)} the-api-key`);
    expect(log).not.toMatch(/api-key/);
    expect(log).not.toContain(key.slice('whsec_'.length));
  });

  test('They are read once for many requests, and again after five minutes', async () => {
    harness.store('token', 'first-token');
    const credentials = harness.credentials(BEARER);
    await Promise.all(Array.from({ length: 20 }, () => credentials.headers(REQUEST)));
    pass(4 * MINUTE);
    await credentials.headers(REQUEST);
    expect(harness.reads).toBe(1);
    pass(2 * MINUTE);
    await credentials.headers(REQUEST);
    expect(harness.reads).toBe(2);
  });

  test('After a refusal they are read again, but not if they have just been read', async () => {
    harness.store('token', 'first-token');
    const credentials = harness.credentials(BEARER);
    await credentials.headers(REQUEST);
    expect(credentials.refused()).toBe(false);
    pass(MINUTE);
    harness.store('token', 'second-token');
    expect(credentials.refused()).toBe(true);
    expect(await credentials.headers(REQUEST)).toEqual({ authorization: 'Bearer second-token' });
    expect(credentials.refused()).toBe(false);
    expect(harness.reads).toBe(2);
  });

  test('While the secret cannot be read, the known value is used for up to an hour', async () => {
    harness.store('token', 'first-token');
    const credentials = harness.credentials(BEARER);
    const headers = await credentials.headers(REQUEST);
    harness.delete('token');
    pass(HOUR / 2);
    expect(await credentials.headers(REQUEST)).toEqual(headers);
    pass(HOUR / 2);
    await expect(credentials.headers(REQUEST)).rejects.toThrow();
  });
});

describe('The header of an API key', () => {
  test.each([
    'Host',
    'content-length',
    'Transfer-Encoding',
    'Connection',
    'Webhook-Signature',
    'Proxy-Authorization',
  ])('cannot be one with another meaning: %s', (header) => {
    const auth = { kind: 'api_key', header, secretId: 'key' } as const;
    expect(() => harness.credentials({ auth })).toThrow(/header with another meaning: use the one/);
  });

  test.each(['', 'X Key', 'X-Key:', 'X\r\nKey', 'Schlüssel'])(
    'must be the name of a header: %j',
    (header) => {
      expect(apiKeyHeaderProblem(header)).toMatch(/is not the name of an HTTP header/);
    },
  );

  test.each(['X-Api-Key', 'Authorization', 'apikey'])('can be %s', (header) => {
    expect(apiKeyHeaderProblem(header)).toBeUndefined();
  });
});
