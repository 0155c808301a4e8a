import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RateLimit } from '../../lib/genesys/request-rate-limit.ts';
import { RestClient, type RestRequest } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { type Answer, answering, CREDENTIALS, TestServer, tokenAnswer } from './test-server.ts';

const TOKEN = 'tok_3nNotToBeSeenAnywhere-1234567890';
const CHANNEL = 'streaming-4-fmtdmf8cdis7jh14udg5p89t6z';
const SUBSCRIBE: RestRequest = {
  method: 'PUT',
  path: '/api/v2/notifications/channels/{channelId}/subscriptions',
  parameters: { channelId: CHANNEL },
  body: [],
};
let server: TestServer;
let rest: RestClient;

beforeEach(async () => {
  server = await TestServer.start();
  server.tokenAnswers = [tokenAnswer(TOKEN)];
  rest = new RestClient({ apiUrl: server.url, tokens: server.tokens() });
  // No delay between attempts.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await server.close();
});

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('The call did not fail');
    },
    (reason: Error) => reason,
  );
}

describe('Error messages', () => {
  test('An error contains the request, the status, the message of the response and its correlation id', async () => {
    server.answers = [
      {
        status: 403,
        headers: { 'inin-correlation-id': 'd753deef-f7d5' },
        body: { code: 'missing.permissions', message: 'You are missing: routing:queue:view' },
      },
    ];
    const { message } = await failureOf(rest.call({ method: 'GET', path: '/api/v2/routing/queues' }));
    expect(message).toBe(
      'GET /api/v2/routing/queues returned status 403: You are missing: routing:queue:view (inin-correlation-id d753deef-f7d5)',
    );
  });

  test.each<[string, Answer, string]>([
    [
      'text that is not JSON',
      { status: 400, text: 'Bad Request' },
      'GET /api/v2/x returned status 400: Bad Request',
    ],
    ['an empty body', { status: 400 }, 'GET /api/v2/x returned status 400'],
    ['JSON without a message', { status: 400, body: { message: 7 } }, 'GET /api/v2/x returned status 400'],
    ['JSON that is not an object', { status: 400, body: null }, 'GET /api/v2/x returned status 400'],
  ])('An error for a response with %s contains the request and the status', async (_, answer, message) => {
    server.answers = [answer];
    expect((await failureOf(rest.call({ method: 'GET', path: '/api/v2/x' }))).message).toBe(message);
  });

  test('A client that quotes permissions names those that are missing, and nothing else of a response', async () => {
    const options = { apiUrl: server.url, tokens: server.tokens(), quotes: 'permissions' } as const;
    const call = () => failureOf(new RestClient(options).call({ method: 'GET', path: '/api/v2/x' }));
    const message = 'Jane Doe is missing audits:audit:view, analytics:userDetail:view (audits:audit:view).';
    server.answers = [{ status: 403, body: { message } }];
    expect((await call()).message).toBe(
      'GET /api/v2/x returned status 403: audits:audit:view, analytics:userDetail:view',
    );
    server.answers = [{ status: 400, body: { message } }];
    expect((await call()).message).toBe('GET /api/v2/x returned status 400');
    server.answers = [{ status: 403, text: 'Jane Doe' }];
    expect((await call()).message).toBe('GET /api/v2/x returned status 403');
  });

  test('An error quotes only the beginning of a long response', async () => {
    server.answers = [{ status: 400, text: 'x'.repeat(100_000) }];
    const { message } = await failureOf(rest.call({ method: 'GET', path: '/api/v2/x' }));
    expect(message.length).toBeLessThan(400);
  });
});

