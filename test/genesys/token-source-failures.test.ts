import { inspect } from 'node:util';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { answering, CREDENTIALS, TestServer, tokenAnswer } from './test-server.ts';

/** Attempts per renewal, the first included. */
const MAX_ATTEMPTS = 5;
const good = { body: { access_token: 'token-1', expires_in: 86_400 } };

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function failureOf(promise: Promise<unknown>): Promise<GenesysError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GenesysError);
  return error as GenesysError;
}

test('The errors for an unknown client and a wrong secret name the setting to check', async () => {
  const cloud = new Simulator();
  const { url, close } = await cloud.listen();
  const source = (clientId: string, clientSecret: string) =>
    new TokenSource({ loginUrl: url, credentials: async () => ({ clientId, clientSecret }) });
  try {
    const unknown = await failureOf(source('another-client', 'simulator-secret').get());
    expect(unknown).toMatchObject({ code: 'unknown_client', retriable: false, status: 400 });
    expect(unknown.message).toMatch(/the OAuth client another-client .*GENESYS_CLIENT_ID.*GENESYS_DOMAIN/);
    const wrong = await failureOf(source('simulator-client', 'another-secret').get());
    expect(wrong).toMatchObject({ code: 'wrong_secret', retriable: false, status: 401 });
    expect(wrong.message).toMatch(/the OAuth client simulator-client .*GENESYS_CLIENT_SECRET/);
    expect(inspect(wrong)).not.toContain('another-secret');
    expect(await source('simulator-client', 'simulator-secret').get()).toHaveProperty('accessToken');
  } finally {
    await close();
  }
});

describe('Failures of token requests', () => {
  let server: TestServer;
  let tokens: TokenSource;
  beforeEach(async () => {
    server = await TestServer.start();
    tokens = server.tokens();
    // No delay between attempts.
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => server.close());

  test('The error for a client without the required grant names the grant and the role', async () => {
    server.tokenAnswers = [{ status: 403, body: { error: 'unauthorized_client' } }];
    const error = await failureOf(tokens.get());
    expect(error).toMatchObject({ code: 'missing_permission', retriable: false, status: 403 });
    expect(error.message).toMatch(/Client Credentials grant.*role/);
    expect(server.tokenRequests).toHaveLength(1);
  });

  test.each([408, 429, 500, 502, 503, 504])('Status %i is retried', async (status) => {
    server.tokenAnswers = [{ status }, { status }, tokenAnswer('late')];
    expect(await tokens.get()).toMatchObject({ accessToken: 'late' });
    expect(server.tokenRequests).toHaveLength(3);
  });

  test.each([
    [503, 'unavailable'],
    [429, 'rate_limited'],
  ])('Repeated status %i causes the error %s after five attempts', async (status, code) => {
    server.tokenAnswers = [{ status }];
    expect(await failureOf(tokens.get())).toMatchObject({ code, status, retriable: true });
    expect(server.tokenRequests).toHaveLength(MAX_ATTEMPTS);
  });

  test.each([404, 418, 501])('Status %i is not retried', async (status) => {
    server.tokenAnswers = [{ status }];
    expect(await failureOf(tokens.get())).toMatchObject({ code: 'unavailable', status, retriable: false });
    expect(server.tokenRequests).toHaveLength(1);
  });

  test('A broken connection is retried, up to five attempts', async () => {
    server.tokenAnswers = ['reset', tokenAnswer('late')];
    expect(await tokens.get()).toMatchObject({ accessToken: 'late' });
    tokens.invalidate('late');
    server.tokenAnswers = ['reset'];
    const error = await failureOf(tokens.get());
    expect(error).toMatchObject({ code: 'unreachable', retriable: true });
    expect(error.message).toContain(new URL(server.url).host);
    expect(server.tokenRequests).toHaveLength(2 + MAX_ATTEMPTS);
  });

  test.each([
    ['text that is not JSON', { text: '<html>leaked-token</html>' }],
    ['an empty body', {}],
    ['no token', { body: { expires_in: 60, id: 'leaked-token' } }],
    ['an empty token', { body: { access_token: '', expires_in: 60 } }],
    ['no lifetime', { body: { access_token: 'leaked-token' } }],
    ['a lifetime of 0', { body: { access_token: 'leaked-token', expires_in: 0 } }],
    ['a lifetime as a string', { body: { access_token: 'leaked-token', expires_in: '60' } }],
  ])('A token response with %s causes an error that does not quote it', async (_, answer) => {
    server.tokenAnswers = [answer];
    const error = await failureOf(tokens.get());
    expect(error).toMatchObject({ code: 'unexpected_answer', status: 200 });
    expect(inspect(error, { depth: null })).not.toContain('leaked-token');
    expect(server.tokenRequests).toHaveLength(MAX_ATTEMPTS);
  });

  test('No error contains the client secret', async () => {
    const basic = Buffer.from(`${CREDENTIALS.clientId}:${CREDENTIALS.clientSecret}`).toString('base64');
    for (const answer of [
      { status: 400 },
      { status: 401 },
      { status: 403 },
      { status: 503 },
      'reset' as const,
    ]) {
      server.tokenAnswers = [answer];
      const shown = inspect(await failureOf(tokens.get()), { depth: null });
      for (const secret of [CREDENTIALS.clientSecret, basic]) expect(shown).not.toContain(secret);
    }
  });
});

test('An unknown host causes an error that names the setting to check, without a retry', async () => {
  const fetch = vi.fn(async () => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ENOTFOUND' }) });
  });
  const tokens = new TokenSource({
    loginUrl: 'https://login.mypurecloud.example',
    credentials: async () => CREDENTIALS,
    fetch,
  });
  const error = await failureOf(tokens.get());
  expect(error).toMatchObject({ code: 'unreachable', retriable: false });
  expect(error.message).toMatch(/login\.mypurecloud\.example.*GENESYS_DOMAIN/);
  expect(fetch).toHaveBeenCalledTimes(1);
});

describe('Delays between attempts', () => {
  beforeEach(() => {
    vi.useFakeTimers({ fakeNodeBuiltins: true, now: Date.UTC(2026, 2, 21) });
  });

  async function waitsMs(...answers: Parameters<typeof answering>): Promise<number[]> {
    const { fetch, times } = answering(...answers);
    const tokens = new TokenSource({ loginUrl: 'http://login', credentials: async () => CREDENTIALS, fetch });
    const ended = Promise.allSettled([tokens.get()]);
    await vi.runAllTimersAsync();
    await ended;
    return times.slice(1).map((time, index) => time - (times[index] ?? 0));
  }
  const throttled = (after: string) => ({ status: 429, headers: { 'retry-after': after } });

  test.each([
    ['7', 7_000],
    ['0.25', 250],
    ['60', 60_000],
    ['Sat, 21 Mar 2026 00:00:09 GMT', 9_000],
  ])('The header "Retry-After: %s" delays the next attempt by %i ms', async (after, waitMs) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(await waitsMs(throttled(after), good)).toEqual([waitMs]);
  });

  test('A very long Retry-After delays the next attempt by two minutes', async () => {
    expect(await waitsMs(throttled('99999999'), good)).toEqual([120_000]);
  });

  test('The delay without Retry-After is random, with an upper bound that doubles', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    expect(await waitsMs({ status: 503 })).toEqual([1_000, 2_000, 4_000, 8_000]);
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(await waitsMs({ status: 503 })).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test.each(['soon', '-1', ''])('The invalid header "Retry-After: %s" is ignored', async (after) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(await waitsMs(throttled(after), good)).toEqual([0]);
  });
});
