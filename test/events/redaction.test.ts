import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';

/** Secrets that are remembered at a time. */
const LIMIT = 1_000;
const CHANNEL = 'streaming-0-fmtdmf8cdis7jh14udg5p89t6z';

// The registry is one a process: each test gets its own.
let { namesSecret, redact, registerSecret } = await import('../../lib/events/redaction.ts');
beforeEach(async () => {
  vi.resetModules();
  ({ namesSecret, redact, registerSecret } = await import('../../lib/events/redaction.ts'));
});

describe('a registered secret', () => {
  test('is removed wherever it stands, as often as it stands', () => {
    registerSecret('s3cr3t-value');
    expect(redact('s3cr3t-value,xs3cr3t-valuex {"a":"s3cr3t-value"}')).toBe(
      '[redacted],x[redacted]x {"a":"[redacted]"}',
    );
  });

  test('may hold characters that patterns or replacements use', () => {
    registerSecret('a.c*(d)$&[x]');
    expect(redact('the a.c*(d)$&[x] and abc')).toBe('the [redacted] and abc');
  });

  test.each([
    ['tokent', 'tokentoken1'],
    ['oken1!', 'tokentoken1!'],
    ['middle', 'in the middle of'],
  ])('that is a part of another one leaves nothing of it: %s, %s', (part, whole) => {
    for (const order of [
      [part, whole],
      [whole, part],
    ]) {
      for (const secret of order) registerSecret(secret);
      expect(redact(`<${whole}>`)).toBe('<[redacted]>');
    }
  });

  test('is no word that is too short to be a secret', () => {
    for (const word of ['', 'a', 'event']) registerSecret(word);
    expect(redact('an event a day')).toBe('an event a day');
  });

  test('never survives', () => {
    const secret = fc.stringMatching(/^[\w\-~+/=.]{6,30}$/).filter((text) => !'redacted'.includes(text));
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.string(), fc.nat(), fc.nat()), { maxLength: 8 }),
        (secrets, parts) => {
          for (const one of secrets) registerSecret(one);
          const texts = parts.map(([between, index, cut]) => {
            const one = secrets[index % secrets.length] ?? '';
            // A cut one in front makes secrets overlap.
            return between + one.slice(0, cut % one.length) + one;
          });
          const clean = redact(texts.join(''));
          for (const one of secrets) expect(clean).not.toContain(one);
        },
      ),
    );
  });
});

describe('the registry', () => {
  const secretNumber = (index: number) => `secret-${String(index).padStart(5, '0')}`;

  test('is bounded: the oldest is forgotten first', () => {
    for (let index = 0; index <= LIMIT; index++) registerSecret(secretNumber(index));
    expect(redact(secretNumber(0))).toBe(secretNumber(0));
    for (const index of [1, 2, LIMIT]) expect(redact(secretNumber(index))).toBe('[redacted]');
  });

  test('keeps a secret that is registered again', () => {
    for (let index = 0; index < LIMIT; index++) registerSecret(secretNumber(index));
    registerSecret(secretNumber(0));
    registerSecret(secretNumber(LIMIT));
    expect(redact(secretNumber(0))).toBe('[redacted]');
    expect(redact(secretNumber(1))).toBe(secretNumber(1));
  });
});

describe('without being registered', () => {
  test.each([
    ['Authorization: Bearer abc.DEF-1_2~3+/4==, then', 'Authorization: Bearer [redacted], then'],
    ['authorization: bearer abc', 'authorization: bearer [redacted]'],
    ['Basic Y2xpZW50OnNlY3JldA==', 'Basic [redacted]'],
    ['wss://host/x?access_token=abc%2Fdef&topics=1', 'wss://host/x?access_token=[redacted]&topics=1'],
    [
      'grant_type=client_credentials&client_secret=xyz',
      'grant_type=client_credentials&client_secret=[redacted]',
    ],
    ['{"access_token":"abc","expires_in":1}', '{"access_token":"[redacted]","expires_in":1}'],
    ['{"channelId": "abc-1", "n": 1}', '{"channelId": "[redacted]", "n": 1}'],
    [String.raw`"{\"channelId\":\"abc-1\",\"n\":1}"`, String.raw`"{\"channelId\":\"[redacted]\",\"n\":1}"`],
    ["{ channelId: 'abc-1' }", "{ channelId: '[redacted]' }"],
    [
      `wss://streaming.mypurecloud.com/channels/${CHANNEL}`,
      'wss://streaming.mypurecloud.com/channels/[redacted]',
    ],
    [
      `PUT /api/v2/notifications/channels/${CHANNEL}/subscriptions?ignoreErrors=true`,
      'PUT /api/v2/notifications/channels/[redacted]/subscriptions?ignoreErrors=true',
    ],
    [`channel ${CHANNEL} has ended`, 'channel [redacted] has ended'],
    [`{"id":"${CHANNEL}"}`, '{"id":"[redacted]"}'],
  ])('what looks like a secret is removed: %s', (text, clean) => {
    expect(redact(text)).toBe(clean);
  });

  test.each([
    'GET /api/v2/notifications/channels/{channelId}/subscriptions answered 404',
    'v2.users.2f7bf00a-0fc2-4d6a-9b56-92238191433e.presence',
    'check GENESYS_CLIENT_SECRET',
    'an access_token and expires_in',
    'https://api.mypurecloud.com/api/v2/users?pageSize=100',
  ])('ordinary text stays: %s', (text) => {
    expect(redact(text)).toBe(text);
  });
});

test('fields that hold secrets are known by their names', () => {
  const secret = [
    'access_token',
    'accessToken',
    'client_secret',
    'clientSecret',
    'channelId',
    'ACCESS_TOKEN',
  ];
  const open = ['clientId', 'token', 'channels', 'conversationId', 'access_token_type'];
  expect([...secret, ...open].filter(namesSecret)).toEqual(secret);
});
