import { beforeEach, describe, expect, test } from 'vitest';
import { conversationStream } from '../../functions/ingester/protocols/conversation-stream/conversation-stream.ts';
import type { StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { configurationProblems, receive, StreamHarness, sent } from './stream-harness.ts';

const ENVIRONMENT = { CONVERSATION_TYPES: 'voice,webChat', CONVERSATION_STATES: 'active, queued' };
const EVENT = {
  type: 'conversation.state',
  state: 'completed',
  sequence: 1,
  conversationId: 'c1',
  timestamp: '2026-11-20T09:30:45.013Z',
  participants: [{ id: 'p1', role: 'agent', identity: 'x' }],
};
/** A later event with this number. */
const numbered = (sequence: number, more: object = {}) => ({
  ...EVENT,
  sequence,
  timestamp: new Date(1_800_000_000_000 + sequence).toISOString(),
  ...more,
});

const newHarness = (environment: Record<string, string> = {}) =>
  new StreamHarness(conversationStream, { ...ENVIRONMENT, ...environment });
let harness: ReturnType<typeof newHarness>;
beforeEach(() => {
  harness = newHarness();
});
const problems = (environment: Record<string, string>) =>
  configurationProblems(conversationStream as unknown as StreamProtocol, environment);

describe('before connecting', () => {
  test.each([{}, { CONVERSATION_TYPES: ' ', CONVERSATION_STATES: ',' }])(
    'A subscription without types and states is refused: %j',
    (environment) => {
      expect(problems(environment)).toEqual([
        'CONVERSATION_TYPES is missing: without it, the whole organization would be streamed; for example voice,webChat,email',
        'CONVERSATION_STATES is missing: without it, the whole organization would be streamed; for example active,queued,waiting,wrapup',
      ]);
    },
  );

  test('Every problem of the configuration is reported', () => {
    const environment = {
      ...ENVIRONMENT,
      CONVERSATION_URL: 'https://x',
      CONVERSATION_EVENTS: ',',
      CONVERSATION_SUBSCRIPTION: 'a b',
      CONVERSATION_GAP_TOLERANCE: '-1',
    };
    expect(problems(environment)).toEqual([
      'CONVERSATION_URL is not a ws(s) URL',
      'CONVERSATION_EVENTS is empty: name event types, or use *',
      'CONVERSATION_SUBSCRIPTION has characters other than letters, digits, - and _, or more than 64',
      'CONVERSATION_GAP_TOLERANCE is below 0',
    ]);
  });

  test('Id and secret travel in the form of the token request', async () => {
    expect(conversationStream.credentialsIn).toBe('form');
    const requests: RequestInit[] = [];
    const fetch = (async (_url: string, init: RequestInit) => {
      requests.push(init);
      return Response.json({ access_token: 'a-token', expires_in: 60 });
    }) as unknown as typeof globalThis.fetch;
    const credentials = async () => ({ clientId: 'an id', clientSecret: 'a&secret' });
    await new TokenSource({ loginUrl: 'https://login', credentials, credentialsIn: 'form', fetch }).get();
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
    expect(Object.fromEntries(new URLSearchParams(String(requests[0]?.body)))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'an id',
      client_secret: 'a&secret',
    });
  });
});

describe('the handshake', () => {
  test('The token is a bearer header, and the subscription is sent on open', async () => {
    const session = await harness.connect();
    expect(session.url).toBe('wss://api.mypurecloud.de/api/v2/analytics/events/stream');
    expect(session.headers).toEqual({ authorization: 'Bearer token-1' });
    const signals = session.onOpen();
    expect(sent(signals)).toEqual([
      {
        messageType: 'subscribe',
        subscriptions: [
          { channel: 'conversation', filters: { types: ['voice', 'webChat'], state: ['active', 'queued'] } },
        ],
      },
    ]);
    expect(signals).toContainEqual({ kind: 'ready', after: 'pong' });
  });

  test('After a refused token, the next connection has a new one', async () => {
    await harness.connect();
    expect((await harness.connect('reauthenticate')).headers).toEqual({ authorization: 'Bearer token-2' });
  });
});

describe('events', () => {
  test('An event is identified by subscription, sequence number and time, and its body is the whole event', async () => {
    expect(receive(await harness.connect(), EVENT)).toEqual([
      {
        kind: 'event',
        event: {
          id: `conversations:1:${EVENT.timestamp}`,
          sequence: 1,
          late: false,
          frame: { topicName: 'conversation.state', timestamp: EVENT.timestamp, eventBody: EVENT },
        },
      },
    ]);
  });

  test.each([
    ['not JSON', 'hello', 'not_json'],
    ['without a sequence', { ...EVENT, sequence: undefined }, 'invalid_frame'],
    ['with a fractional sequence', { ...EVENT, sequence: 1.5 }, 'invalid_frame'],
    ['without a conversation', { ...EVENT, conversationId: undefined }, 'invalid_frame'],
    ['with a time that is not one', { ...EVENT, timestamp: 'yesterday' }, 'invalid_frame'],
    ['with a type that is not a name', { ...EVENT, type: 'a b' }, 'invalid_frame'],
  ])('A frame that is %s is quarantined', async (_, frame, reason) => {
    expect(receive(await harness.connect(), frame)).toEqual([{ kind: 'rejected', reason }]);
  });
});

