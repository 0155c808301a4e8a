import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { SimulatorOptionsError } from 'switchboard-local/simulator/simulator-options.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CloudClient, eventually } from './cloud-client.ts';

let simulator: Simulator;
let cloud: Listening;
let client: CloudClient;

async function start(options: ConstructorParameters<typeof Simulator>[0] = {}): Promise<void> {
  simulator = new Simulator(options);
  cloud = await simulator.listen();
  client = new CloudClient(cloud);
}

beforeEach(() => start({ users: 7, queues: 3, deniedTopics: ['v2.users.{id}.geolocation'] }));
afterEach(() => simulator.close());

describe('the token endpoint', () => {
  test('The token endpoint grants a bearer token for valid credentials', async () => {
    const { status, body } = await client.login();
    expect(status).toBe(200);
    expect(body).toEqual({ access_token: client.token, token_type: 'bearer', expires_in: 86_400 });
    expect(client.token.length).toBeGreaterThan(40);
  });

  test('The token endpoint accepts the id and secret in the form', async () => {
    const form = 'grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret';
    const response = await fetch(`${cloud.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    expect(response.status).toBe(200);
  });

  test('The token endpoint responds with 400 to an unknown client', async () => {
    const { status, body } = await client.login('unknown-client');
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_description: 'client not found: invalid_client',
    });
  });

  test('The token endpoint responds with 401 to a wrong secret', async () => {
    const { status, body } = await client.login('simulator-client', 'wrong');
    expect(status).toBe(401);
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_description: 'authentication failed: invalid_client',
    });
  });

  test('The token endpoint responds with 400 to another grant type', async () => {
    const response = await fetch(`${cloud.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams('grant_type=password'),
    });
    expect(response.status).toBe(400);
  });
});

describe('authentication', () => {
  const callWith = (token: string) => client.call('GET', '/api/v2/users', undefined, token);

  test('A request without a token is rejected with authentication.required', async () => {
    expect(await callWith('')).toMatchObject({ status: 401, body: { code: 'authentication.required' } });
  });

  test('A request with an unknown or revoked token is rejected with bad.credentials', async () => {
    expect(await callWith('unknown')).toMatchObject({ status: 401, body: { code: 'bad.credentials' } });
    await client.login();
    expect(await callWith(client.token)).toMatchObject({ status: 200 });
    simulator.revokeTokens();
    expect(await callWith(client.token)).toMatchObject({ status: 401, body: { code: 'bad.credentials' } });
  });

  test('A request with an expired token is rejected with credentials.expired', async () => {
    await simulator.close();
    await start({ tokenLifeSeconds: 0.001 });
    await client.login();
    await eventually(() => callWith(client.token)).toMatchObject({
      status: 401,
      body: { code: 'credentials.expired' },
    });
  });

  test('Every response has a correlation id, and errors have the body of the platform', async () => {
    await client.login();
    const { status, headers, body } = await client.call('GET', '/api/v2/nothing');
    expect(status).toBe(404);
    expect(headers.get('inin-correlation-id')).toBe(body.contextId);
    expect(body).toMatchObject({ code: 'not.found', status: 404, details: [], errors: [] });
    expect((await client.call('PATCH', '/api/v2/users')).status).toBe(405);
  });

  test('Requests above the quota of a token are rejected with 429 and Retry-After', async () => {
    await simulator.close();
    await start({ requestsPerMinute: 3 });
    await client.login();
    for (let count = 1; count <= 3; count += 1) {
      const { status, headers } = await client.call('GET', '/api/v2/users');
      expect(status).toBe(200);
      expect(headers.get('inin-ratelimit-count')).toBe(String(count));
      expect(headers.get('inin-ratelimit-allowed')).toBe('3');
    }
    const { status, headers, body } = await client.call('GET', '/api/v2/users');
    expect(status).toBe(429);
    expect(body.code).toBe('too.many.requests.retry.after');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(headers.get('retry-after')).toBe(headers.get('inin-ratelimit-reset'));
    await client.login();
    expect((await client.call('GET', '/api/v2/users')).status).toBe(200);
  });
});

