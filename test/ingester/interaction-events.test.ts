import { pack } from 'msgpackr';
import { beforeEach, describe, expect, test } from 'vitest';
import { interactionEvents } from '../../functions/ingester/protocols/interaction-events/interaction-events.ts';
import type { Signal, StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { configurationProblems, receive, StreamHarness, sent } from './stream-harness.ts';

const ENVIRONMENT = { INTERACTION_EVENT_TYPES: 'interaction:updated' };
const EVENT = {
  eventType: 'interaction:updated',
  sequenceId: 1,
  timestamp: '2026-11-20T09:30:45.013Z',
  data: { interactionId: 'i1', step: 3 },
};
/** A later event with this number. */
const numbered = (sequenceId: number, more: object = {}) => ({
  ...EVENT,
  sequenceId,
  timestamp: new Date(1_800_000_000_000 + sequenceId).toISOString(),
  ...more,
});
const newHarness = (environment: Record<string, string> = {}) =>
  new StreamHarness(interactionEvents, { ...ENVIRONMENT, ...environment });
let harness: ReturnType<typeof newHarness>;
beforeEach(() => {
  harness = newHarness();
});
const problems = (environment: Record<string, string>) =>
  configurationProblems(interactionEvents as unknown as StreamProtocol, environment);

describe('before connecting', () => {
  test('Every problem of the configuration is reported', () => {
    const environment = {
      INTERACTION_URL: 'x',
      INTERACTION_EVENT_TYPES: 'interaction:deleted',
      INTERACTION_FILTERS: '{"interaction.id":"lt:5","interaction.routing.type":7}',
      INTERACTION_RETRY_SECONDS: '-1',
      INTERACTION_CONTENT_TYPE: 'text/plain',
      INTERACTION_LATE: 'keep',
      INTERACTION_ACTIVE_CONNECTIONS: '100',
    };
    expect(problems(environment)).toEqual([
      'INTERACTION_URL is not a ws(s) URL',
      'INTERACTION_EVENT_TYPES names interaction:deleted, which is not one of interaction:updated, interaction:created',
      'INTERACTION_FILTERS has the operator lt: for interaction.id, which is not one of eq, gt, contains',
      'INTERACTION_FILTERS has a value of interaction.routing.type that is not text',
      'INTERACTION_RETRY_SECONDS is below 0',
      'INTERACTION_CONTENT_TYPE is not application/msgpack or application/json',
      'INTERACTION_LATE is not tag or drop',
      'INTERACTION_ACTIVE_CONNECTIONS is above 99',
    ]);
  });

  test.each(['IVR', 'eq:5', 'gt:5', 'contains:a:b'])('The filter value %s is accepted', (value) => {
    expect(
      problems({ ...ENVIRONMENT, INTERACTION_FILTERS: JSON.stringify({ 'interaction.id': value }) }),
    ).toEqual([]);
  });

  test.each([
    [97, []],
    [
      98,
      ['INTERACTION_ACTIVE_CONNECTIONS is 98, and with one connection per event type that is not below 100'],
    ],
  ])('With %i connections of others, two event types need two more', (active, expected) => {
    const environment = {
      INTERACTION_EVENT_TYPES: 'interaction:updated,interaction:created',
      INTERACTION_ACTIVE_CONNECTIONS: String(active),
    };
    expect(problems(environment)).toEqual(expected);
  });

  test('A subscription can have at most 65,536 bytes', () => {
    const filters = (bytes: number) => ({
      ...ENVIRONMENT,
      INTERACTION_FILTERS: JSON.stringify({ 'interaction.id': 'é'.repeat(bytes / 2) }),
    });
    expect(problems(filters(65_000))).toEqual([]);
    expect(problems(filters(65_536))).toEqual([
      expect.stringMatching(
        /^INTERACTION_FILTERS makes a subscription of 65\d+ bytes, but it can have at most 65536$/,
      ),
    ]);
  });
});

describe('the handshake', () => {
  test('The token travels in the upgrade, and the subscription is sent on open', async () => {
    const session = await harness.connect();
    expect(session.url).toBe('wss://mypurecloud.de/api/v2/events?access_token=token-1');
    const signals = session.onOpen();
    expect(sent(signals)).toEqual([
      {
        eventType: 'interaction:updated',
        dataTypes: ['interaction'],
        filters: { 'interaction.routing.type': 'IVR' },
        retry: 60,
        contentType: 'application/msgpack',
      },
    ]);
    expect(signals).toContainEqual({ kind: 'ready', after: 'pong' });
  });

  test('Each event type has its own subscription', async () => {
    const both = newHarness({ INTERACTION_EVENT_TYPES: 'interaction:updated,interaction:created' });
    expect([...(await both.subscriptions())].map(([name, { topics }]) => [name, topics])).toEqual([
      ['interaction-updated', ['interaction:updated']],
      ['interaction-created', ['interaction:created']],
    ]);
  });

  test('After close code 4001 the next connection has a new token', async () => {
    await harness.connect();
    expect(harness.endOfClose(4_001)).toMatchObject({ recovery: 'reauthenticate' });
    expect((await harness.connect('reauthenticate')).url).toContain('access_token=token-2');
  });
});

describe('frames', () => {
  const expected: Signal = {
    kind: 'event',
    event: {
      id: `interaction-updated:1:${EVENT.timestamp}`,
      sequence: 1,
      late: false,
      frame: { topicName: 'interaction:updated', timestamp: EVENT.timestamp, eventBody: EVENT.data },
    },
  };

  test('Text frames are JSON, and binary frames msgpack, on the same socket', async () => {
    expect(receive(await harness.connect(), EVENT)).toEqual([expected]);
    expect((await newHarness().connect()).onFrame(pack(EVENT), true, 0)).toEqual([expected]);
  });

  test('Long integers of msgpack keep their digits, and bytes become base64', async () => {
    const data = { big: 2n ** 63n, small: 5n, bytes: Buffer.from('hi'), at: new Date(0), list: [1] };
    const signals = (await harness.connect()).onFrame(pack({ ...EVENT, data }), true, 0);
    expect(JSON.stringify(signals)).toContain(
      '{"big":9223372036854775808,"small":5,"bytes":"aGk=","at":"1970-01-01T00:00:00.000Z","list":[1]}',
    );
  });

  test('A time in epoch milliseconds is written as ISO 8601', async () => {
    expect(receive(await harness.connect(), { ...EVENT, timestamp: Date.parse(EVENT.timestamp) })).toEqual([
      expected,
    ]);
  });

  test.each(['eventType', 'sequenceId', 'timestamp', 'data'])(
    'A frame without %s is quarantined',
    async (field) => {
      const frame = { ...EVENT, [field]: undefined };
      expect(receive(await harness.connect(), frame)).toEqual([
        { kind: 'rejected', reason: 'invalid_frame' },
      ]);
    },
  );

  test.each([
    ['a byte that msgpack does not use', Buffer.from([0xc1])],
    ['a number', pack(7)],
    ['nothing', Buffer.alloc(0)],
    ['a frame that is cut off', pack(EVENT).subarray(0, 20)],
  ])('A binary frame with %s is quarantined', async (_, frame) => {
    expect((await harness.connect()).onFrame(frame, true, 0)).toEqual([
      { kind: 'rejected', reason: 'invalid_frame' },
    ]);
  });

  test('An unknown field is kept, and reported once per name over all connections', async () => {
    const first = await harness.connect();
    expect(receive(first, { ...numbered(1), mood: 'calm' })).toMatchObject([
      { kind: 'notice', message: 'the schema has evolved: unknown field', quote: 'mood' },
      { kind: 'event', event: { frame: { mood: 'calm' } } },
    ]);
    expect(receive(first, { ...numbered(2), mood: 'calm' })).toMatchObject([{ kind: 'event' }]);
    expect(receive(await harness.connect(), { ...numbered(3), mood: 'x', tone: 'y' })).toMatchObject([
      { kind: 'notice', message: 'the schema has evolved: unknown field', quote: 'tone' },
      { kind: 'event' },
    ]);
  });
});

describe('the sequence', () => {
  test('A jump is a gap record, an equal number a duplicate', async () => {
    const session = await harness.connect();
    receive(session, numbered(1));
    expect(receive(session, numbered(4))).toMatchObject([
      { kind: 'sequence', outcome: 'gap' },
      { kind: 'gap', from: 2, to: 3 },
      { kind: 'event' },
    ]);
    expect(receive(session, numbered(4))).toMatchObject([
      { kind: 'sequence', outcome: 'duplicate' },
      { kind: 'event' },
    ]);
  });

  test.each([
    [
      'tag',
      [
        { kind: 'sequence', outcome: 'late' },
        { kind: 'event', event: { late: true } },
      ],
    ],
    ['drop', [{ kind: 'sequence', outcome: 'late' }, { kind: 'filtered' }]],
  ])('With the policy %s a late event is counted and treated so', async (INTERACTION_LATE, signals) => {
    const session = await newHarness({ INTERACTION_LATE }).connect();
    for (const sequence of [1, 3]) receive(session, numbered(sequence));
    expect(receive(session, numbered(2))).toMatchObject(signals);
  });

  test.each([
    ['later times', 1_900_000_000_000],
    ['the time of the newest event', 1_800_000_000_002],
  ])(
    'A sequence that restarts after a reconnect with %s is a new epoch, and none of its events is dropped',
    async (_, ms) => {
      const strict = newHarness({ INTERACTION_LATE: 'drop' });
      const first = await strict.connect();
      for (const sequence of [1, 2]) receive(first, numbered(sequence));
      const timestamp = new Date(ms).toISOString();
      const session = await strict.connect();
      expect(receive(session, numbered(1, { timestamp }))).toMatchObject([
        { kind: 'sequence', outcome: 'epoch' },
        { kind: 'event', event: { id: `interaction-updated:1:${timestamp}`, late: false } },
      ]);
      expect(receive(session, numbered(3, { timestamp }))).toMatchObject([
        { kind: 'sequence', outcome: 'gap' },
        { kind: 'gap', from: 2, to: 2 },
        { kind: 'event' },
      ]);
      expect(strict.gaps).toMatchObject([
        { topics: ['interaction:updated'], reason: 'the sequence restarted at 1 after 2: a new epoch' },
      ]);
    },
  );
});

test('Close code 4003 renews the token once, and stops with its meaning if it occurs again', () => {
  expect(harness.endOfClose(4_003)).toEqual({
    recovery: 'reauthenticate',
    meaning: 'the subscription is refused: a filter is invalid, or a data type is restricted',
    maxInARow: 1,
  });
  expect(harness.endOfUpgrade(401)).toMatchObject({ recovery: 'reauthenticate' });
});
