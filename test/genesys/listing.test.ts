import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LISTINGS, type Listing, listIds } from '../../lib/genesys/listing.ts';
import { RateLimit } from '../../lib/genesys/request-rate-limit.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { TestServer } from './test-server.ts';

const names = Object.keys(LISTINGS) as Listing[];

describe.each([
  { users: 0, queues: 1, pages: 1 },
  { users: 100, queues: 99, pages: 1 },
  { users: 101, queues: 250, pages: 2 },
])('Listing an organization with $users users and $queues queues', ({ users, queues, pages }) => {
  let cloud: Simulator;
  let rest: RestClient;
  let requests: URL[];

  beforeEach(async () => {
    cloud = new Simulator({ users, queues });
    const { url } = await cloud.listen();
    const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
    requests = [];
    const counting: typeof fetch = (input, init) => {
      requests.push(new URL(String(input)));
      return fetch(input, init);
    };
    const tokens = new TokenSource({ loginUrl: url, credentials });
    rest = new RestClient({ apiUrl: url, tokens, fetch: counting });
  });
  afterEach(() => cloud.close());

  test('The listing of users requests active users in pages of 100 and returns all ids', async () => {
    expect(await listIds(rest, 'users')).toEqual([...cloud.userIds]);
    expect(requests).toHaveLength(pages);
    for (const [index, { pathname, searchParams }] of requests.entries()) {
      expect(pathname).toBe('/api/v2/users');
      expect(Object.fromEntries(searchParams)).toEqual({
        state: 'active',
        pageSize: '100',
        pageNumber: String(index + 1),
      });
    }
  });

  test('The listing of queues returns all ids', async () => {
    expect(await listIds(rest, 'queues')).toEqual([...cloud.queueIds]);
    expect(requests.every(({ pathname }) => pathname === '/api/v2/routing/queues')).toBe(true);
  });
});

describe('Listing with prepared responses', () => {
  let server: TestServer;
  let rest: RestClient;
  const entities = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({ id: `id-${from + index}` }));

  beforeEach(async () => {
    server = await TestServer.start();
    rest = new RestClient({ apiUrl: server.url, tokens: server.tokens() });
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await server.close();
  });

  test('The listing ends at the first page that is not full if the response has no page count', async () => {
    server.answers = [{ body: { entities: entities(100) } }, { body: { entities: entities(7, 100) } }];
    expect(await listIds(rest, 'users')).toHaveLength(107);
    expect(server.requests).toHaveLength(2);
  });

  test('The listing is empty for every form of a response without entities', async () => {
    for (const body of [{}, { entities: [] }, { entities: [], pageCount: 0 }]) {
      server.answers = [{ body }];
      expect(await listIds(rest, 'queues')).toEqual([]);
    }
  });

  test('The listing contains an entity once if it moves to a later page between two requests', async () => {
    server.answers = [
      { body: { entities: entities(100), pageCount: 2 } },
      { body: { entities: entities(5, 98), pageCount: 2 } },
    ];
    expect(await listIds(rest, 'users')).toEqual(entities(103).map(({ id }) => id));
  });

  test.each(names)('The error for status 403 names the missing permission to list %s', async (listing) => {
    server.answers = [{ status: 403, headers: { 'inin-correlation-id': 'abc-1' }, body: { message: 'no' } }];
    const error = await listIds(rest, listing).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'missing_permission', status: 403, retriable: false });
    expect(error).toHaveProperty('message', expect.stringContaining(LISTINGS[listing].permission));
    expect(error).toHaveProperty('message', expect.stringContaining('abc-1'));
  });

  test('The listing passes other errors on unchanged', async () => {
    server.answers = [{ status: 404 }];
    await expect(listIds(rest, 'users')).rejects.toMatchObject({ code: 'not_found' });
    server.answers = [{ status: 503 }];
    await expect(listIds(rest, 'users')).rejects.toMatchObject({ code: 'unavailable', retriable: true });
  });

  test.each([
    ['an array', []],
    ['entities without ids', { entities: [{ name: 'x' }] }],
    ['entities with empty ids', { entities: [{ id: '' }] }],
    ['a negative page count', { entities: [], pageCount: -1 }],
    ['text', 'none'],
  ])('A response with %s causes an unexpected_answer error that names the request', async (_, body) => {
    server.answers = [{ body }];
    await expect(listIds(rest, 'users')).rejects.toMatchObject({
      code: 'unexpected_answer',
      message: expect.stringContaining('/api/v2/users'),
    });
  });

  test('The listing can be aborted between two pages', async () => {
    const controller = new AbortController();
    server.answers = [{ body: { entities: entities(100), pageCount: 50 } }];
    server.onRequest = ({ url }) => {
      if (url.includes('pageNumber=3')) controller.abort();
    };
    await expect(listIds(rest, 'users', controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.requests).toHaveLength(3);
  });

  test('The listing fails after 1,000 pages', async () => {
    let pages = 0;
    const endless: typeof fetch = async () => {
      pages++;
      return Response.json({ entities: [{ id: `id-${pages}` }], pageCount: 1_000_000 });
    };
    const rateLimit = new RateLimit(1_000_000);
    const far = new RestClient({ apiUrl: server.url, tokens: server.tokens(), fetch: endless, rateLimit });
    await expect(listIds(far, 'users')).rejects.toMatchObject({
      code: 'unexpected_answer',
      retriable: false,
    });
    expect(pages).toBe(1_000);
  });
});
