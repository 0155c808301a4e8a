import type { SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChannelSubscription } from '../../functions/ingester/protocols/notification-channels/subscription-channels.ts';
import { topicSubscriptions } from '../../functions/ingester/protocols/notification-channels/topic-subscriptions.ts';
import { MAX_TOPICS_PER_CHANNEL } from '../../lib/genesys/channel-budget.ts';
import type { TopicShard } from '../../lib/genesys/topic-shards.ts';
import { ChannelCloud, CLIENTS } from './channel-cloud.ts';

const REFRESH_SECONDS = 0.001;

type Subscriptions = ReadonlyMap<string, ChannelSubscription>;

let cloud: ChannelCloud;
let generator: AsyncGenerator<Subscriptions>;

afterEach(async () => {
  cloud.abort.abort();
  await cloud.close();
});

async function start(
  options: SimulatorOptions,
  topics = ['v2.users.{id}.presence'],
  CHANNELS = 10,
  SHARD?: TopicShard,
): Promise<void> {
  cloud = await ChannelCloud.start({ queues: 0, ...options });
  generator = topicSubscriptions(
    { TOPICS: topics, CHANNELS, SHARD, TOPIC_REFRESH_SECONDS: REFRESH_SECONDS },
    cloud.context,
    cloud.store,
  );
}

async function next(): Promise<Subscriptions> {
  const result = await generator.next();
  if (result.done) throw new Error('the generator has ended');
  return result.value as Subscriptions;
}

const topicOf = (id: string | undefined) => `v2.users.${id}.presence`;
const denied = () => Response.json({}, { status: 403 });

describe('the subscriptions of a deployment', () => {
  test('The topics of up to 1,000 users are one subscription with the name 0', async () => {
    await start({ users: 3 });
    const subscriptions = await next();
    expect([...subscriptions.keys()]).toEqual(['0']);
    expect(subscriptions.get('0')?.topics).toEqual(cloud.simulator.userIds.map(topicOf));
  });

  test('The topics of more users are spread over several subscriptions', async () => {
    await start({ users: MAX_TOPICS_PER_CHANNEL + 1 });
    const subscriptions = await next();
    expect([...subscriptions.keys()]).toEqual(['0', '1']);
    expect(subscriptions.get('0')?.topics).toHaveLength(MAX_TOPICS_PER_CHANNEL);
    expect(subscriptions.get('1')?.topics).toHaveLength(1);
    expect(subscriptions.get('0')?.channels).not.toBe(subscriptions.get('1')?.channels);
  });

  test('A subscription has the rejected topics that its channels have now', async () => {
    await start({ users: 1 });
    const subscription = (await next()).get('0');
    expect(subscription?.rejected?.size).toBe(0);
    subscription?.channels.surplus.exclude(['v2.users.x.presence'], 'no room');
    expect([...(subscription?.rejected ?? [])]).toEqual([['v2.users.x.presence', 'no room']]);
  });

  test('Two shards have all topics between them and none in common', async () => {
    const shares: (readonly string[])[] = [];
    for (const index of [0, 1]) {
      const shared = ['v2.users.{id}.presence', topicOf('a'), topicOf('b')];
      await start({ users: 40 }, shared, 10, { index, count: 2 });
      shares.push((await next()).get('0')?.topics ?? []);
      const all = [...cloud.simulator.userIds, 'a', 'b'].map(topicOf);
      expect(shares[index]?.length).toBeLessThan(all.length);
      if (index === 1) expect(shares.flat().toSorted()).toEqual(all.toSorted());
      else await cloud.close();
    }
  });

  test('Without users there is no subscription, which is logged', async () => {
    await start({ users: 0 });
    expect((await next()).size).toBe(0);
    expect(cloud.log.about('nothing to subscribe to')).toHaveLength(1);
  });

  test('Topics without a placeholder need no listing', async () => {
    await start({ users: 0 }, [topicOf('a')]);
    expect((await next()).get('0')?.topics).toEqual([topicOf('a')]);
    expect(cloud.newCalls()).toEqual([]);
  });
});

