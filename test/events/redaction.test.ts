import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { forgetSecrets, namesSecret, redact, registerSecret } from '../../lib/events/redaction.ts';

/** Number of secrets that are remembered. */
const MAX_SECRETS = 1_000;
const CHANNEL = 'streaming-0-fmtdmf8cdis7jh14udg5p89t6z';

// There is one registry per process.
beforeEach(() => forgetSecrets());

describe('registered secrets', () => {
  test('Forgotten secrets are no longer removed', () => {
    registerSecret('s3cr3t-value');
    forgetSecrets();
    expect(redact('s3cr3t-value')).toBe('s3cr3t-value');
  });

  test('A registered secret is removed everywhere in a string', () => {
    registerSecret('s3cr3t-value');
    expect(redact('s3cr3t-value,xs3cr3t-valuex {"a":"s3cr3t-value"}')).toBe(
      '[redacted],x[redacted]x {"a":"[redacted]"}',
    );
  });

  test('A registered secret can contain the special characters of patterns and replacements', () => {
    registerSecret('a.c*(d)$&[x]');
    expect(redact('the a.c*(d)$&[x] and abc')).toBe('the [redacted] and abc');
  });

  test.each([
    ['tokent', 'tokentoken1'],
    ['oken1!', 'tokentoken1!'],
    ['middle', 'in the middle of'],
  ])('The secret %s does not prevent the removal of %s, which contains it', (part, whole) => {
    for (const order of [
      [part, whole],
      [whole, part],
    ]) {
      for (const secret of order) registerSecret(secret);
      expect(redact(`<${whole}>`)).toBe('<[redacted]>');
    }
  });

  test('A word that is too short to be a secret is not registered', () => {
    for (const word of ['', 'a', 'event']) registerSecret(word);
    expect(redact('an event a day')).toBe('an event a day');
  });

  test('No registered secret remains in any string', () => {
    const secret = fc.stringMatching(/^[\w\-~+/=.]{6,30}$/).filter((text) => !'redacted'.includes(text));
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.string(), fc.nat(), fc.nat()), { maxLength: 8 }),
        (secrets, parts) => {
          for (const one of secrets) registerSecret(one);
          const texts = parts.map(([between, index, cut]) => {
            const one = secrets[index % secrets.length] ?? '';
            // The beginning of a secret before it makes secrets overlap.
            return between + one.slice(0, cut % one.length) + one;
          });
          const clean = redact(texts.join(''));
          for (const one of secrets) expect(clean).not.toContain(one);
        },
      ),
    );
  });
});

describe('the registry of secrets', () => {
  const secretNumber = (index: number) => `secret-${String(index).padStart(5, '0')}`;

  test('The registry is bounded and forgets the oldest secret first', () => {
    for (let index = 0; index <= MAX_SECRETS; index++) registerSecret(secretNumber(index));
    expect(redact(secretNumber(0))).toBe(secretNumber(0));
    for (const index of [1, 2, MAX_SECRETS]) expect(redact(secretNumber(index))).toBe('[redacted]');
  });

  test('A secret that is registered again counts as new', () => {
    for (let index = 0; index < MAX_SECRETS; index++) registerSecret(secretNumber(index));
    registerSecret(secretNumber(0));
    registerSecret(secretNumber(MAX_SECRETS));
    expect(redact(secretNumber(0))).toBe('[redacted]');
    expect(redact(secretNumber(1))).toBe(secretNumber(1));
  });
});

describe('secrets that are not registered', () => {
  test.each([
    ['Authorization: Bearer abc.DEF-1_2~3+/4==, then', 'Authorization: Bearer [redacted], then'],
    ['authorization: bearer abc', 'authorization: bearer [redacted]'],
    ['Authorization: Bearer   abc.def', 'Authorization: Bearer   [redacted]'],
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
    ['channel streaming-14-fmtdmf8cd', 'channel [redacted]'],
  ])('Text that looks like a secret is removed from: %s', (text, clean) => {
    expect(redact(text)).toBe(clean);
  });

  test.each([
    'GET /api/v2/notifications/channels/{channelId}/subscriptions answered 404',
    'v2.users.2f7bf00a-0fc2-4d6a-9b56-92238191433e.presence',
    'check GENESYS_CLIENT_SECRET',
    'an access_token and expires_in',
    'https://api.mypurecloud.com/api/v2/users?pageSize=100',
  ])('This text has no secret and stays unchanged: %s', (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('long strings', () => {
  /** Longest text that is searched completely. */
  const MAX_CHARACTERS = 65_536;
  const MAX_MS = 500;

  test.each([
    ['spaces', 'bearer', ' '],
    ['backslashes', 'access_token', '\\'],
    ['spaces after a name', 'client_secret', ' '],
    ['line breaks', 'Basic', '\n'],
    ['names of secrets', '', 'access_token='],
    ['words that begin a scheme', '', 'bearer '],
    ['addresses of channels', '', '/channels/'],
    ['beginnings of channel ids', '', 'streaming-0'],
    ['word characters', 'Bearer ', 'a'],
  ])('A 50 KB string of %s takes less than half a second of CPU time', (_what, head, unit) => {
    const text = `${head}${unit.repeat(Math.ceil(51_200 / unit.length))}`;
    const before = process.cpuUsage();
    redact(text);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(MAX_MS);
  });

  test('A string of the maximum length is not truncated', () => {
    const text = 'word '.repeat(MAX_CHARACTERS / 5 + 1).slice(0, MAX_CHARACTERS);
    expect(redact(text)).toBe(text);
  });

  test('A longer text is cut before the word at the limit, and ends with a mark', () => {
    const head = 'x '.repeat((MAX_CHARACTERS - 6) / 2);
    expect(redact(`${head}half-a-word and more`)).toBe(`${head}… [cut]`);
  });

  test.each([
    ['a registered secret', 's3cr3t-value-that-is-registered'],
    ['a token', 'Bearer abc.DEF-1_2~3+/4=='],
    ['a channel', CHANNEL],
  ])('No part of %s remains at the truncation point, wherever it is', (_what, secret) => {
    registerSecret('s3cr3t-value-that-is-registered');
    const marker = secret.slice(secret.indexOf(' ') + 1);
    for (let kept = 1; kept <= secret.length; kept++) {
      const head = ' '.repeat(MAX_CHARACTERS - kept);
      const clean = redact(`${head}${secret} and more`);
      expect(clean.length).toBeLessThanOrEqual(MAX_CHARACTERS + 10);
      expect(clean).not.toContain(marker.slice(0, 3));
    }
  });

  test('A long text without any word break is removed completely', () => {
    expect(redact('a'.repeat(MAX_CHARACTERS + 1))).toBe('… [cut]');
  });

  test('A secret before the cut is removed', () => {
    const text = `Bearer abc.def ${'word '.repeat(MAX_CHARACTERS)}`;
    expect(redact(text).startsWith('Bearer [redacted] word ')).toBe(true);
  });
});

test('Fields with secrets are recognized by their names', () => {
  const secret = [
    'access_token',
    'accessToken',
    'client_secret',
    'clientSecret',
    'channelId',
    'ACCESS_TOKEN',
  ];
  const open = ['clientId', 'token', 'channels', 'conversationId', 'access_token_type', 'has_access_token'];
  expect([...secret, ...open].filter(namesSecret)).toEqual(secret);
});