describe('channels', () => {
  beforeEach(() => client.login());

  test('A new channel has an id, a connect URI and an expiry', async () => {
    const before = Date.now();
    const channel = await client.createChannel();
    expect(channel.id).toMatch(/^streaming-0-[a-z2-7]{26}$/);
    expect(channel.connectUri).toBe(`ws://127.0.0.1:${cloud.port}/channels/${channel.id}`);
    expect(Date.parse(channel.expires)).toBeGreaterThanOrEqual(before + 86_400_000);
  });

  test("Channels are listed by token; those of the client's other tokens are listed without ids", async () => {
    const old = await client.createChannel();
    await client.login();
    const own = await client.createChannel();
    const listed = await client.call('GET', '/api/v2/notifications/channels');
    expect(listed.body.entities).toEqual([own]);
    const all = await client.call('GET', '/api/v2/notifications/channels?includechannels=oauthclient');
    expect(all.body.entities).toEqual([{ expires: old.expires }, own]);
  });

  test('A channel responds to HEAD with 200 while it exists, and with 404 afterwards', async () => {
    const channel = await client.createChannel();
    const path = `/api/v2/notifications/channels/${channel.id}`;
    expect((await client.call('HEAD', path)).status).toBe(200);
    simulator.evictChannel(channel.id);
    expect((await client.call('HEAD', path)).status).toBe(404);
    expect((await client.subscribe(channel, [])).status).toBe(404);
  });

  test('The 21st channel of a client evicts the least recently used one', async () => {
    const first = await client.createChannel();
    const second = await client.createChannel();
    for (let count = 3; count <= 20; count += 1) await client.createChannel();
    await client.subscribe(first, []);
    await client.createChannel();
    expect(simulator.channelIds).toHaveLength(20);
    expect(simulator.channelIds).toContain(first.id);
    expect(simulator.channelIds).not.toContain(second.id);
  });

  test('Another OAuth client has its own 20 channels and cannot use those of the first', async () => {
    await simulator.close();
    await start({ otherClients: [{ clientId: 'second', clientSecret: 'second-secret' }] });
    await client.login();
    const [first] = await Promise.all(Array.from({ length: 20 }, () => client.createChannel()));
    await client.login('second', 'second-secret');
    const path = `/api/v2/notifications/channels/${first?.id}`;
    expect((await client.call('HEAD', path)).status).toBe(404);
    await client.createChannel();
    expect(simulator.channelIds).toHaveLength(21);
  });
});

describe('subscriptions', () => {
  const user = 'v2.users.00000000-0000-4000-8000-000000000001';
  beforeEach(() => client.login());

  const list = async (id: string): Promise<unknown> => {
    const { body } = await client.call('GET', `/api/v2/notifications/channels/${id}/subscriptions`);
    return (body.entities as unknown as { id: string }[]).map((topic) => topic.id);
  };

  test('PUT replaces subscriptions, POST adds to them and DELETE removes them', async () => {
    const channel = await client.createChannel();
    const path = `/api/v2/notifications/channels/${channel.id}/subscriptions`;
    const put = await client.subscribe(channel, [`${user}.presence`]);
    expect(put.status).toBe(200);
    expect(put.body.entities).toMatchObject([{ id: `${user}.presence`, state: 'Permitted' }]);
    await client.call('POST', path, [{ id: `${user}.routingStatus` }]);
    expect(await list(channel.id)).toEqual([`${user}.presence`, `${user}.routingStatus`]);
    await client.subscribe(channel, [`${user}.station`]);
    expect(await list(channel.id)).toEqual([`${user}.station`]);
    expect((await client.call('DELETE', path)).status).toBe(204);
    expect(await list(channel.id)).toEqual([]);
  });

  test('A subscription renews the expiry of its channel', async () => {
    await simulator.close();
    await start({ channelLifeMs: 60_000 });
    await client.login();
    const channel = await client.createChannel();
    await eventually(() => Date.now()).toBeGreaterThan(Date.parse(channel.expires) - 60_000);
    await client.subscribe(channel, []);
    const { body } = await client.call('GET', '/api/v2/notifications/channels');
    const [renewed] = body.entities as unknown as { expires: string }[];
    expect(Date.parse(renewed!.expires)).toBeGreaterThan(Date.parse(channel.expires));
  });

  test('A topic without permission rejects the whole subscription with 403, unless errors are ignored', async () => {
    const channel = await client.createChannel();
    const topics = [`${user}.presence`, `${user}.geolocation`];
    const refused = await client.subscribe(channel, topics);
    expect(refused.status).toBe(403);
    expect(refused.body.code).toBe('missing.permissions');
    expect(await list(channel.id)).toEqual([]);
    const partial = await client.subscribe(channel, topics, '?ignoreErrors=true');
    expect(partial.status).toBe(200);
    expect(partial.body.entities).toMatchObject([
      { id: topics[0], state: 'Permitted' },
      {
        id: topics[1],
        state: 'Rejected',
        rejectionReason: expect.any(String),
        missingPermissions: [expect.any(String)],
      },
    ]);
    expect(await list(channel.id)).toEqual([topics[0]]);
  });

  test.each(['v2.users.{id}.presence', 'v2.users.*.presence', 'v2.users', 'v2.none.1.such', ''])(
    'A subscription to the unknown topic %j is rejected',
    async (topic) => {
      const channel = await client.createChannel();
      expect((await client.subscribe(channel, [topic])).status).toBe(400);
      if (topic === '') return;
      const { body } = await client.subscribe(channel, [topic], '?ignoreErrors=true');
      expect(body.entities).toMatchObject([
        { id: topic, state: 'Rejected', rejectionReason: expect.any(String) },
      ]);
    },
  );

  test('A channel accepts 1,000 topics, with a combined topic counted once, and rejects more with 400', async () => {
    const channel = await client.createChannel();
    const topics = Array.from({ length: 1_000 }, (_, n) => `v2.users.${n}?presence&routingStatus`);
    expect((await client.subscribe(channel, topics)).status).toBe(200);
    const path = `/api/v2/notifications/channels/${channel.id}/subscriptions`;
    expect((await client.call('POST', path, [{ id: topics[0] }])).status).toBe(200);
    expect((await client.call('POST', path, [{ id: `${user}.presence` }])).status).toBe(400);
    expect((await client.subscribe(channel, [...topics, `${user}.presence`])).status).toBe(400);
  });

  test('A combined topic of more than 200 characters is rejected', async () => {
    const channel = await client.createChannel();
    const long = `${user}?${'presence&'.repeat(30)}station`;
    expect((await client.subscribe(channel, [long])).status).toBe(400);
  });

  test('The response to a combined topic names the part that is rejected', async () => {
    const channel = await client.createChannel();
    const combined = `${user}?presence&geolocation`;
    const { body } = await client.subscribe(channel, [combined], '?ignoreErrors=true');
    expect(body.entities).toMatchObject([
      { id: combined, state: 'Permitted' },
      { id: `${user}.geolocation`, state: 'Rejected' },
    ]);
  });

  test('A subscription whose body is not a list of topics is rejected with 400', async () => {
    const channel = await client.createChannel();
    const path = `/api/v2/notifications/channels/${channel.id}/subscriptions`;
    expect((await client.call('PUT', path, { id: 'x' })).status).toBe(400);
    expect((await client.call('PUT', path, [{}])).status).toBe(400);
    const response = await fetch(`${cloud.url}${path}`, {
      method: 'PUT',
      headers: { Authorization: `bearer ${client.token}` },
      body: 'not json',
    });
    expect(response.status).toBe(400);
  });

  test('A body above the size limit is rejected with 413', async () => {
    const channel = await client.createChannel();
    const { status } = await client.subscribe(channel, ['x'.repeat(600_000)]);
    expect(status).toBe(413);
  });
});

