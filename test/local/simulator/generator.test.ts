import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { DEFAULT_TOPICS, GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { templateOf } from 'switchboard-local/simulator/topic-template-lookup.ts';
import { beforeAll, describe, expect, test } from 'vitest';

const NOW_MS = 1_800_000_000_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const organization = new Simulator({ users: 5, queues: 2 });
type Body = Record<string, never>;

/** A clock that advances one millisecond every four calls. */
function slowClock(): () => number {
  let asked = 0;
  return () => {
    asked += 1;
    return NOW_MS + Math.floor(asked / 4);
  };
}

function take(generator: Generator, count: number): Frame[] {
  return Array.from({ length: count }, () => generator.next());
}

describe('frames', () => {
  let frames: Frame[];
  beforeAll(() => {
    frames = take(
      new Generator(organization, { seed: 1, topics: GENERATED_TOPICS, now: slowClock() }),
      30_000,
    );
  });
  const of = (template: string): { id: string; body: Body }[] =>
    frames
      .filter(({ topicName }) => templateOf(topicName) === template)
      .map(({ topicName, eventBody }) => ({
        id: /[0-9a-f-]{36}/.exec(topicName)![0],
        body: eventBody as Body,
      }));

  test('The generator emits frames of every requested topic, with real ids', () => {
    expect(new Set(frames.map(({ topicName }) => templateOf(topicName)))).toEqual(new Set(GENERATED_TOPICS));
    for (const { version, metadata } of frames) {
      expect(version).toBe('2');
      expect(metadata.CorrelationId).toMatch(UUID);
    }
  });

  test('No two frames of a topic have the same body, even if the clock stands still', () => {
    const still = new Generator(organization, { seed: 2, topics: GENERATED_TOPICS, now: () => NOW_MS });
    for (const list of [frames, take(still, 30_000)]) {
      const distinct = new Set(
        list.map(({ topicName, eventBody }) => `${topicName} ${JSON.stringify(eventBody)}`),
      );
      expect(distinct.size).toBe(list.length);
    }
  });

  test('Frames average about 1.3 KB, and a few are 100 KB', () => {
    const sizes = take(new Generator(organization, { seed: 3 }), 30_000).map(
      (frame) => JSON.stringify(frame).length,
    );
    const averageBytes = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    expect(averageBytes).toBeGreaterThan(1_100);
    expect(averageBytes).toBeLessThan(1_600);
    const large = sizes.filter((size) => size > 90_000).length;
    expect(large).toBeGreaterThan(0);
    expect(large).toBeLessThan(sizes.length / 200);
  });

  test('Presence and routing status frames have the shape of the platform', () => {
    for (const { body } of of('v2.users.{id}.presence')) {
      expect(body).toMatchObject({
        source: 'PURECLOUD',
        presenceDefinition: { id: expect.stringMatching(UUID) },
        primary: true,
      });
      expect(new Date(body.modifiedDate!).toISOString()).toBe(body.modifiedDate);
    }
    for (const { id, body } of of('v2.users.{id}.routingStatus')) {
      expect(body).toEqual({
        id,
        routingStatus: { status: expect.any(String), startTime: expect.any(String) },
      });
    }
  });

  test('Detail events of a conversation are in order, with consistent ids and times', () => {
    const ends = of('v2.detail.events.conversation.{id}.customer.end');
    expect(ends.length).toBeGreaterThan(100);
    const starts = new Map(
      of('v2.detail.events.conversation.{id}.customer.start').map(({ id, body }) => [id, body]),
    );
    for (const { id, body } of ends) {
      const start = starts.get(id)!;
      expect(body.conversationId).toBe(id);
      expect(body.participantId).toBe(start.participantId);
      expect(body.sessionId).toBe(start.sessionId);
      expect(Number.isInteger(body.eventTime)).toBe(true);
      expect(Number(body.eventTime) - Number(start.eventTime)).toBe(body.interactingDurationMs);
    }
    const types = frames
      .filter(({ topicName }) => topicName.includes(ends[0]!.id) && topicName.startsWith('v2.detail.'))
      .map(({ topicName }) => topicName.split('.').slice(5).join('.'));
    expect(types.slice(0, 3)).toEqual(['customer.start', 'flow.start', 'flow.end']);
    expect(types.indexOf('acd.start')).toBeLessThan(types.indexOf('acd.end'));
    expect(types.indexOf('acd.end')).toBeLessThan(types.indexOf('customer.end'));
  });

  test('Conversation snapshots gain participants and never lose one', () => {
    const lengths = new Map<string, number>();
    for (const { id, body } of of('v2.routing.queues.{id}.conversations')) {
      const participants = (body.participants as unknown as Body[]).length;
      const key = `${id} ${body.id}`;
      expect(participants).toBeGreaterThanOrEqual(lengths.get(key) ?? 0);
      lengths.set(key, participants);
      expect(body.maxParticipants).toBe(participants);
    }
    expect(Math.max(...lengths.values())).toBeGreaterThanOrEqual(4);
    for (const { id, body } of of('v2.users.{id}.conversations')) {
      expect((body.participants as unknown as Body[]).some((participant) => participant.userId === id)).toBe(
        true,
      );
    }
  });

  test('Transcription frames have ISO 8601 times, and some have only a status', () => {
    const bodies = of('v2.conversations.{id}.transcription').map(({ body }) => body);
    expect(bodies.some((body) => body.transcripts === undefined && body.status !== undefined)).toBe(true);
    expect(bodies.some((body) => body.transcripts !== undefined)).toBe(true);
    for (const body of bodies) expect(new Date(body.eventTime!).toISOString()).toBe(body.eventTime);
  });

  test('Queue observation frames have metrics of their queue', () => {
    for (const { id, body } of of('v2.analytics.queues.{id}.observations')) {
      expect(body).toMatchObject({ group: { queueId: id }, data: [{ metrics: expect.any(Array) }] });
    }
  });
});

describe('the generator', () => {
  test('The same seed gives the same frames', () => {
    const list = (seed: number): string =>
      JSON.stringify(take(new Generator(organization, { seed, now: slowClock() }), 2_000));
    expect(list(4)).toBe(list(4));
    expect(list(4)).not.toBe(list(5));
  });

  test('The generator emits only the requested topics, by default the subscribable ones', () => {
    const templates = take(new Generator(organization, { seed: 1 }), 5_000).map(({ topicName }) =>
      templateOf(topicName),
    );
    expect(new Set(templates)).toEqual(new Set(DEFAULT_TOPICS));
    const [only] = DEFAULT_TOPICS;
    for (const { topicName } of take(new Generator(organization, { seed: 1, topics: [only!] }), 100)) {
      expect(templateOf(topicName)).toBe(only);
    }
  });

  test('The generator follows users that are added and removed', () => {
    const changing = new Simulator({ users: 1, queues: 0 });
    const generator = new Generator(changing, { seed: 1, topics: ['v2.users.{id}.presence'] });
    const usersOf = (frames: Frame[]): Set<string> =>
      new Set(frames.map(({ topicName }) => topicName.split('.')[2]!));
    expect(usersOf(take(generator, 50))).toEqual(new Set(changing.userIds));
    changing.addUser();
    expect(usersOf(take(generator, 50))).toEqual(new Set(changing.userIds));
    changing.removeUser(changing.userIds[0]!);
    changing.removeUser(changing.userIds[0]!);
    expect(() => generator.next()).toThrow(/no users or queues/);
  });

  test('The generator rejects topics that it cannot generate', () => {
    expect(() => new Generator(organization, { seed: 1, topics: ['v2.none.{id}'] })).toThrow(/v2\.none/);
  });
});
