import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger, LOG_LEVELS, type Log } from '../../lib/aws/logger.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { anyText, jsonBody } from '../events/json.ts';

const SECRET = 'tok_registered-4711';
const CHANNEL = 'streaming-0-fmtdmf8cdis7jh14udg5p89t6z';
let lines: string[] = [];
let log: Log;

/** Creates a logger whose output is collected in `lines`. */
function captured(service: string, level: (typeof LOG_LEVELS)[number]): Log {
  const logger = createLogger(service, level);
  const keep = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  Object.assign(logger, { console: new Console(keep, keep) });
  return logger;
}

beforeEach(() => {
  lines = [];
  log = captured('ingester', 'DEBUG');
  registerSecret(SECRET);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The parsed lines. */
const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('A log entry is one line of JSON with level, message, timestamp, service and the given fields', () => {
  log.info('connected', { topics: 3, nested: { list: [1, 'two', true] } });
  expect(lines).toEqual([expect.stringMatching(/^\{[^\n]*\}\n$/)]);
  expect(logged()).toEqual([
    {
      level: 'INFO',
      message: 'connected',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}/),
      service: 'ingester',
      topics: 3,
      nested: { list: [1, 'two', true] },
    },
  ]);
});

test.each(LOG_LEVELS)('A logger with level %s omits more verbose entries', (level) => {
  const quiet = captured('consumer', level);
  quiet.error('e');
  quiet.warn('w');
  quiet.info('i');
  quiet.debug('d');
  expect(logged().map((line) => line.level)).toEqual(LOG_LEVELS.slice(1, LOG_LEVELS.indexOf(level) + 1));
});

test('The logger writes to standard output', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  createLogger('consumer', 'INFO').info('hello');
  const written = write.mock.calls.map(([text]) => String(text));
  write.mockRestore();
  expect(JSON.parse(written.join(''))).toMatchObject({ message: 'hello', service: 'consumer' });
});

describe('Errors', () => {
  test('A logged error contains name, message, stack, cause and its own fields', () => {
    const cause = new TypeError('fetch failed');
    const error = new GenesysError('unreachable', 'no host', { retriable: true, cause });
    log.error('failed', { error });
    log.error('failed', error);
    for (const line of logged()) {
      expect(line.error).toMatchObject({
        name: 'GenesysError',
        message: 'no host',
        code: 'unreachable',
        retriable: true,
        stack: expect.stringContaining('logger.test'),
        cause: { name: 'TypeError', message: 'fetch failed' },
      });
    }
  });

  test('A logged error contains no secret in message, stack, cause or fields', () => {
    const cause = new Error(`cause with ${SECRET}`);
    const error = Object.assign(new Error(`with ${SECRET}`, { cause }), {
      url: `https://h/channels/${CHANNEL}`,
    });
    log.error('failed', { error });
    expect(lines.join()).not.toContain(SECRET);
    expect(lines.join()).not.toContain(CHANNEL);
    expect(logged()[0]?.error).toMatchObject({
      message: 'with [redacted]',
      url: 'https://h/channels/[redacted]',
    });
  });
});

describe('Secrets', () => {
  test.each<[string, () => void]>([
    ['the message', () => log.info(`token ${SECRET}`)],
    ['a field', () => log.info('x', { field: SECRET })],
    ['a nested field', () => log.info('x', { a: [{ b: { c: `${SECRET}!` } }] })],
    ['the name of a field', () => log.info('x', { [SECRET]: 1, nested: { [SECRET]: { [SECRET]: 2 } } })],
    [
      'JSON within a string',
      () => log.info('x', { text: JSON.stringify({ deep: JSON.stringify({ s: SECRET }) }) }),
    ],
  ])('A registered secret in %s is redacted', (_, write) => {
    write();
    expect(logged()).toHaveLength(1);
    expect(lines.join()).not.toContain(SECRET);
    expect(lines.join()).toContain('[redacted]');
  });

  test.each([
    ['the field accessToken', { accessToken: 'unregistered' }],
    ['the field access_token', { answer: { access_token: 'unregistered', expires_in: 60 } }],
    ['the field clientSecret', { credentials: [{ clientSecret: 'unregistered' }] }],
    ['the field channelId', { channelId: 'unregistered' }],
    ['a frame', { frame: '{"eventBody":{"channelId":"unregistered"}}' }],
    ['a frame in a frame', { frame: JSON.stringify('{"channelId":"unregistered"}') }],
    ['a header', { header: 'Bearer unregistered' }],
    ['a URL', { url: new URL('wss://h/x?access_token=unregistered') }],
  ])('An unregistered secret in %s is redacted', (_, fields) => {
    log.info('x', fields);
    expect(logged()).toHaveLength(1);
    expect(lines.join()).not.toContain('unregistered');
  });

  test('A registered secret with any characters is redacted', () => {
    const secret = anyText().filter((text) => text.trim().length >= 6 && !'[redacted]'.includes(text));
    fc.assert(
      fc.property(secret, anyText(), (one, around) => {
        lines = [];
        registerSecret(one);
        log.info('x', { field: around + one + around });
        expect(String(logged()[0]?.field ?? '')).not.toContain(one);
      }),
    );
  });
});

describe('Unusual values', () => {
  const circular: Record<string, unknown> = { name: 'circle', list: [] };
  circular.self = circular;
  (circular.list as unknown[]).push(circular);
  const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown;

  test.each<[string, unknown]>([
    ['null in place of a secret', { channelId: null, access_token: 5, client_secret: { a: 1 } }],
    ['a circular reference', circular],
    ['deep nesting', deep],
    ['a bigint', { n: 12345678901234567890n }],
    ['values that JSON does not support', { f: () => 1, s: Symbol('s'), u: undefined, n: Number.NaN }],
    ['a date', new Date(0)],
    ['an invalid date', new Date(Number.NaN)],
    ['a buffer', Buffer.from('abc')],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an error whose cause is not an error', new Error('x', { cause: 'text' })],
  ])('A log call with %s writes JSON', (_, value) => {
    log.info('x', { value });
    expect(logged()).toHaveLength(1);
  });

  test.each(['channelId: "abc"', "client_secret='a\"b'", 'access_token=a\\', 'Bearer "', '{"channelId":'])(
    'A log call with the text %s writes JSON',
    (text) => {
      log.info(text, { text });
      expect(logged()).toHaveLength(1);
    },
  );

  test('A log call with any value writes JSON', () => {
    fc.assert(
      fc.property(anyText(), jsonBody(), (message, value) => {
        lines = [];
        log.warn(message, { value });
        expect(logged(), inspect(value)).toHaveLength(1);
      }),
    );
  });
});