describe('the filter of the client', () => {
  test.each([
    [{ state: 'completed' }, 'event'],
    [{ state: 'abandoned' }, 'event'],
    [{ state: 'transfer' }, 'event'],
    [{ state: 'active' }, 'filtered'],
    [{ state: undefined }, 'filtered'],
    [{ type: 'routing.queue', state: undefined }, 'event'],
    [{ type: 'conversation.talk', state: undefined }, 'filtered'],
  ])('By default %j is an %s', async (more, kind) => {
    expect(receive(await harness.connect(), { ...EVENT, ...more })).toMatchObject([{ kind }]);
  });

  test('Every event is passed on if the filter is *', async () => {
    const session = await newHarness({ CONVERSATION_EVENTS: '*' }).connect();
    expect(receive(session, { ...EVENT, type: 'conversation.hold' })).toMatchObject([{ kind: 'event' }]);
  });

  test('Filtered events still count for the sequence', async () => {
    const session = await harness.connect();
    receive(session, numbered(1));
    expect(receive(session, numbered(2, { state: 'active' }))).toEqual([{ kind: 'filtered' }]);
    expect(receive(session, numbered(3))).toMatchObject([{ kind: 'event' }]);
  });
});

describe('the sequence', () => {
  test('A gap of known size becomes a gap record, and the event after it is passed on', async () => {
    const session = await harness.connect();
    receive(session, numbered(1));
    expect(receive(session, numbered(5))).toMatchObject([
      { kind: 'sequence', outcome: 'gap' },
      { kind: 'gap', from: 2, to: 4, sinceMs: expect.any(Number) },
      { kind: 'event' },
    ]);
  });

  test('A gap within the tolerance is counted only', async () => {
    const session = await newHarness({ CONVERSATION_GAP_TOLERANCE: '3' }).connect();
    receive(session, numbered(1));
    expect(receive(session, numbered(5))).toMatchObject([
      { kind: 'sequence', outcome: 'gap' },
      { kind: 'event' },
    ]);
  });

  test('A late event is marked, and a duplicate is passed on with the same id', async () => {
    const session = await harness.connect();
    for (const sequence of [1, 3]) receive(session, numbered(sequence));
    expect(receive(session, numbered(2))).toMatchObject([
      { kind: 'sequence', outcome: 'late' },
      { kind: 'event', event: { late: true, sequence: 2 } },
    ]);
    expect(receive(session, numbered(3))).toMatchObject([
      { kind: 'sequence', outcome: 'duplicate' },
      { kind: 'event', event: { id: `conversations:3:${numbered(3).timestamp}` } },
    ]);
  });

  test.each([
    ['later times', 1_900_000_000_000],
    ['the time of the newest event', Date.parse(numbered(3).timestamp)],
  ])(
    'A sequence that restarts with %s is recorded as a new epoch, and its events have other ids',
    async (_, ms) => {
      const first = await harness.connect();
      for (const sequence of [1, 2, 3]) receive(first, numbered(sequence));
      const again = numbered(1, { timestamp: new Date(ms).toISOString() });
      expect(receive(await harness.connect(), again)).toMatchObject([
        { kind: 'sequence', outcome: 'epoch' },
        { kind: 'event', event: { id: `conversations:1:${again.timestamp}`, late: false } },
      ]);
      expect(harness.gaps).toMatchObject([
        {
          topics: ['conversation.state', 'routing.queue'],
          reason: 'the sequence restarted at 1 after 3: a new epoch',
        },
      ]);
    },
  );
});

test.each([
  ['close 4001', () => harness.endOfClose(4_001), 'reauthenticate'],
  ['close 1006', () => harness.endOfClose(1_006), 'resume'],
  ['an unknown close code', () => harness.endOfClose(4_321), 'resume'],
  ['401 at the upgrade', () => harness.endOfUpgrade(401), 'reauthenticate'],
  ['403 at the upgrade', () => harness.endOfUpgrade(403), 'reauthenticate'],
  ['503 at the upgrade', () => harness.endOfUpgrade(503), 'resume'],
])('After %s the recovery is right', (_, end, recovery) => {
  expect(end()).toMatchObject({ recovery });
});