describe('a refresh', () => {
  test('An unchanged subscription stays the same object', async () => {
    await start({ users: 3 });
    const first = await next();
    const second = await next();
    expect(second.get('0')).toBe(first.get('0'));
  });

  test('A changed subscription is a new object with the same channels', async () => {
    await start({ users: 3 });
    const first = (await next()).get('0');
    const added = cloud.simulator.addUser();
    const second = (await next()).get('0');
    expect(second).not.toBe(first);
    expect(second?.topics).toContain(topicOf(added));
    expect(first?.topics).not.toContain(topicOf(added));
    expect(second?.channels).toBe(first?.channels);
  });

  test('A change of one subscription leaves the other objects', async () => {
    await start({ users: MAX_TOPICS_PER_CHANNEL });
    const first = await next();
    cloud.simulator.addUser();
    const second = await next();
    cloud.simulator.addUser();
    const third = await next();
    expect(second.get('0')).toBe(first.get('0'));
    expect(third.get('0')).toBe(first.get('0'));
    expect(third.get('1')).not.toBe(second.get('1'));
    expect(third.get('1')?.channels).toBe(second.get('1')?.channels);
  });

  test('A subscription whose topics are all gone disappears, and the others keep their names', async () => {
    await start({ users: MAX_TOPICS_PER_CHANNEL + 1 });
    const first = await next();
    let last = first;
    // A listing that shrinks by more than half is refused, and a topic is removed when two listings lack it.
    while (cloud.simulator.userIds.length > 1) {
      const { userIds } = cloud.simulator;
      for (const id of userIds.slice(0, Math.floor(userIds.length / 2))) cloud.simulator.removeUser(id);
      await next();
      last = await next();
    }
    expect([...last.keys()]).toEqual(['1']);
    expect(last.get('1')).toBe(first.get('1'));
  });

  test('A subscription that appears again is a new one', async () => {
    await start({ users: MAX_TOPICS_PER_CHANNEL + 1 });
    const first = await next();
    cloud.simulator.removeUser(cloud.simulator.userIds.at(-1) ?? '');
    await next();
    expect([...(await next()).keys()]).toEqual(['0']);
    cloud.simulator.addUser();
    const last = await next();
    expect(last.get('1')?.topics).toHaveLength(1);
    expect(last.get('1')?.channels).not.toBe(first.get('1')?.channels);
  });

  test('A failed refresh keeps the previous subscriptions and is logged', async () => {
    await start({ users: 3 });
    const first = await next();
    let failures = 2;
    cloud.intercept = (_method, path) => (path === '/api/v2/users' && failures-- > 0 ? denied() : undefined);
    const second = await next();
    expect(second.get('0')).toBe(first.get('0'));
    expect(cloud.log.about('could not be refreshed').map(({ level }) => level)).toEqual(['warn', 'warn']);
  });

  test('Topics that no channel has room for are rejected, and the others are subscribed to', async () => {
    await start({ users: 3 }, ['v2.users.{id}.presence']);
    await next();
    const tooMany = Array.from({ length: 10_001 }, (_, n) => ({ id: `user-${n}`, state: 'active' }));
    let answers = 1;
    cloud.intercept = (_method, path) =>
      path === '/api/v2/users' && answers-- > 0
        ? Response.json({ entities: tooMany, pageCount: 1, pageNumber: 1, total: tooMany.length })
        : undefined;
    const subscriptions = await next();
    expect(subscriptions.size).toBe(10);
    const { rejected } = subscriptions.get('0') ?? {};
    expect(rejected?.size).toBeGreaterThan(0);
    expect([...(rejected?.values() ?? [])].at(0)).toMatch(/no channel has room/);
    expect(cloud.log.about('topics are not subscribed to')).toHaveLength(1);
  });
});

