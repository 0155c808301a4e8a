import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { SimulatorOptionsError } from 'switchboard-local/simulator/simulator-options.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
  it('grants a bearer token for the right credentials', async () => {
    const { status, body } = await client.login();
    expect(status).toBe(200);
    expect(body).toEqual({ access_token: client.token, token_type: 'bearer', expires_in: 86_400 });
    expect(client.token.length).toBeGreaterThan(40);
  });

  it('takes id and secret in the form too', async () => {
    const form = 'grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret';
    const response = await fetch(`${cloud.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    expect(response.status).toBe(200);
  });

  it('answers 400 for an unknown client and 401 for a wrong secret', async () => {
    const unknown = await client.login('nobody');
    expect([unknown.status, unknown.body.error, unknown.body.error_description]).toEqual([
      400,
      'invalid_client',
      'client not found: invalid_client',
    ]);
    const wrong = await client.login('simulator-client', 'wrong');
    expect([wrong.status, wrong.body.error, wrong.body.error_description]).toEqual([
      401,
      'invalid_client',
      'authentication failed: invalid_client',
    ]);
  });

  it('answers 400 for another grant type', async () => {
    const response = await fetch(`${cloud.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams('grant_type=password'),
    });
    expect(response.status).toBe(400);
  });
});

