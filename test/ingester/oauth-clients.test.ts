import { beforeEach, describe, expect, test } from 'vitest';
import { SecretEmptyError } from '../../functions/ingester/credentials.ts';
import { OAuthClients } from '../../functions/ingester/oauth-clients.ts';
import { TestLog } from './test-log.ts';

const CLIENT_SECRET = 'the-s3cret-of-every-client';

let log: TestLog;
let tokenRequests: string[];
/** Client ids in the secrets; undefined for an empty secret. */
let secrets: (string | undefined)[];

beforeEach(() => {
  log = new TestLog();
  tokenRequests = [];
});

/** OAuth clients whose requests are answered with a token that names the client. */
function clientsOf(...ids: (string | undefined)[]): OAuthClients {
  secrets = ids;
  const answer: typeof fetch = async (_url, init) => {
    const [scheme, basic = ''] = new Headers(init?.headers).get('authorization')?.split(' ') ?? [];
    if (scheme !== 'Basic') return Response.json({});
    const clientId = atob(basic).split(':')[0] ?? '';
    tokenRequests.push(clientId);
    return Response.json({ access_token: `token of ${clientId}`, expires_in: 86_400 });
  };
  const credentials = ids.map((_, n) => async () => {
    const clientId = secrets[n];
    if (clientId === undefined) throw new SecretEmptyError(`secret-${n}`);
    return { clientId, clientSecret: CLIENT_SECRET };
  });
  return new OAuthClients({
    apiUrl: 'http://api',
    loginUrl: 'http://login',
    credentials,
    log,
    fetch: answer,
    requestsPerMinute: 1,
  });
}

const idsOf = async (clients: OAuthClients) =>
  (await Promise.all((await clients.filled()).map(({ tokens }) => tokens.get()))).map((one) => one.clientId);

describe('the OAuth clients of a deployment', () => {
  test('Every OAuth client is returned in the order of the secrets, with its own tokens', async () => {
    const clients = clientsOf('first', 'second');
    expect(await idsOf(clients)).toEqual(['first', 'second']);
    expect(await idsOf(clients)).toEqual(['first', 'second']);
    expect(tokenRequests).toEqual(['first', 'second']);
  });

  test('An OAuth client stays the same object', async () => {
    const clients = clientsOf('first', 'second');
    const [first, second] = await clients.filled();
    const [firstAgain, secondAgain] = await clients.filled();
    expect(firstAgain).toBe(first);
    expect(secondAgain).toBe(second);
  });

  test('An OAuth client whose secret is empty is left out and logged until its secret is filled', async () => {
    const clients = clientsOf('first', undefined, 'third');
    expect(await idsOf(clients)).toEqual(['first', 'third']);
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        fields: { reason: expect.stringContaining('secret-1 is empty') },
      }),
    ]);
    secrets[1] = 'second';
    expect(await idsOf(clients)).toEqual(['first', 'second', 'third']);
    expect(log.lines).toHaveLength(1);
  });

  test('If all secrets are empty, the error names the first one', async () => {
    await expect(clientsOf(undefined, undefined).filled()).rejects.toThrow(/^The secret secret-0 is empty/);
    expect(log.lines).toEqual([]);
  });

  test('Two secrets with the same OAuth client are a permanent error that names the client', async () => {
    await expect(clientsOf('first', 'second', 'first').filled()).rejects.toMatchObject({
      code: 'repeated_client',
      retriable: false,
      message: expect.stringContaining('Two secrets contain the OAuth client first'),
    });
  });

  test('An OAuth client that Genesys Cloud refuses is an error', async () => {
    const clients = new OAuthClients({
      apiUrl: 'http://api',
      loginUrl: 'http://login',
      credentials: [async () => ({ clientId: 'first', clientSecret: CLIENT_SECRET })],
      log,
      fetch: async () => new Response('{}', { status: 401 }),
    });
    await expect(clients.filled()).rejects.toMatchObject({ code: 'wrong_secret' });
  });

  test('Each OAuth client has its own request limit', async () => {
    const [first, second] = await clientsOf('first', 'second').filled();
    await first.rest.call({ method: 'GET', path: '/a' });
    // With one limit for both, this request would wait for a minute.
    expect(await second?.rest.call({ method: 'GET', path: '/a' })).toEqual({});
  });
});
