import { beforeEach, describe, expect, test } from 'vitest';
import { analyticsEvents } from '../../functions/ingester/protocols/analytics-events/analytics-events.ts';
import type { StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { configurationProblems, receive, StreamHarness, sent } from './stream-harness.ts';

const ENVIRONMENT = {
  ANALYTICS_EVENT_TYPES: 'conversation, routing',
  ANALYTICS_FILTERS: '{"queueId":"q1"}',
  ANALYTICS_CONSUMER_GROUP: 'wallboard',
};
const DATA = {
  type: 'conversation',
  id: 'a0b1',
  timestamp: '2026-11-20T09:30:45.013Z',
  data: { conversationId: 'c1', big: 1 },
  metadata: { consumer_group: 'wallboard', sequence_number: 7 },
};
const error = (code: string, message: string) => ({ type: 'error', error: { code, message } });

let harness: ReturnType<typeof newHarness>;
const newHarness = (environment: Record<string, string> = ENVIRONMENT) =>
  new StreamHarness(analyticsEvents, environment);
beforeEach(() => {
  harness = newHarness();
});

const problems = (environment: Record<string, string>) =>
  configurationProblems(analyticsEvents as unknown as StreamProtocol, environment);

describe('before connecting', () => {
  test('Every problem of the configuration is reported', () => {
    const environment = {
      ANALYTICS_URL: 'https://api.mypurecloud.de',
      ANALYTICS_EVENT_TYPES: 'conversation,pigeon',
      ANALYTICS_FILTERS: '[',
      ANALYTICS_CONSUMER_GROUP: 'a b',
      ANALYTICS_MAX_SUBSCRIPTIONS: '3',
      ANALYTICS_ACTIVE_SUBSCRIPTIONS: '3',
    };
    expect(problems(environment)).toEqual([
      'ANALYTICS_URL is not a ws(s) URL',
      'ANALYTICS_EVENT_TYPES names pigeon, which is not one of conversation, interaction, routing, analytics, user',
      'ANALYTICS_FILTERS is not a JSON object',
      'ANALYTICS_CONSUMER_GROUP has characters other than letters, digits, - and _, or more than 64',
      'ANALYTICS_ACTIVE_SUBSCRIPTIONS is not below ANALYTICS_MAX_SUBSCRIPTIONS: no subscription is left',
    ]);
  });

  test.each([{}, { ANALYTICS_EVENT_TYPES: ' , ' }])('Event types are required: %j', (environment) => {
    expect(problems(environment)).toEqual([
      expect.stringMatching(/^ANALYTICS_EVENT_TYPES is missing: name one or more of conversation, /),
    ]);
  });

  test('The subscription is named after its consumer group, and its topics after its event types', async () => {
    const subscriptions = await harness.subscriptions();
    expect([...subscriptions.keys()]).toEqual(['wallboard']);
    expect(subscriptions.get('wallboard')?.topics).toEqual([
      'analytics.events.conversation',
      'analytics.events.routing',
    ]);
  });
});

describe('the handshake', () => {
  test('The token is sent first, then the subscription, and its acknowledgement makes the connection ready', async () => {
    const session = await harness.connect();
    expect(session.url).toBe('wss://api.mypurecloud.de/api/v2/analytics/events');
    expect(sent(session.onOpen())).toEqual([
      { type: 'auth', access_token: 'token-1', session_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ]);
    expect(sent(receive(session, { type: 'auth_ack', session_id: 'x' }))).toEqual([
      {
        type: 'subscribe',
        subscription: {
          eventTypes: ['conversation', 'routing'],
          filters: { queueId: 'q1' },
          consumerGroup: 'wallboard',
        },
      },
    ]);
    const acknowledgement = {
      type: 'subscribe_ack',
      consumer_group: 'wallboard',
      event_types: ['conversation'],
    };
    expect(receive(session, acknowledgement)).toEqual([{ kind: 'ready' }]);
    expect([...((await harness.subscription()).rejected ?? [])]).toEqual([
      ['analytics.events.routing', "not in the server's acknowledgment"],
    ]);
  });

  test('Another address can be configured', async () => {
    const ANALYTICS_URL = 'ws://127.0.0.1:1/stream';
    const session = await newHarness({ ...ENVIRONMENT, ANALYTICS_URL }).connect();
    expect(session.url).toBe(ANALYTICS_URL);
  });

  test('After a refused token, the next connection has a new one', async () => {
    await harness.connect();
    expect(sent((await harness.connect('resume')).onOpen())).toMatchObject([{ access_token: 'token-1' }]);
    expect(sent((await harness.connect('reauthenticate')).onOpen())).toMatchObject([
      { access_token: 'token-2' },
    ]);
  });

  test.each([
    ['401', 'Invalid token', { recovery: 'reauthenticate' }],
    ['403', 'Consumer group limit reached', { recovery: 'resume', throttled: true }],
    ['400', 'Invalid filter syntax', { recovery: 'stop' }],
    ['500', 'Out of order', { recovery: 'resume' }],
  ])('The error %s (%s) ends the connection', async (code, message, end) => {
    const session = await harness.connect();
    expect(receive(session, error(code, message))).toMatchObject([
      { kind: 'refused', reason: `${code} ${message}`, end },
    ]);
  });
});

describe('events', () => {
  test('An event has its own id, its topic, its time and its sequence number', async () => {
    const session = await harness.connect();
    expect(receive(session, { type: 'event', data: DATA })).toEqual([
      {
        kind: 'event',
        event: {
          id: 'a0b1',
          sequence: 7,
          late: false,
          frame: {
            topicName: 'analytics.events.conversation',
            timestamp: DATA.timestamp,
            eventBody: DATA.data,
            metadata: DATA.metadata,
          },
        },
      },
    ]);
  });

  test('The sequence number and the metadata are optional', async () => {
    const { metadata: _, ...data } = DATA;
    const [signal] = receive(await harness.connect(), { type: 'event', data });
    expect(signal).toMatchObject({ kind: 'event', event: { id: 'a0b1' } });
    expect(signal).not.toHaveProperty('event.sequence');
  });

  test('Long numbers keep their digits', async () => {
    const text = JSON.stringify({ type: 'event', data: DATA }).replace(
      '"big":1',
      '"big":12345678901234567890',
    );
    expect(JSON.stringify(receive(await harness.connect(), text))).toContain('"big":12345678901234567890');
  });

  test.each([
    ['not JSON', 'hello', 'not_json'],
    ['an array', '[1]', 'invalid_frame'],
    ['a number', '42', 'invalid_frame'],
    ['without a type', { data: DATA }, 'invalid_frame'],
    ['without an id', { type: 'event', data: { ...DATA, id: undefined } }, 'invalid_frame'],
    ['without a body', { type: 'event', data: { ...DATA, data: 7 } }, 'invalid_frame'],
  ])('A frame that is %s is quarantined', async (_, frame, reason) => {
    expect(receive(await harness.connect(), frame)).toEqual([{ kind: 'rejected', reason }]);
  });

  test('A binary frame is quarantined', async () => {
    expect((await harness.connect()).onFrame(Buffer.from('{}'), true, 0)).toEqual([
      { kind: 'rejected', reason: 'not_json' },
    ]);
  });

  test('An unknown type of message is logged and does no harm', async () => {
    expect(receive(await harness.connect(), { type: 'news' })).toEqual([
      { kind: 'notice', about: 'unknown_message', message: 'unknown message type', quote: 'news' },
    ]);
  });
});

describe('the optional sequence', () => {
  const numbered = (sequence_number: number, second: number) => ({
    type: 'event',
    data: {
      ...DATA,
      id: `${second}-${sequence_number}`,
      timestamp: new Date(1_800_000_000_000 + second * 1_000).toISOString(),
      metadata: { sequence_number },
    },
  });

  test('A jump is a gap of known size, and a lower number is late', async () => {
    const session = await harness.connect();
    receive(session, numbered(1, 1));
    expect(receive(session, numbered(4, 4))).toMatchObject([
      { kind: 'sequence', outcome: 'gap' },
      { kind: 'gap', from: 2, to: 3 },
      { kind: 'event', event: { id: '4-4', late: false } },
    ]);
    expect(receive(session, numbered(2, 2))).toMatchObject([
      { kind: 'sequence', outcome: 'late' },
      { kind: 'event', event: { id: '2-2', late: true } },
    ]);
  });

  test.each([2, 9])(
    'A sequence that restarts after a reconnect is recorded as a new epoch: second %i',
    async (second) => {
      const first = await harness.connect();
      for (const sequence of [1, 2]) receive(first, numbered(sequence, sequence));
      expect(receive(await harness.connect(), numbered(1, second))).toMatchObject([
        { kind: 'sequence', outcome: 'epoch' },
        { kind: 'event', event: { id: `${second}-1`, late: false } },
      ]);
      expect(harness.gaps).toMatchObject([
        {
          topics: ['analytics.events.conversation', 'analytics.events.routing'],
          reason: 'the sequence restarted at 1 after 2: a new epoch',
        },
      ]);
    },
  );
});

describe('the end', () => {
  test('The consumer group is left when the ingester stops, and kept when a connection is replaced', async () => {
    const session = await harness.connect();
    expect(sent(session.onClosing?.())).toEqual([]);
    harness.stop.abort();
    expect(sent(session.onClosing?.())).toEqual([{ type: 'unsubscribe', consumer_group: 'wallboard' }]);
  });

  test.each([
    [1000, 'resume'],
    [1001, 'resume'],
    [1006, 'resume'],
    [1008, 'reauthenticate'],
    [4_999, 'resume'],
  ])('After close code %i the recovery is %s', (code, recovery) => {
    expect(harness.endOfClose(code)).toMatchObject({ recovery });
  });

  test('A refused upgrade is repeated, after a wait if the server limits the rate', () => {
    expect(harness.endOfUpgrade(503)).toMatchObject({ recovery: 'resume' });
    expect(harness.endOfUpgrade(429)).toMatchObject({ recovery: 'resume', throttled: true });
  });

  test('A connection is replaced before its token expires, and is dead after 30 s of silence', async () => {
    const { replaceByMs = 0 } = await harness.connect();
    expect(replaceByMs).toBeGreaterThan(Date.now() + 86_000_000 - 600_000);
    expect(replaceByMs).toBeLessThan(Date.now() + 86_400_000);
    expect(analyticsEvents.liveness.silenceMs).toBe(30_000);
  });
});
