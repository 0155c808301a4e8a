import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { notificationStream } from '../../functions/ingester/protocols/notification-stream/notification-stream.ts';
import type { StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { configurationProblems, receive, StreamHarness } from './stream-harness.ts';

const RESOURCES = [
  { event: 'routing.queueEvents', resourceId: 'q1', filters: { eventType: ['QUEUE_ADD'] } },
  { event: 'routing.queueEvents', resourceId: 'q2' },
];
const ENVIRONMENT = { NOTIFICATION_SUBSCRIPTIONS: JSON.stringify(RESOURCES) };
const TIME = '2026-11-20T09:30:45.013Z';
const event = (id: string, more: object = {}) => ({
  id,
  event: 'routing.queueEvents',
  resourceId: 'q1',
  timestamp: TIME,
  data: { n: id },
  ...more,
});
const REFUSED = { code: 4_400, reason: 'Invalid subscription: q2' };

const newHarness = (environment: Record<string, string> = {}) =>
  new StreamHarness(notificationStream, { ...ENVIRONMENT, ...environment });
let harness: ReturnType<typeof newHarness>;
beforeEach(() => {
  harness = newHarness();
});
const problems = (environment: Record<string, string>) =>
  configurationProblems(notificationStream as unknown as StreamProtocol, environment);
const parametersOf = ({ url }: { url: string }) => new URL(url).searchParams;

describe('before connecting', () => {
  test.each([{}, { NOTIFICATION_SUBSCRIPTIONS: '[]' }, { NOTIFICATION_SUBSCRIPTIONS: '{' }])(
    'Subscriptions are required: %j',
    (environment) => {
      expect(problems(environment)).toEqual([
        expect.stringMatching(/^NOTIFICATION_SUBSCRIPTIONS is missing: a JSON list/),
      ]);
    },
  );

  test('Every problem of the configuration is reported', () => {
    const environment = {
      NOTIFICATION_URL: 'x',
      NOTIFICATION_SUBSCRIPTIONS: '[{"event":"a b","resourceId":"q1"},{"event":"a"}]',
      NOTIFICATION_MAX_BATCH_SIZE: '0',
      NOTIFICATION_MAX_LATENCY_MS: '60000',
    };
    expect(problems(environment)).toEqual([
      'NOTIFICATION_URL is not a ws(s) URL',
      'NOTIFICATION_SUBSCRIPTIONS has an event that is not a name at position 1',
      'NOTIFICATION_SUBSCRIPTIONS has no resourceId at position 2',
      'NOTIFICATION_MAX_BATCH_SIZE is below 1',
      'NOTIFICATION_MAX_LATENCY_MS is above 10000',
    ]);
  });
});

test('The upgrade request contains the token, subscriptions and batching, and subscribes', async () => {
  const session = await harness.connect();
  expect(session.url).toMatch(
    /^wss:\/\/api\.mypurecloud\.de\/api\/v2\/notifications\/stream\?access_token=token-1&/,
  );
  expect(JSON.parse(parametersOf(session).get('subscriptions') ?? '')).toEqual(RESOURCES);
  expect(parametersOf(session).get('maxBatchSize')).toBe('100');
  expect(parametersOf(session).get('maxLatency')).toBe('5000');
  expect(parametersOf(session).has('lastEventId')).toBe(false);
  expect(session.onOpen()).toEqual([{ kind: 'ready' }]);
});

describe('batches', () => {
  test('The events of a batch have their own ids, and the cursor follows them', async () => {
    const batch = {
      events: [event('1'), event('2', { resourceId: 'q2' })],
      lastEventId: '2',
      timestamp: TIME,
    };
    const frame = (resource: string, n: string) => ({
      topicName: `routing.queueEvents.${resource}`,
      timestamp: TIME,
      eventBody: { n },
    });
    expect(receive(await harness.connect(), batch)).toEqual([
      { kind: 'event', event: { id: '1', frame: frame('q1', '1') } },
      { kind: 'event', event: { id: '2', frame: frame('q2', '2') } },
      { kind: 'cursor', value: '2' },
    ]);
  });

  test('An empty batch is a heartbeat', async () => {
    expect(receive(await harness.connect(), { events: [], timestamp: TIME })).toEqual([]);
  });

  test('An invalid event quarantines the frame, and the other events of its batch are sent before the cursor', async () => {
    const batch = { events: [event('1'), { id: 2 }, event('3')], lastEventId: '3' };
    expect(receive(await harness.connect(), batch)).toMatchObject([
      { kind: 'event', event: { id: '1' } },
      { kind: 'event', event: { id: '3' } },
      { kind: 'rejected', reason: 'invalid_frame' },
      { kind: 'cursor', value: '3' },
    ]);
  });

  test.each([
    ['not JSON', 'hello', 'not_json'],
    ['without events', { lastEventId: '3' }, 'invalid_frame'],
  ])('A frame that is %s is quarantined', async (_, frame, reason) => {
    expect(receive(await harness.connect(), frame)).toEqual([{ kind: 'rejected', reason }]);
  });
});

describe('the cursor', () => {
  test('A committed cursor is sent with the next connection', async () => {
    const session = await harness.connect();
    receive(session, { events: [event('1')], lastEventId: 'a/1' });
    expect(parametersOf(await harness.connect()).has('lastEventId')).toBe(false);
    await session.commit?.('a/1');
    const { url } = await harness.connect();
    expect(url).toContain('lastEventId=a%2F1');
  });

  test('It survives a restart in the state table, and belongs to its subscription', async () => {
    const aws = await LocalAws.start();
    try {
      const stateTable = { client: aws.dynamodb, name: STATE_TABLE };
      harness.stateTable = stateTable;
      await (await harness.connect()).commit?.('7');
      const restarted = newHarness();
      const other = newHarness({ NOTIFICATION_NAME: 'other' });
      for (const one of [restarted, other]) one.stateTable = stateTable;
      expect(parametersOf(await restarted.connect()).get('lastEventId')).toBe('7');
      expect(parametersOf(await other.connect()).has('lastEventId')).toBe(false);
    } finally {
      await aws.close();
    }
  });
});

describe('a refused subscription', () => {
  test.each([
    ['close code 4400', () => harness.endOfClose(4_400)],
    ['HTTP 400 at the upgrade', () => harness.endOfUpgrade(400)],
    ['a reason', () => harness.endOfClose(1_008, 'Invalid subscription: q2')],
  ])('It is recognized by %s', (_, end) => {
    expect(end()).toMatchObject({ recovery: 'restart', meaning: 'a subscription is refused' });
  });

  test('Subscriptions that the server no longer has are removed, reported, and not requested again', async () => {
    await harness.connect();
    harness.answer = () => Response.json({ entities: [RESOURCES[0]] });
    const session = await harness.connect('restart', REFUSED);
    expect(harness.requests.at(-1)?.url).toBe(
      'https://api.mypurecloud.de/api/v2/notifications/stream/subscriptions',
    );
    expect(JSON.parse(parametersOf(session).get('subscriptions') ?? '')).toEqual([RESOURCES[0]]);
    expect([...((await harness.subscription()).rejected ?? [])]).toEqual([
      ['routing.queueEvents.q2', REFUSED.reason],
    ]);
    expect(harness.log.about('a subscription is refused and left out')).toHaveLength(1);
  });

  test('If none is left, the subscription stops with the reason', async () => {
    harness.answer = () => Response.json([]);
    await expect(harness.connect('restart', REFUSED)).rejects.toMatchObject({
      retriable: false,
      message: expect.stringMatching(
        /refuses every subscription: Invalid subscription: q2\. Check NOTIFICATION_SUBS/,
      ),
    });
  });
});

describe('a refused last event id', () => {
  const UNKNOWN = { code: 4_400, reason: 'Unknown lastEventId' };
  const REFUSED_UPGRADE = { code: 1_006, reason: 'upgrade refused with HTTP 400', upgradeStatus: 400 };
  const recorded = {
    topics: ['routing.queueEvents.q1', 'routing.queueEvents.q2'],
    reason: 'the server cannot continue after event 7',
  };
  let aws: LocalAws;
  beforeEach(async () => {
    aws = await LocalAws.start();
    harness.stateTable = { client: aws.dynamodb, name: STATE_TABLE };
    await (await harness.connect()).commit?.('7');
    harness.answer = () => Response.json({ entities: RESOURCES });
  });
  afterEach(() => aws.close());

  test.each([
    ['the reason names it', UNKNOWN],
    ['the upgrade is refused with HTTP 400 although every subscription exists', REFUSED_UPGRADE],
  ])(
    'If %s, the next connection starts without it, and the time since it was stored is a gap',
    async (_, after) => {
      const storedAtMs = Date.now();
      expect(parametersOf(await harness.connect('restart', after)).has('lastEventId')).toBe(false);
      expect(harness.gaps).toEqual([{ ...recorded, fromMs: expect.any(Number), toMs: expect.any(Number) }]);
      const { fromMs = 0, toMs } = harness.gaps[0] ?? {};
      expect(fromMs).toBeLessThanOrEqual(storedAtMs);
      expect(fromMs).toBeGreaterThan(storedAtMs - 60_000);
      expect(toMs).toBeGreaterThanOrEqual(storedAtMs);
      const restarted = newHarness();
      restarted.stateTable = harness.stateTable;
      expect(parametersOf(await restarted.connect()).has('lastEventId')).toBe(false);
      await harness.connect('restart', after);
      expect(harness.gaps).toHaveLength(1);
    },
  );

  test('It is kept if the server refuses a subscription', async () => {
    harness.answer = () => Response.json({ entities: [RESOURCES[0]] });
    expect(parametersOf(await harness.connect('restart', REFUSED_UPGRADE)).get('lastEventId')).toBe('7');
    harness.answer = () => Response.json({ entities: RESOURCES });
    expect(parametersOf(await harness.connect('restart', REFUSED)).get('lastEventId')).toBe('7');
    expect(harness.gaps).toEqual([]);
  });
});

test.each([
  ['HTTP 429 at the upgrade', () => harness.endOfUpgrade(429)],
  ['close code 4429', () => harness.endOfClose(4_429)],
  ['a reason that says 429', () => harness.endOfClose(1_008, 'status 429')],
])('After %s the server is given time', (_, end) => {
  expect(end()).toMatchObject({ recovery: 'resume', throttled: true });
});

test('Close code 4001 renews the token', async () => {
  await harness.connect();
  expect(harness.endOfClose(4_001)).toMatchObject({ recovery: 'reauthenticate' });
  expect(parametersOf(await harness.connect('reauthenticate')).get('access_token')).toBe('token-2');
});

test('Three missed pongs in a row end a connection', () => {
  expect(notificationStream.liveness.ping).toEqual({
    everyMs: 30_000,
    pong: { withinMs: 10_000, maxMisses: 3 },
  });
});
