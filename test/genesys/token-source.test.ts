import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { CREDENTIALS, TestServer, tokenAnswer } from './test-server.ts';

const DAY_MS = 86_400_000;
let server: TestServer;
let tokens: TokenSource;

beforeEach(async () => {
  server = await TestServer.start();
  tokens = server.tokens();
});
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

test('The token source requests a token with the client credentials grant', async () => {
  const before = Date.now();
  const token = await tokens.get();
  expect(token).toMatchObject({ accessToken: 'token-1', clientId: CREDENTIALS.clientId, lifeMs: DAY_MS });
  expect(token.expiresAtMs).toBeGreaterThanOrEqual(before + DAY_MS);
  expect(token.expiresAtMs).toBeLessThanOrEqual(Date.now() + DAY_MS);
  const [request] = server.tokenRequests;
  expect(request).toMatchObject({ method: 'POST', body: 'grant_type=client_credentials' });
  expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  const [scheme, basic] = String(request?.headers.authorization).split(' ');
  expect(scheme).toBe('Basic');
  expect(Buffer.from(String(basic), 'base64').toString()).toBe(
    `${CREDENTIALS.clientId}:${CREDENTIALS.clientSecret}`,
  );
});

test('The token source caches a token until it expires', async () => {
  const first = await tokens.get();
  expect(await tokens.get()).toBe(first);
  expect(server.tokenRequests).toHaveLength(1);
});

describe('Concurrent calls', () => {
  test('50 concurrent calls share one token request', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.get()));
    expect(new Set(all).size).toBe(1);
    expect(server.tokenRequests).toHaveLength(1);
  });

  test('50 concurrent calls share one failure, and the next call sends a new request', async () => {
    server.tokenAnswers = [{ status: 401 }, tokenAnswer('good')];
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => tokens.get()));
    expect(all.every(({ status }) => status === 'rejected')).toBe(true);
    expect(server.tokenRequests).toHaveLength(1);
    expect(await tokens.get()).toMatchObject({ accessToken: 'good' });
  });

  test('50 concurrent calls share one renewal when the token expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await tokens.get();
    vi.setSystemTime(Date.now() + DAY_MS);
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.get()));
    expect(new Set(all.map(({ accessToken }) => accessToken))).toEqual(new Set(['token-2']));
    expect(server.tokenRequests).toHaveLength(2);
  });
});

describe('Renewal', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });

  test.each([
    [86_400, 86_340],
    [300, 240],
    [10, 8],
  ])('A token with a lifetime of %i s is renewed after %i s', async (lifeSeconds, renewedAtSeconds) => {
    server.tokenAnswers = [tokenAnswer('first', lifeSeconds), tokenAnswer('second', lifeSeconds)];
    const start = Date.now();
    await tokens.get();
    vi.setSystemTime(start + renewedAtSeconds * 1_000 - 1);
    expect(await tokens.get()).toMatchObject({ accessToken: 'first' });
    vi.setSystemTime(start + renewedAtSeconds * 1_000);
    expect(await tokens.get()).toMatchObject({
      accessToken: 'second',
      expiresAtMs: start + (renewedAtSeconds + lifeSeconds) * 1_000,
    });
    expect(server.tokenRequests).toHaveLength(2);
  });

  test('A token is renewed earlier if the caller needs a longer remaining lifetime', async () => {
    const start = Date.now();
    await tokens.get();
    vi.setSystemTime(start + DAY_MS - 3_600_000);
    expect(await tokens.get()).toMatchObject({ accessToken: 'token-1' });
    expect(await tokens.get(3_599_999)).toMatchObject({ accessToken: 'token-1' });
    expect(await tokens.get(3_600_000)).toMatchObject({ accessToken: 'token-2' });
    expect(await tokens.get(3_600_000)).toMatchObject({ accessToken: 'token-2' });
  });

  test('A new token is returned even if its lifetime is shorter than requested', async () => {
    server.tokenAnswers = [tokenAnswer('short', 60)];
    expect(await tokens.get(DAY_MS)).toMatchObject({ accessToken: 'short', lifeMs: 60_000 });
  });

  test('A renewal reads the credentials again, so that a rotated secret takes effect', async () => {
    let clientSecret = 'the-old-secret';
    const rotating = new TokenSource({
      loginUrl: server.url,
      credentials: async () => ({ clientId: 'client-1', clientSecret }),
    });
    await rotating.get();
    clientSecret = 'the-new-secret';
    vi.setSystemTime(Date.now() + DAY_MS);
    await rotating.get();
    const sent = server.tokenRequests.map(({ headers }) =>
      Buffer.from(String(headers.authorization).slice('Basic '.length), 'base64').toString(),
    );
    expect(sent).toEqual(['client-1:the-old-secret', 'client-1:the-new-secret']);
  });
});

describe('Invalidation', () => {
  test('An invalidated token is removed from the cache', async () => {
    const { accessToken } = await tokens.get();
    tokens.invalidate(accessToken);
    expect(await tokens.get()).toMatchObject({ accessToken: 'token-2' });
  });

  test('The invalidation of an old token does not remove a newer token from the cache', async () => {
    const { accessToken } = await tokens.get();
    tokens.invalidate(accessToken);
    await tokens.get();
    tokens.invalidate(accessToken);
    expect(await tokens.get()).toMatchObject({ accessToken: 'token-2' });
    expect(server.tokenRequests).toHaveLength(2);
  });
});

test('A failure to read the credentials is passed to the caller, and the next call reads them again', async () => {
  const credentials = vi.fn(async () => CREDENTIALS as { clientId: string; clientSecret: string });
  credentials.mockRejectedValueOnce(new Error('the secret is not filled'));
  const source = new TokenSource({ loginUrl: server.url, credentials });
  await expect(source.get()).rejects.toThrow('the secret is not filled');
  expect(await source.get()).toMatchObject({ accessToken: 'token-1' });
});