describe('Secrets in errors', () => {
  test.each<[string, Answer]>([
    ['has an error status', { status: 404 }],
    ['quotes the channel', { status: 404, body: { message: `Channel ${CHANNEL} was not found` } }],
    ['quotes the path', { status: 404, text: `no such page: /channels/${CHANNEL}/subscriptions` }],
    ['quotes the token', { status: 401, body: { message: `The token ${TOKEN} has ended: Bearer ${TOKEN}` } }],
    ['quotes the secret', { status: 400, body: { message: `secret ${CREDENTIALS.clientSecret}` } }],
    ['is not JSON', { text: `{"id":"${CHANNEL}","token":"${TOKEN}"` }],
    ['is lost with the connection', 'reset'],
  ])('An error contains no secret if the response %s', async (_, answer) => {
    server.answers = [answer];
    const shown = inspect(await failureOf(rest.call(SUBSCRIBE)), { depth: null });
    expect(shown).toContain('PUT /api/v2/notifications/channels/{channelId}/subscriptions');
    for (const secret of [TOKEN, CHANNEL, CREDENTIALS.clientSecret]) expect(shown).not.toContain(secret);
  });

  test.each([TOKEN, CHANNEL])(
    'An error does not contain the first half of the secret %s at the end of a truncated message',
    async (secret) => {
      for (let before = 300 - secret.length; before <= 300; before += 4) {
        server.answers = [
          { status: 400, body: { message: 'x'.repeat(before - 1) + ' '.repeat(1) + secret } },
        ];
        const { message } = await failureOf(rest.call(SUBSCRIBE));
        expect(message).not.toContain(secret.slice(0, 10));
      }
    },
  );

  test('An error contains no secret if the server is unreachable', async () => {
    const broken = new RestClient({ apiUrl: 'http://127.0.0.1:1', tokens: server.tokens() });
    const shown = inspect(await failureOf(broken.call(SUBSCRIBE)), { depth: null });
    for (const secret of [TOKEN, CHANNEL]) expect(shown).not.toContain(secret);
  });
});

describe('Abort signals', () => {
  const withSignal = (signal: AbortSignal): RestRequest => ({ ...SUBSCRIBE, signal });

  test('A call with an aborted signal sends no request', async () => {
    const error = await failureOf(rest.call(withSignal(AbortSignal.abort())));
    expect(error.name).toBe('AbortError');
    expect(server.requests).toHaveLength(0);
  });

  test('A call that is aborted while it waits for the response ends without a retry', async () => {
    const controller = new AbortController();
    server.answers = ['never'];
    server.onRequest = ({ url }) => {
      if (url !== '/oauth/token') controller.abort();
    };
    expect((await failureOf(rest.call(withSignal(controller.signal)))).name).toBe('AbortError');
    expect(server.requests).toHaveLength(1);
  });

  test('A call that is aborted during the delay before a retry ends without the retry', async () => {
    vi.useFakeTimers({ fakeNodeBuiltins: true });
    const token = { body: { access_token: TOKEN, expires_in: 60 } };
    const tokens = new TokenSource({
      loginUrl: 'http://login',
      credentials: async () => CREDENTIALS,
      fetch: answering(token).fetch,
    });
    const { fetch, times } = answering({ status: 429, headers: { 'retry-after': '100' } });
    const throttled = new RestClient({ apiUrl: 'http://api', tokens, fetch });
    const controller = new AbortController();
    const failed = failureOf(throttled.call(withSignal(controller.signal)));
    await vi.advanceTimersByTimeAsync(50_000);
    controller.abort();
    expect((await failed).name).toBe('AbortError');
    await vi.runAllTimersAsync();
    expect(times).toHaveLength(1);
  });

  test('A call that is aborted while the rate limit delays it sends no request', async () => {
    const rateLimit = new RateLimit(1);
    const limited = new RestClient({ apiUrl: server.url, tokens: server.tokens(), rateLimit });
    await limited.call(SUBSCRIBE);
    const controller = new AbortController();
    const failed = failureOf(limited.call(withSignal(controller.signal)));
    controller.abort();
    expect((await failed).name).toBe('AbortError');
    expect(server.requests).toHaveLength(1);
  });
});
