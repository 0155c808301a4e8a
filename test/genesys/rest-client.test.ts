import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { RateLimit } from '../../lib/genesys/request-rate-limit.ts';
import { RestClient, type RestRequest } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { answering, CREDENTIALS, TestServer } from './test-server.ts';

/** Attempts per call, the first included. */
const MAX_ATTEMPTS = 5;
const USERS: RestRequest = { method: 'GET', path: '/api/v2/users' };
let server: TestServer;
let rest: RestClient;

beforeEach(async () => {
  server = await TestServer.start();
  rest = new RestClient({ apiUrl: server.url, tokens: server.tokens() });
  // No delay between attempts.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await server.close();
});

describe('Requests', () => {
  test('The REST client sends path, query, body and token, and returns the JSON of the response', async () => {
    server.answers = [{ body: { entities: [{ id: 'ä' }] } }];
    const answer = await rest.call({
      method: 'PUT',
      path: '/api/v2/notifications/channels/{channelId}/subscriptions',
      parameters: { channelId: 'streaming-0-abc' },
      query: { ignoreErrors: 'true', expand: 'a,b&c' },
      body: [{ id: 'v2.users.1.presence' }],
    });
    expect(answer).toEqual({ entities: [{ id: 'ä' }] });
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'PUT',
      url: '/api/v2/notifications/channels/streaming-0-abc/subscriptions?ignoreErrors=true&expand=a%2Cb%26c',
      body: '[{"id":"v2.users.1.presence"}]',
    });
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer token-1',
      'content-type': 'application/json',
    });
  });

  test.each([
    [{ userId: 'a b/../c?d#e' }, '/api/v2/users/a%20b%2F..%2Fc%3Fd%23e/queues/'],
    [{ userId: '$&', queueId: '{userId}' }, '/api/v2/users/%24%26/queues/%7BuserId%7D'],
  ])('The REST client escapes the path parameters %j', async (parameters: Record<string, string>, url) => {
    await rest.call({ method: 'GET', path: '/api/v2/users/{userId}/queues/{queueId}', parameters });
    expect(server.requests[0]?.url).toBe(url);
  });

  test.each(['GET', 'HEAD', 'DELETE'] as const)(
    'The REST client sends %s without a body and returns undefined for an empty response',
    async (method) => {
      server.answers = [{ status: method === 'DELETE' ? 204 : 200 }];
      expect(await rest.call({ method, path: '/api/v2/x' })).toBeUndefined();
      expect(server.requests).toMatchObject([{ method, body: '' }]);
    },
  );

  test('The REST client uses one token for all calls', async () => {
    await Promise.all([rest.call(USERS), rest.call(USERS), rest.call(USERS)]);
    await rest.call(USERS);
    expect(server.requests).toHaveLength(4);
    expect(server.tokenRequests).toHaveLength(1);
  });
});

