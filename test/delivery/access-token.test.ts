import { announceSecret } from 'switchboard-local/announcements.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { redact } from '../../lib/events/redaction.ts';
import { CredentialsHarness } from './credentials-harness.ts';
import { ReceivingServer } from './receiving-server.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const CLIENT = { clientId: 'client:1', clientSecret: 'the s3cret/of+client=1' };
const REQUEST = { id: 'event-1', body: '{}', atMs: 0 };

let harness: CredentialsHarness;
let endpoint: ReceivingServer;
/** The response of the token endpoint; by default a new token each time. */
let answer: (count: number) => { status?: number; body: unknown };
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  harness = new CredentialsHarness();
  harness.store('oauth', JSON.stringify(CLIENT));
  endpoint = await ReceivingServer.start();
  answer = (count) => ({ body: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: 3_600 } });
  endpoint.respond = (response) => {
    const { status = 200, body } = answer(endpoint.requests.length);
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
});
afterEach(async () => {
  vi.useRealTimers();
  harness.caller.close();
  await endpoint.close();
});
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const newCredentials = (scope?: string) =>
  harness.credentials({
    auth: { kind: 'oauth', tokenUrl: endpoint.url('/oauth/token').href, secretId: 'oauth', scope },
  });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('A token is requested with the client credentials grant', async () => {
  expect(await newCredentials('events.write contacts').headers(REQUEST)).toEqual(bearer('token-1'));
  const [request] = endpoint.requests;
  expect(request).toMatchObject({
    method: 'POST',
    path: '/oauth/token',
    body: 'grant_type=client_credentials&scope=events.write+contacts',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  });
  const [scheme, basic = ''] = request?.headers.authorization?.split(' ') ?? [];
  expect(scheme).toBe('Basic');
  const parts = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
  expect(parts).toEqual([CLIENT.clientId, CLIENT.clientSecret]);
});

test('Concurrent requests share a token', async () => {
  const credentials = newCredentials();
  const headers = await Promise.all(Array.from({ length: 20 }, () => credentials.headers(REQUEST)));
  expect(headers).toEqual(Array.from({ length: 20 }, () => bearer('token-1')));
  expect(endpoint.requests).toHaveLength(1);
});

test.each([
  ['one minute, of an hour', 3_600, 59 * MINUTE],
  ['a fifth, of 100 seconds', '100', 80 * SECOND],
  ['a fifth, of five minutes if the lifetime is unknown', undefined, 4 * MINUTE],
])('A token is renewed before it expires: %s', async (_, expires_in, renewAfterMs) => {
  answer = (count) => ({ body: { access_token: `token-${count}`, expires_in } });
  const credentials = newCredentials();
  await credentials.headers(REQUEST);
  pass(renewAfterMs - SECOND);
  expect(await credentials.headers(REQUEST)).toEqual(bearer('token-1'));
  pass(SECOND);
  expect(await credentials.headers(REQUEST)).toEqual(bearer('token-2'));
});

test('If the renewal fails, the old token is used until it expires', async () => {
  const credentials = newCredentials();
  await credentials.headers(REQUEST);
  answer = () => ({ status: 503, body: '' });
  pass(59.5 * MINUTE);
  expect(await credentials.headers(REQUEST)).toEqual(bearer('token-1'));
  pass(MINUTE);
  await expect(credentials.headers(REQUEST)).rejects.toMatchObject({ code: 'token_unavailable' });
});

describe('After the destination has refused a request', () => {
  test('a token from the cache is replaced, and the request can be repeated', async () => {
    const credentials = newCredentials();
    await credentials.headers(REQUEST);
    await credentials.headers(REQUEST);
    expect(credentials.refused()).toBe(true);
    expect(await credentials.headers(REQUEST)).toEqual(bearer('token-2'));
  });

  test('with a new token, a retry makes no sense', async () => {
    const credentials = newCredentials();
    await credentials.headers(REQUEST);
    expect(credentials.refused()).toBe(false);
    expect(await credentials.headers(REQUEST)).toEqual(bearer('token-2'));
  });
});

