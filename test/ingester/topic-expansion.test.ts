import fc from 'fast-check';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  combineTopics,
  expandTopics,
} from '../../functions/ingester/protocols/notification-channels/topic-expansion.ts';
import { MAX_TOPIC_CHARACTERS, topicProblems } from '../../lib/genesys/configured-topics.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';

const ID = '4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';

describe('problems of configured topics', () => {
  test.each([
    'v2.users.{id}.presence',
    'v2.users.{id}?presence&routingStatus',
    'v2.routing.queues.{id}.conversations',
    'v2.analytics.queues.{id}.observations',
    `v2.users.${ID}.presence`,
    'v2.detail.events.conversation.x.customer.start',
  ])('The topic %s has no problem', (topic) => {
    expect(topicProblems([topic])).toEqual([]);
  });

  test.each([
    ['v2.system.socket_closing', /leave it out/],
    ['channel.metadata', /leave it out/],
    ['users.x.presence', /not a topic/],
    ['v2.users.*.presence', /not a topic/],
    ['v2.users.{id}.presence ', /not a topic/],
    ['v2.users.{id}?', /not a topic/],
    [`v2.users.${ID}?${'a'.repeat(MAX_TOPIC_CHARACTERS)}`, /longer than 200 characters/],
    ['v2.detail.events.conversation.{id}.acw', /can be listed only in v2\.users\.\{id\}/],
    ['v2.users.{id}.conversations.{id}', /can be listed only in/],
  ])('The topic %s has a problem with advice', (topic, advice) => {
    const [problem, ...more] = topicProblems(['v2.users.{id}.presence', topic]);
    expect(problem).toMatch(advice);
    expect(problem).toContain(topic);
    expect(more).toEqual([]);
  });

  test('The length of a topic includes the id that replaces {id}', () => {
    const rest = (length: number) => `v2.users.{id}?${'a'.repeat(length - 'v2.users.?'.length - ID.length)}`;
    expect(topicProblems([rest(MAX_TOPIC_CHARACTERS)])).toEqual([]);
    expect(topicProblems([rest(MAX_TOPIC_CHARACTERS + 1)])).toHaveLength(1);
  });
});

describe('combining topics', () => {
  /** The plain topics that are in a list of combined topics. */
  const plain = (topics: readonly string[]) =>
    topics.flatMap((topic) => {
      const [base = '', parts] = topic.split('?');
      return parts === undefined ? [topic] : parts.split('&').map((part) => `${base}.${part}`);
    });

  test('Topics of the same user are combined into one', () => {
    const topics = [
      'v2.users.{id}.presence',
      'v2.routing.queues.{id}.users',
      'v2.users.{id}.routingStatus',
      'v2.users.x.presence',
    ];
    expect(combineTopics(topics).toSorted()).toEqual([
      'v2.routing.queues.{id}.users',
      'v2.users.x.presence',
      'v2.users.{id}?presence&routingStatus',
    ]);
  });

  test('Combining keeps every topic once, and no topic is too long with an id', () => {
    const part = fc.stringMatching(/^[a-zA-Z]{1,60}$/);
    const user = fc.constantFrom('{id}', ID, 'x');
    const topic = fc.oneof(
      fc.tuple(user, part).map(([id, name]) => `v2.users.${id}.${name}`),
      part.map((name) => `v2.routing.queues.{id}.${name}`),
    );
    fc.assert(
      fc.property(fc.array(topic, { maxLength: 40 }), (topics) => {
        const combined = combineTopics(topics);
        expect(plain(combined).toSorted()).toEqual([...new Set(topics)].toSorted());
        for (const one of combined)
          expect(one.replace('{id}', ID).length).toBeLessThanOrEqual(MAX_TOPIC_CHARACTERS);
      }),
    );
  });
});

describe('expanding topics', () => {
  let simulator: Simulator;
  let rest: RestClient;
  beforeAll(async () => {
    simulator = new Simulator({ users: 130, queues: 3 });
    const { url } = await simulator.listen();
    const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
    rest = new RestClient({ apiUrl: url, tokens: new TokenSource({ loginUrl: url, credentials }) });
  });
  afterAll(() => simulator.close());

  test('The placeholder {id} is replaced by every user and queue on all pages', async () => {
    const topics = [
      'v2.users.{id}.presence',
      'v2.users.{id}.station',
      'v2.routing.queues.{id}.users',
      `v2.users.${ID}.presence`,
    ];
    const expanded = await expandTopics(topics, rest);
    expect(expanded.toSorted()).toEqual(
      [
        ...simulator.userIds.map((id) => `v2.users.${id}?presence&station`),
        ...simulator.queueIds.map((id) => `v2.routing.queues.${id}.users`),
        `v2.users.${ID}.presence`,
      ].toSorted(),
    );
  });

  test('Topics without {id} need no REST call', async () => {
    const unreachable = new RestClient({
      apiUrl: 'http://127.0.0.1:1',
      tokens: new TokenSource({
        loginUrl: 'http://127.0.0.1:1',
        credentials: () => Promise.reject(new Error('no call is needed')),
      }),
    });
    expect(await expandTopics([`v2.users.${ID}.presence`], unreachable)).toEqual([`v2.users.${ID}.presence`]);
  });
});