describe('Retries', () => {
  test.each([408, 429, 500, 502, 503, 504])('Status %i is retried', async (status) => {
    server.answers = [{ status }, { status }, { body: { ok: true } }];
    expect(await rest.call(USERS)).toEqual({ ok: true });
    expect(server.requests).toHaveLength(3);
  });

  test.each([
    [408, 'unavailable'],
    [429, 'rate_limited'],
    [503, 'unavailable'],
  ])('Repeated status %i causes the error %s after five attempts', async (status, code) => {
    server.answers = [{ status }];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code, status, retriable: true });
    expect(server.requests).toHaveLength(MAX_ATTEMPTS);
  });

  test.each([
    [400, 'refused'],
    [403, 'missing_permission'],
    [404, 'not_found'],
    [409, 'refused'],
    [413, 'refused'],
    [501, 'unavailable'],
  ])('Status %i causes the error %s without a retry', async (status, code) => {
    server.answers = [{ status }];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code, status, retriable: false });
    expect(server.requests).toHaveLength(1);
  });

  test('A lost connection is retried, up to five attempts', async () => {
    server.answers = ['reset', 'reset', { body: { ok: true } }];
    expect(await rest.call(USERS)).toEqual({ ok: true });
    server.answers = ['reset'];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code: 'unreachable', retriable: true });
    expect(server.requests).toHaveLength(3 + MAX_ATTEMPTS);
  });

  test('A response that is not JSON is retried, up to five attempts', async () => {
    server.answers = [{ text: '<html>' }, { body: { ok: true } }];
    expect(await rest.call(USERS)).toEqual({ ok: true });
    server.answers = [{ text: '{"half":' }];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code: 'unexpected_answer' });
    expect(server.requests).toHaveLength(2 + MAX_ATTEMPTS);
  });

  test('The Retry-After header delays the next attempt, up to two minutes', async () => {
    vi.useFakeTimers({ fakeNodeBuiltins: true });
    const token = { body: { access_token: 'token-1', expires_in: 86_400 } };
    const tokens = new TokenSource({
      loginUrl: 'http://login',
      credentials: async () => CREDENTIALS,
      fetch: answering(token).fetch,
    });
    const throttled = (after: string) => ({ status: 429, headers: { 'retry-after': after } });
    const { fetch, times } = answering(throttled('3'), throttled('60'), throttled('9999'), { body: {} });
    const call = new RestClient({ apiUrl: 'http://api', tokens, fetch }).call(USERS);
    await vi.runAllTimersAsync();
    await call;
    expect(times.slice(1).map((time, index) => time - times[index]!)).toEqual([3_000, 60_000, 120_000]);
  });
});

describe('Rejected tokens', () => {
  test('A rejected token is renewed and the call is repeated', async () => {
    server.answers = [{ status: 401 }, { body: { ok: true } }];
    expect(await rest.call(USERS)).toEqual({ ok: true });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('A second rejected token ends the call', async () => {
    server.answers = [{ status: 401 }];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code: 'unauthorized', retriable: false });
    expect(server.requests).toHaveLength(2);
    expect(server.tokenRequests).toHaveLength(2);
  });

  test('A rejected token does not increase the number of attempts', async () => {
    server.answers = [{ status: 503 }, { status: 401 }, { status: 503 }];
    await expect(rest.call(USERS)).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.requests).toHaveLength(MAX_ATTEMPTS);
  });

  test('A revoked token is renewed once for many concurrent calls', async () => {
    const cloud = new Simulator({ users: 3 });
    const { url, close } = await cloud.listen();
    const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
    const grants = vi.fn(fetch);
    const tokens = new TokenSource({ loginUrl: url, credentials, fetch: grants });
    const api = new RestClient({ apiUrl: url, tokens });
    await api.call(USERS);
    cloud.revokeTokens();
    const all = await Promise.all(Array.from({ length: 10 }, () => api.call(USERS)));
    for (const answer of all) expect(answer).toMatchObject({ total: 3 });
    expect(grants).toHaveBeenCalledTimes(2);
    await close();
  });
});

test('The REST client waits for the rate limit before every attempt', async () => {
  const order: string[] = [];
  const rateLimit = new RateLimit();
  vi.spyOn(rateLimit, 'take').mockImplementation(async () => void order.push('allowed'));
  server.onRequest = () => order.push('request');
  server.answers = [{ status: 503 }, { body: {} }];
  await new RestClient({ apiUrl: server.url, tokens: server.tokens(), rateLimit }).call(USERS);
  expect(order).toEqual(['request', 'allowed', 'request', 'allowed', 'request']);
});

test('A failed call throws a GenesysError that names the request and the status', async () => {
  server.answers = [{ status: 404 }];
  await expect(rest.call(USERS)).rejects.toBeInstanceOf(GenesysError);
  await expect(rest.call(USERS)).rejects.toThrow('GET /api/v2/users returned status 404');
});