describe('A token is unavailable', () => {
  test.each([400, 401, 403])('if the client is refused with %i', async (status) => {
    answer = () => ({ status, body: `wrong ${CLIENT.clientSecret}` });
    await expect(newCredentials().headers(REQUEST)).rejects.toMatchObject({
      name: 'CredentialsError',
      code: 'token_refused',
      retriable: true,
      message: expect.stringMatching(
        new RegExp(
          `refused the client with status ${status}: check clientId and clientSecret in the secret oauth`,
        ),
      ),
    });
  });

  test.each([302, 404, 429, 500, 503])('if the endpoint returns status %i', async (status) => {
    answer = () => ({ status, body: '' });
    await expect(newCredentials().headers(REQUEST)).rejects.toMatchObject({
      code: 'token_unavailable',
      retriable: true,
      message: `The token endpoint 127.0.0.1:${endpoint.port} returned status ${status}`,
    });
  });

  test('if the endpoint does not respond', async () => {
    endpoint.respond = (_response, _request, socket) => socket.destroy();
    await expect(newCredentials().headers(REQUEST)).rejects.toMatchObject({
      code: 'token_unavailable',
      message: expect.stringContaining('did not respond: The connection to 127.0.0.1'),
    });
  });

  test.each([
    ['a page', '<html>'],
    ['no token', {}],
    ['an empty token', { access_token: '' }],
    ['a token with a line break', { access_token: 'one\r\nx-other: two' }],
    ['a token of another type', { access_token: 'token-of-type-mac', token_type: 'mac' }],
    ['a lifetime that is none', { access_token: 'token-without-life', expires_in: -1 }],
    ['longer than the limit', { access_token: 'x'.repeat(17_000) }],
  ])('if the response is %s', async (_, body) => {
    answer = () => ({ body });
    const error = await newCredentials()
      .headers(REQUEST)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'token_invalid', retriable: true });
    expect(String(error)).not.toMatch(/html|x-other|token-of|token-without/);
  });

  test.each([
    ['not JSON', 'client-1:the-s3cret'],
    ['without a secret', '{"clientId":"client-1"}'],
    ['with an empty id', '{"clientId":"","clientSecret":"the-s3cret"}'],
    ['a list', '["client-1"]'],
    ['empty', ''],
  ])('if the value of the secret is %s', async (_, text) => {
    harness.store('oauth', text);
    const error = await newCredentials()
      .headers(REQUEST)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'secret_invalid',
      retriable: true,
      message:
        'The value of the secret oauth is not {"clientId":"…","clientSecret":"…"}: store the OAuth client in it',
    });
    expect(endpoint.requests).toEqual([]);
  });

  test('and after a failure it is requested at most once a second', async () => {
    answer = () => ({ status: 503, body: '' });
    const credentials = newCredentials();
    for (let count = 0; count < 10; count++) await expect(credentials.headers(REQUEST)).rejects.toThrow();
    expect(endpoint.requests).toHaveLength(1);
    pass(SECOND);
    answer = () => ({ body: { access_token: 'token-after' } });
    expect(await credentials.headers(REQUEST)).toEqual(bearer('token-after'));
  });
});

test('A rotated client secret is used after the endpoint has refused the old one', async () => {
  answer = () => ({ status: 401, body: '' });
  const credentials = newCredentials();
  await expect(credentials.headers(REQUEST)).rejects.toMatchObject({ code: 'token_refused' });
  harness.store('oauth', JSON.stringify({ ...CLIENT, clientSecret: 'a-new-s3cret' }));
  pass(6 * SECOND);
  await expect(credentials.headers(REQUEST)).rejects.toMatchObject({ code: 'token_refused' });
  pass(6 * SECOND);
  answer = () => ({ body: { access_token: 'token-after' } });
  expect(await credentials.headers(REQUEST)).toEqual(bearer('token-after'));
  const basic = endpoint.requests.at(-1)?.headers.authorization?.slice('Basic '.length) ?? '';
  expect(Buffer.from(basic, 'base64').toString()).toBe('client%3A1:a-new-s3cret');
});

test('The token, the client secret and the Basic header are in no log', async () => {
  answer = () => ({ body: { access_token: 'the-access.token' } });
  announceSecret('the-access.token');
  await newCredentials().headers(REQUEST);
  const basic = endpoint.requests[0]?.headers.authorization?.slice('Basic '.length);
  const log = redact(`the-access.token, ${CLIENT.clientSecret}, ${basic}`);
  expect(log).toBe('[redacted], [redacted], [redacted]');
});

test('The token endpoint must have an allowed address', async () => {
  harness = new CredentialsHarness('public');
  harness.store('oauth', JSON.stringify(CLIENT));
  await expect(newCredentials().headers(REQUEST)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringContaining('use https'),
  });
  expect(endpoint.connections).toBe(0);
});
