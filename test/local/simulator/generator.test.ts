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

/** What a body is about, beside the ids in its topic. */
function subjectOf(body: Body): string {
  return JSON.stringify([
    body.joined === undefined ? body.conversationId : body.id,
    snapshotId(body),
    body.recordId,
  ]);
}

function snapshotId(body: Body): unknown {
  return body.participants === undefined ? undefined : body.id;
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

  test('Two successive frames of a topic never have the same body', () => {
    const still = new Generator(organization, { seed: 2, topics: GENERATED_TOPICS, now: () => NOW_MS });
    for (const list of [frames, take(still, 30_000)]) {
      const last = new Map<string, string>();
      for (const { topicName, eventBody } of list) {
        const body = JSON.stringify(eventBody);
        const subject = `${topicName} ${subjectOf(eventBody as Body)}`;
        expect(last.get(subject)).not.toBe(body);
        last.set(subject, body);
      }
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

  test('Presence and routing status frames have the format of the platform', () => {
    for (const { body } of of('v2.users.{id}.presence')) {
      expect(body).toMatchObject({
        source: 'PURECLOUD',
        presenceDefinition: { id: expect.stringMatching(UUID) },
        primary: true,
      });
      expect(new Date(body.modifiedDate!).toISOString()).toBe(body.modifiedDate);
    }
    for (const { id, body } of of('v2.users.{id}.routingStatus')) {
      expect(body).toMatchObject({
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

describe('recurring states', () => {
  /** Bodies by topic and subject, in order. */
  const histories = new Map<string, string[]>();
  beforeAll(() => {
    const generator = new Generator(organization, { seed: 6, topics: GENERATED_TOPICS, now: slowClock() });
    for (const { topicName, eventBody } of take(generator, 40_000)) {
      const subject = `${topicName} ${subjectOf(eventBody as Body)}`;
      histories.set(subject, [...(histories.get(subject) ?? []), JSON.stringify(eventBody)]);
    }
  });
  const historiesOf = (template: string): Body[][] =>
    [...histories]
      .filter(([subject]) => templateOf(subject.split(' ')[0]!) === template)
      .map(([, bodies]) => bodies.map((body) => JSON.parse(body) as Body));
  /** Pairs of successive bodies. */
  const changesOf = (template: string): [Body, Body][] =>
    historiesOf(template).flatMap((bodies) =>
      bodies.slice(1).map((body, index): [Body, Body] => [bodies[index]!, body]),
    );
  const differences = ([before, after]: [Body, Body]): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
    );

  test.each([
    'v2.users.{id}.conversations',
    'v2.routing.queues.{id}.conversations',
    'v2.users.{id}.conversationsummary',
    'v2.analytics.queues.{id}.activity',
    'v2.routing.queues.{id}.users',
  ])('A body of %s occurs again, byte for byte, after another one', (template) => {
    const returns = historiesOf(template).filter((bodies) => {
      const texts = bodies.map((body) => JSON.stringify(body));
      return texts.some((text, index) => index > 1 && texts[index - 2] === text && texts[index - 1] !== text);
    });
    expect(returns.length).toBeGreaterThan(0);
  });

  test('A call is held and resumed, and muted and unmuted', () => {
    const sessions = historiesOf('v2.routing.queues.{id}.conversations').map((bodies) =>
      bodies.map((body) => JSON.stringify(body)),
    );
    for (const field of ['"held":true', '"muted":true'])
      expect(
        sessions.some((bodies) =>
          bodies.some(
            (body, index) =>
              body.includes(field) && bodies[index + 1] !== undefined && !bodies[index + 1]!.includes(field),
          ),
        ),
        field,
      ).toBe(true);
  });

  test("Sometimes only the message of a user's presence changes", () => {
    expect(changesOf('v2.users.{id}.presence').map(differences)).toContainEqual(['message']);
  });

  test('A routing status is followed by the same one with an error', () => {
    const changes = changesOf('v2.users.{id}.routingStatus').filter(
      (change) => differences(change).join() === 'errorInfo',
    );
    expect(
      changes.some(([before, after]) => before.errorInfo === undefined && after.errorInfo !== undefined),
    ).toBe(true);
  });

  test('A conversation metric is followed by one with the same record id and another value', () => {
    const changes = changesOf('v2.analytics.conversation.{id}.metrics');
    expect(changes.length).toBeGreaterThan(0);
    for (const change of changes) expect(differences(change)).toEqual(['metrics']);
  });

  test.each([
    ['acd.start', 'queueId'],
    ['wrapup', 'wrapupCode'],
  ])('Two %s events of a participant have the same time and another %s', (type, field) => {
    const changes = changesOf(`v2.detail.events.conversation.{id}.${type}`).map(differences);
    expect(changes).toContainEqual([field]);
  });

  test('Two provisional transcriptions of an utterance have the same time and another text', () => {
    type Transcripts = { utteranceId: string; isFinal: boolean }[];
    const changes = changesOf('v2.conversations.{id}.transcription').filter(
      (change) => differences(change).join() === 'transcripts',
    );
    const [first, second] = changes
      .map((change) => change.map(({ transcripts }) => (transcripts as unknown as Transcripts)[0]!))
      .find((pair) => pair.every(({ isFinal }) => !isFinal))!;
    expect(first!.utteranceId).toBe(second!.utteranceId);
    expect(first).not.toEqual(second);
  });
});

describe('the generator', () => {
  test('The same seed produces the same frames', () => {
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
