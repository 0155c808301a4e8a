import fc from 'fast-check';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CHANNELS_LIMIT,
  combineTopics,
  expandTopics,
  spreadTopics,
  TOPICS_PER_CHANNEL,
} from '../../functions/ingester/topics.ts';
import { TokenSource } from '../../lib/genesys/oauth.ts';
import { RestClient } from '../../lib/genesys/rest.ts';
import { TOPIC_LIMIT_CHARACTERS, topicProblems } from '../../lib/genesys/topics.ts';

const ID = '4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';

describe('problems', () => {
  it.each([
    'v2.users.{id}.presence',
    'v2.users.{id}?presence&routingStatus',
    'v2.routing.queues.{id}.conversations',
    'v2.analytics.queues.{id}.observations',
    `v2.users.${ID}.presence`,
    'v2.detail.events.conversation.x.customer.start',
  ])('there are none with %s', (topic) => {
    expect(topicProblems([topic])).toEqual([]);
  });

  it.each([
    ['v2.system.socket_closing', /leave it out/],
    ['channel.metadata', /leave it out/],
    ['users.x.presence', /not a topic/],
    ['v2.users.*.presence', /not a topic/],
    ['v2.users.{id}.presence ', /not a topic/],
    ['v2.users.{id}?', /not a topic/],
    [`v2.users.${ID}?${'a'.repeat(TOPIC_LIMIT_CHARACTERS)}`, /longer than 200 characters/],
    ['v2.detail.events.conversation.{id}.acw', /can be listed only in v2\.users\.\{id\}/],
    ['v2.users.{id}.conversations.{id}', /can be listed only in/],
  ])('are named with what to do: %s', (topic, advice) => {
    const [problem, ...more] = topicProblems(['v2.users.{id}.presence', topic]);
    expect(problem).toMatch(advice);
    expect(problem).toContain(topic);
    expect(more).toEqual([]);
  });

  it('count the length that a topic has with an id', () => {
    const rest = (length: number) => `v2.users.{id}?${'a'.repeat(length - 'v2.users.?'.length - ID.length)}`;
    expect(topicProblems([rest(TOPIC_LIMIT_CHARACTERS)])).toEqual([]);
    expect(topicProblems([rest(TOPIC_LIMIT_CHARACTERS + 1)])).toHaveLength(1);
  });
});

describe('combining', () => {
  /** The plain topics that a list of topics stands for. */
  const plain = (topics: readonly string[]) =>
    topics.flatMap((topic) => {
      const [base = '', parts] = topic.split('?');
      return parts === undefined ? [topic] : parts.split('&').map((part) => `${base}.${part}`);
    });

  it('makes one topic of the topics of a user', () => {
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

  it('loses no topic, doubles none, and stays within the length, with the id', () => {
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
          expect(one.replace('{id}', ID).length).toBeLessThanOrEqual(TOPIC_LIMIT_CHARACTERS);
      }),
    );
  });
});

describe('expansion', () => {
  let simulator: Simulator;
  let rest: RestClient;
  beforeAll(async () => {
    simulator = new Simulator({ users: 130, queues: 3 });
    const { url } = await simulator.listen();
    const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
    rest = new RestClient({ apiUrl: url, tokens: new TokenSource({ loginUrl: url, credentials }) });
  });
  afterAll(() => simulator.close());

  it('puts every user and queue, over all pages, in place of {id}', async () => {
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

  it('asks for nothing where there is no {id}', async () => {
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

describe('spreading', () => {
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `v2.users.${from + n}.presence`);

  it('fills channels of 1,000', () => {
    const channels = spreadTopics([], numbered(0, 2_500));
    expect(channels.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(channels.flat()).toEqual(numbered(0, 2_500));
  });

  it('keeps an emptied channel in its place and fills it first', () => {
    const before = spreadTopics([], numbered(0, 2_500));
    const emptied = spreadTopics(before, numbered(1_000, 2_500));
    expect(emptied.map(({ length }) => length)).toEqual([0, 1_000, 500]);
    expect(spreadTopics(emptied, numbered(1_000, 2_600)).map(({ length }) => length)).toEqual([
      100, 1_000, 500,
    ]);
  });

  it('says what to do when there are too many', () => {
    const most = CHANNELS_LIMIT * TOPICS_PER_CHANNEL;
    expect(spreadTopics([], numbered(0, most))).toHaveLength(CHANNELS_LIMIT);
    expect(() => spreadTopics([], numbered(0, most + 1))).toThrow(
      /10001 topics need 11 channels.*second deployment/,
    );
  });

  it('loses none, doubles none, overfills none, and leaves in place what stays', () => {
    const set = () => fc.uniqueArray(fc.integer({ min: 0, max: 5_000 }), { maxLength: 3_500, size: 'max' });
    fc.assert(
      fc.property(set(), set(), set(), (...rounds) => {
        let channels: string[][] = [];
        for (const round of rounds) {
          const topics = round.map((n) => `v2.users.${n}.presence`);
          const placeOf = new Map(
            channels.flatMap((list, channel) => list.map((topic) => [topic, channel] as const)),
          );
          channels = spreadTopics(channels, topics);
          expect(channels.flat().toSorted()).toEqual(topics.toSorted());
          expect(Math.max(0, ...channels.map(({ length }) => length))).toBeLessThanOrEqual(
            TOPICS_PER_CHANNEL,
          );
          for (const [channel, list] of channels.entries())
            for (const topic of list)
              if ((placeOf.get(topic) ?? channel) !== channel) throw new Error(`${topic} moved`);
        }
      }),
      { numRuns: 25 },
    );
  });
});