describe('authentication', () => {
  it('tells a missing, an unknown, a revoked and an expired token apart', async () => {
    const codeOf = async (token?: string): Promise<unknown[]> => {
      const { status, body } = await client.call('GET', '/api/v2/users', undefined, token);
      return [status, body.code];
    };
    expect(await codeOf('')).toEqual([401, 'authentication.required']);
    expect(await codeOf('made-up')).toEqual([401, 'bad.credentials']);
    await client.login();
    expect((await codeOf(client.token))[0]).toBe(200);
    simulator.revokeTokens();
    expect(await codeOf(client.token)).toEqual([401, 'bad.credentials']);
    await simulator.close();
    await start({ tokenLifeSeconds: 0.001 });
    await client.login();
    await eventually(() => codeOf(client.token)).toEqual([401, 'credentials.expired']);
  });

  it('gives every answer a correlation id, and error bodies the platform has', async () => {
    await client.login();
    const { status, headers, body } = await client.call('GET', '/api/v2/nothing');
    expect(status).toBe(404);
    expect(headers.get('inin-correlation-id')).toBe(body.contextId);
    expect(body).toMatchObject({ code: 'not.found', status: 404, details: [], errors: [] });
    expect((await client.call('PATCH', '/api/v2/users')).status).toBe(405);
  });

  it('answers 429 beyond the limit of a token, with the headers that say when to come back', async () => {
    await simulator.close();
    await start({ requestsPerMinute: 3 });
    await client.login();
    for (let count = 1; count <= 3; count += 1) {
      const { status, headers } = await client.call('GET', '/api/v2/users');
      expect([status, headers.get('inin-ratelimit-count')]).toEqual([200, String(count)]);
      expect(headers.get('inin-ratelimit-allowed')).toBe('3');
    }
    const { status, headers, body } = await client.call('GET', '/api/v2/users');
    expect([status, body.code]).toEqual([429, 'too.many.requests.retry.after']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(headers.get('retry-after')).toBe(headers.get('inin-ratelimit-reset'));
    await client.login();
    expect((await client.call('GET', '/api/v2/users')).status).toBe(200);
  });
});

describe('channels', () => {
  beforeEach(() => client.login());

  it('are created with an id, a URI to connect to and an end', async () => {
    const before = Date.now();
    const channel = await client.createChannel();
    expect(channel.id).toMatch(/^streaming-0-[a-z2-7]{26}$/);
    expect(channel.connectUri).toBe(`ws://127.0.0.1:${cloud.port}/channels/${channel.id}`);
    expect(Date.parse(channel.expires)).toBeGreaterThanOrEqual(before + 86_400_000);
  });

  it('are listed by token, and for the client without the names of others', async () => {
    const old = await client.createChannel();
    await client.login();
    const own = await client.createChannel();
    const listed = await client.call('GET', '/api/v2/notifications/channels');
    expect(listed.body.entities).toEqual([own]);
    const all = await client.call('GET', '/api/v2/notifications/channels?includechannels=oauthclient');
    expect(all.body.entities).toEqual([{ expires: old.expires }, own]);
  });

  it('answer HEAD with 200 while they exist and 404 after', async () => {
    const channel = await client.createChannel();
    const path = `/api/v2/notifications/channels/${channel.id}`;
    expect((await client.call('HEAD', path)).status).toBe(200);
    simulator.evictChannel(channel.id);
    expect((await client.call('HEAD', path)).status).toBe(404);
    expect((await client.subscribe(channel, [])).status).toBe(404);
  });

  it('are 20 a client: the 21st evicts the one used least lately', async () => {
    const first = await client.createChannel();
    const second = await client.createChannel();
    for (let count = 3; count <= 20; count += 1) await client.createChannel();
    await client.subscribe(first, []);
    await client.createChannel();
    expect(simulator.channelIds).toHaveLength(20);
    expect(simulator.channelIds).toContain(first.id);
    expect(simulator.channelIds).not.toContain(second.id);
  });
});

describe('subscriptions', () => {
  const user = 'v2.users.00000000-0000-4000-8000-000000000001';
  beforeEach(() => client.login());

  const list = async (id: string): Promise<unknown> => {
    const { body } = await client.call('GET', `/api/v2/notifications/channels/${id}/subscriptions`);
    return (body.entities as unknown as { id: string }[]).map((topic) => topic.id);
  };

  it('are replaced by PUT, added by POST and removed by DELETE', async () => {
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

  it('renew the life of the channel', async () => {
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

  it('refuse all topics with 403 when one lacks its permission, unless errors are ignored', async () => {
    const channel = await client.createChannel();
    const topics = [`${user}.presence`, `${user}.geolocation`];
    const refused = await client.subscribe(channel, topics);
    expect([refused.status, refused.body.code]).toEqual([403, 'missing.permissions']);
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

  it.each(['v2.users.{id}.presence', 'v2.users.*.presence', 'v2.users', 'v2.none.1.such', ''])(
    'refuse the unknown topic %j',
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

  it('take 1,000 topics, a combined one counting once, and answer 400 beyond', async () => {
    const channel = await client.createChannel();
    const topics = Array.from({ length: 1_000 }, (_, n) => `v2.users.${n}?presence&routingStatus`);
    expect((await client.subscribe(channel, topics)).status).toBe(200);
    const path = `/api/v2/notifications/channels/${channel.id}/subscriptions`;
    expect((await client.call('POST', path, [{ id: topics[0] }])).status).toBe(200);
    expect((await client.call('POST', path, [{ id: `${user}.presence` }])).status).toBe(400);
    expect((await client.subscribe(channel, [...topics, `${user}.presence`])).status).toBe(400);
  });

  it('take combined topics of up to 200 characters, and name a part that is refused', async () => {
    const channel = await client.createChannel();
    const long = `${user}?${'presence&'.repeat(30)}station`;
    expect((await client.subscribe(channel, [long])).status).toBe(400);
    const combined = `${user}?presence&geolocation`;
    const { body } = await client.subscribe(channel, [combined], '?ignoreErrors=true');
    expect(body.entities).toMatchObject([
      { id: combined, state: 'Permitted' },
      { id: `${user}.geolocation`, state: 'Rejected' },
    ]);
  });

  it('refuse a body that is no list of topics', async () => {
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

  it('refuse a body over the limit with 413', async () => {
    const channel = await client.createChannel();
    const { status } = await client.subscribe(channel, ['x'.repeat(600_000)]);
    expect(status).toBe(413);
  });
});

describe('available topics', () => {
  it('are listed by id, with what is asked for', async () => {
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

describe('the organisation', () => {
  beforeEach(() => client.login());

  it('is paged as the platform does', async () => {
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

  it('lists queues, and follows what is added and removed', async () => {
    const added = simulator.addQueue();
    expect(simulator.removeQueue(simulator.queueIds[0]!)).toBe(true);
    expect(simulator.removeUser('nobody')).toBe(false);
    const { body } = await client.call('GET', '/api/v2/routing/queues');
    const ids = (body.entities as unknown as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual(simulator.queueIds);
    expect(ids.at(-1)).toBe(added);
    expect((await client.call('GET', `/api/v2/routing/queues/${added}`)).body.id).toBe(added);
    expect((await client.call('GET', '/api/v2/users/nobody')).status).toBe(404);
  });

  it('has ids that follow from the seed', () => {
    const ids = new Simulator({ seed: 5 }).userIds;
    expect(new Simulator({ seed: 5 }).userIds).toEqual(ids);
    expect(new Simulator({ seed: 6 }).userIds).not.toEqual(ids);
    expect(new Set(ids).size).toBe(20);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('conversation details', () => {
  const path = '/api/v2/analytics/conversations/details/query';
  beforeEach(() => client.login());

  it('finds nothing by default: the answer has no conversations', async () => {
    const interval = '2026-01-01T00:00:00.000Z/2026-01-01T01:00:00.000Z';
    expect((await client.call('POST', path, { interval })).body).toEqual({ totalHits: 0 });
    expect((await client.call('POST', path, {})).status).toBe(400);
  });

  it('answers what it is given', async () => {
    await simulator.close();
    await start({ conversationDetails: (query) => ({ totalHits: 1, conversations: [query] }) });
    await client.login();
    const query = { interval: '2026-01-01T00:00:00.000Z/2026-01-01T01:00:00.000Z' };
    expect((await client.call('POST', path, query)).body.conversations).toEqual([query]);
  });
});

it('names every option that is out of range', () => {
  expect(() => new Simulator({ users: -1, heartbeatMs: 0 })).toThrow(SimulatorOptionsError);
  expect(() => new Simulator({ users: -1, heartbeatMs: 0 })).toThrow(/users.*heartbeatMs/);
});