describe('several OAuth clients', () => {
  /** Names of the subscriptions of each client. */
  const namesOf = (subscriptions: Subscriptions) =>
    [cloud.clients[0], cloud.secondClient].map((client) =>
      [...subscriptions].filter(([, { channels }]) => channels.client === client).map(([name]) => name),
    );
  const user = (n: number) => `v2.users.${n}.presence`;
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => user(n));

  test('The subscriptions are distributed evenly over the OAuth clients', async () => {
    await start({}, numbered(3 * MAX_TOPICS_PER_CHANNEL));
    cloud.clients.push(cloud.secondClient);
    expect(namesOf(await next())).toEqual([['0', '2'], ['1']]);
  });

  test('Two OAuth clients have room for twice as many topics, and no client exceeds its share', async () => {
    await start({}, numbered(4 * MAX_TOPICS_PER_CHANNEL + 1), 2);
    cloud.clients.push(cloud.secondClient);
    const subscriptions = await next();
    expect(namesOf(subscriptions)).toEqual([
      ['0', '2'],
      ['1', '3'],
    ]);
    expect([...(subscriptions.get('0')?.rejected ?? [])]).toEqual([
      [
        user(4 * MAX_TOPICS_PER_CHANNEL),
        'no channel has room: 2 OAuth client(s) with 2 channels per task can have 4000 topics; add another OAuth client to `secret`, or run fewer tasks',
      ],
    ]);
  });

  test('An OAuth client whose secret is filled later takes the topics without room at the next refresh', async () => {
    await start({}, numbered(3 * MAX_TOPICS_PER_CHANNEL), 2);
    const first = await next();
    expect(namesOf(first)).toEqual([['0', '1'], []]);
    expect(first.get('0')?.rejected?.size).toBe(MAX_TOPICS_PER_CHANNEL);
    cloud.clients.push(cloud.secondClient);
    const second = await next();
    expect(namesOf(second)).toEqual([['0', '1'], ['2']]);
    expect(second.get('0')).toBe(first.get('0'));
    expect(second.get('0')?.rejected?.size).toBe(0);
  });

  test('A subscription that appears again goes to the OAuth client with fewer channels', async () => {
    await start({ users: MAX_TOPICS_PER_CHANNEL + 1 }, undefined, 1);
    cloud.clients.push(cloud.secondClient);
    expect(namesOf(await next())).toEqual([['0'], ['1']]);
    cloud.simulator.removeUser(cloud.simulator.userIds.at(-1) ?? '');
    await next();
    expect(namesOf(await next())).toEqual([['0'], []]);
    cloud.simulator.addUser();
    expect(namesOf(await next())).toEqual([['0'], ['1']]);
  });

  test('Users and queues are listed by the first OAuth client only', async () => {
    await start({ users: 1 });
    cloud.clients.push(cloud.secondClient);
    await next();
    expect(cloud.newCalls()).toEqual([['GET', '/api/v2/users']]);
    expect((await cloud.clients[0].tokens.get()).clientId).toBe(CLIENTS[0]);
  });
});

describe('the end of the subscriptions', () => {
  test('A failure before the first subscriptions is thrown', async () => {
    await start({ users: 3 });
    cloud.intercept = (_method, path) => (path === '/api/v2/users' ? denied() : undefined);
    await expect(generator.next()).rejects.toMatchObject({ name: 'GenesysError' });
    expect(cloud.log.about('could not be refreshed')).toEqual([]);
  });

  test('An abort ends the wait for the next refresh', async () => {
    cloud = await ChannelCloud.start({ users: 1 });
    generator = topicSubscriptions(
      { TOPICS: ['v2.users.{id}.presence'], CHANNELS: 10, TOPIC_REFRESH_SECONDS: 86_400 },
      cloud.context,
    );
    await next();
    const waiting = expect(generator.next()).rejects.toMatchObject({ name: 'AbortError' });
    cloud.abort.abort();
    await waiting;
  });
});
