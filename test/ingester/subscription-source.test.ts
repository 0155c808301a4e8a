import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BACKOFF_LIMITS } from '../../functions/ingester/backoff.ts';
import { SecretEmptyError } from '../../functions/ingester/credentials.ts';
import type { ProtocolContext, Subscription } from '../../functions/ingester/protocols/stream-protocol.ts';
import { SECRET_POLL_MS, SubscriptionSource } from '../../functions/ingester/subscription-source.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { FakeProtocol, offlineContext } from './fake-protocol.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

type Subscriptions = ReadonlyMap<string, Subscription>;
const FOUND: Subscriptions = new Map([['0', { topics: ['a'] }]]);
const temporary = () =>
  new GenesysError('unavailable', 'GET /api/v2/users answered 503', { retriable: true });
const permanent = () => new GenesysError('missing_permission', 'no permission', { retriable: false });

let log: TestLog;
let abort: AbortController;
/** What each attempt to list does: it throws, or it yields these subscriptions one after another. */
let attempts: (Error | readonly Subscriptions[])[];
let credentials: () => void;
let source: SubscriptionSource;

class ListingProtocol extends FakeProtocol {
  override async *subscriptions(): AsyncGenerator<Subscriptions> {
    const attempt = attempts.shift() ?? [];
    if (attempt instanceof Error) throw attempt;
    yield* attempt;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  log = new TestLog();
  abort = new AbortController();
  credentials = () => {};
  const offline = offlineContext(log, abort.signal);
  const clients: ProtocolContext['clients'] = async () => {
    credentials();
    return offline.clients();
  };
  source = new SubscriptionSource(new ListingProtocol(), {}, { ...offline, clients }, {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

test('The first subscriptions are returned, and later ones are reported', async () => {
  const later: Subscriptions = new Map();
  attempts = [[FOUND, later]];
  expect(await source.first()).toBe(FOUND);
  const reported: Subscriptions[] = [];
  await source.follow((subscriptions) => reported.push(subscriptions));
  expect(reported).toEqual([later]);
});

test('After a temporary failure, the start is retried with increasing delays until it succeeds', async () => {
  attempts = [temporary(), temporary(), temporary(), [FOUND]];
  let found: Subscriptions | undefined;
  void source.first().then((subscriptions) => {
    found = subscriptions;
  });
  await pass();
  expect(source.startError).toBe('GET /api/v2/users answered 503');
  await pass(60_000);
  expect(found).toBe(FOUND);
  expect(source.startError).toBeUndefined();
  const warnings = log.about('the subscriptions could not be found');
  expect(warnings.map(({ fields }) => fields.attempt)).toEqual([1, 2, 3]);
  expect(warnings.map(({ fields }) => fields.delayMs)).toEqual([1_000, 2_000, 4_000]);
});

test('A permanent failure at the start is thrown at once', async () => {
  attempts = [permanent(), [FOUND]];
  await expect(source.first()).rejects.toMatchObject({ code: 'missing_permission' });
  expect(attempts).toHaveLength(1);
});

test('A permanent failure after temporary ones is thrown', async () => {
  attempts = [temporary(), permanent(), [FOUND]];
  const failed = expect(source.first()).rejects.toMatchObject({ code: 'missing_permission' });
  await pass(60_000);
  await failed;
});

test('Too many temporary failures in a row are thrown', async () => {
  const { failedAttempts } = BACKOFF_LIMITS;
  attempts = Array.from({ length: failedAttempts }, temporary);
  attempts.push([FOUND]);
  const failed = expect(source.first()).rejects.toMatchObject({ code: 'unavailable' });
  await pass(600_000);
  await failed;
  expect(attempts).toHaveLength(1);
});

test('An empty secret is read again until it is filled, and does not count as a failure', async () => {
  attempts = [[FOUND]];
  let reads = 0;
  credentials = () => {
    if (++reads <= 20) throw new SecretEmptyError('switchboard/genesys');
  };
  const first = source.first();
  await pass();
  expect(source.emptySecret?.message).toMatch(/switchboard\/genesys/);
  await pass(20 * SECRET_POLL_MS);
  expect(await first).toBe(FOUND);
  expect(reads).toBe(21);
  expect(source.emptySecret).toBeUndefined();
  expect(log.lines.map(({ level }) => level)).toEqual(['error']);
});

test('An abort ends the delay before the next attempt', async () => {
  attempts = [temporary(), [FOUND]];
  const aborted = expect(source.first()).rejects.toMatchObject({ name: 'AbortError' });
  await pass();
  abort.abort();
  await aborted;
  expect(attempts).toHaveLength(1);
});

test('A failure after the first subscriptions is thrown, and after an abort it is not', async () => {
  async function* failing(): AsyncGenerator<Subscriptions> {
    yield FOUND;
    throw new Error('no more');
  }
  for (const isAborted of [false, true]) {
    const protocol = Object.assign(new ListingProtocol(), { subscriptions: failing });
    const stop = new AbortController();
    const other = new SubscriptionSource(protocol, {}, offlineContext(log, stop.signal), {});
    await other.first();
    if (isAborted) stop.abort();
    const following = other.follow(() => {});
    if (isAborted) await following;
    else await expect(following).rejects.toThrow('no more');
  }
});