describe('available topics', () => {
  test('Available topics are listed by id, with the fields requested by expand', async () => {
    await client.login();
    const bare = await client.call('GET', '/api/v2/notifications/availabletopics');
    expect(bare.body.entities).toContainEqual({ id: 'v2.users.{id}.presence' });
    const path =
      '/api/v2/notifications/availabletopics?expand=transports,requiresPermissions&expand=visibility';
    const { body } = await client.call('GET', path);
    expect(body.entities).toContainEqual({
      id: 'v2.analytics.queues.{id}.observations',
      transports: ['Websocket', 'EventBridge'],
      requiresPermissions: ['analytics:queueObservation:view'],
      visibility: 'Public',
    });
  });
});

describe('the organization', () => {
  beforeEach(() => client.login());

  test('Users are listed in pages like those of the platform', async () => {
    const ids: string[] = [];
    let next: string | undefined = '/api/v2/users?pageSize=3&state=active';
    let pages = 0;
    while (next !== undefined) {
      const { status, body } = await client.call('GET', next);
      expect(status).toBe(200);
      pages += 1;
      expect(body).toMatchObject({ pageSize: 3, pageNumber: pages, pageCount: 3, total: 7 });
      ids.push(...(body.entities as unknown as { id: string }[]).map(({ id }) => id));
      next = body.nextUri;
    }
    expect(ids).toEqual(simulator.userIds);
    expect(pages).toBe(3);
    const beyond = await client.call('GET', '/api/v2/users?pageSize=3&pageNumber=4');
    expect(beyond.body.entities).toEqual([]);
    expect((await client.call('GET', '/api/v2/users?pageSize=0')).status).toBe(400);
  });

  test('Lists and lookups follow queues and users that are added and removed', async () => {
    const added = simulator.addQueue();
    expect(simulator.removeQueue(simulator.queueIds[0]!)).toBe(true);
    expect(simulator.removeUser('unknown')).toBe(false);
    const { body } = await client.call('GET', '/api/v2/routing/queues');
    const ids = (body.entities as unknown as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual(simulator.queueIds);
    expect(ids.at(-1)).toBe(added);
    expect((await client.call('GET', `/api/v2/routing/queues/${added}`)).body.id).toBe(added);
    expect((await client.call('GET', '/api/v2/users/unknown')).status).toBe(404);
  });

  test('The seed determines the ids of the organization', () => {
    const ids = new Simulator({ seed: 5 }).userIds;
    expect(new Simulator({ seed: 5 }).userIds).toEqual(ids);
    expect(new Simulator({ seed: 6 }).userIds).not.toEqual(ids);
    expect(new Set(ids).size).toBe(20);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

test('The simulator rejects options that are out of range and names all of them', () => {
  expect(() => new Simulator({ users: -1, heartbeatMs: 0 })).toThrow(SimulatorOptionsError);
  expect(() => new Simulator({ users: -1, heartbeatMs: 0 })).toThrow(/users.*heartbeatMs/);
});
