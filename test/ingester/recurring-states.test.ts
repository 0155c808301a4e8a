import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal, Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import type { SignalSink } from '../../functions/ingester/signal-sink.ts';
import { KeptItems } from './kept-items.ts';
import { TestLog } from './test-log.ts';

const USER = '278522be-1683-4877-8257-4164a177be89';
const QUEUE = 'b8775049-2993-450d-97d7-5d7c784d7cc9';
/** After every connection was opened. */
const AFTER_MS = Date.now() + 60_000;
/** Before any connection was opened. */
const BEFORE_MS = Date.now() - 60_000;
const CONVERSATION = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
const session: Session = { url: 'ws://fake', onOpen: () => [], onFrame: () => [] };

let queue: KeptItems;
let intake: Intake;
let sink: SignalSink;

beforeEach(() => {
  queue = new KeptItems();
  intake = new Intake(queue, { onSequenceGap: () => {} }, new TestLog());
  sink = intake.sink('notification-channels', '0');
  sink.open(session);
});

/** A conversation in which only the state of one participant changes. */
const conversation = (state: object) => ({
  id: CONVERSATION,
  participants: [
    { id: 'p1', purpose: 'agent', userId: USER, state: 'connected', muted: false, held: false, ...state },
  ],
});
const observation = (oWaiting: number) => ({
  group: { queueId: QUEUE, mediaType: 'voice' },
  data: [{ metrics: [{ metric: 'oWaiting', stats: { count: oWaiting } }] }],
});
const membership = (joined: boolean) => ({ queueId: QUEUE, userId: USER, joined });
const summary = (active: number) => ({ call: { contactCenter: { active, acw: 0 } } });

/** Bodies of a topic in the order in which they are sent; the same state occurs several times. */
const SEQUENCES: readonly (readonly [name: string, topicName: string, bodies: readonly object[]])[] = [
  [
    'a resume after a hold',
    `v2.users.${USER}.conversations`,
    [{ held: false }, { held: true }, { held: false }].map(conversation),
  ],
  [
    'an un-mute after a mute',
    `v2.users.${USER}.conversations.calls`,
    [{ muted: false }, { muted: true }, { muted: false }, { muted: true }].map(conversation),
  ],
  [
    'a queue with 0, 1, 0, 1 and 0 waiting conversations',
    `v2.analytics.queues.${QUEUE}.observations`,
    [0, 1, 0, 1, 0].map(observation),
  ],
  [
    'a member that joins, leaves and joins',
    `v2.routing.queues.${QUEUE}.users`,
    [true, false, true].map(membership),
  ],
  ['a summary with 0, 1 and 0 conversations', `v2.users.${USER}.conversationsummary`, [0, 1, 0].map(summary)],
];
const FRAMES = SEQUENCES.flatMap(([, topicName, bodies]) =>
  bodies.map((eventBody) => JSON.stringify({ topicName, version: '2', eventBody })),
);

function take(text: string): void {
  const data = Buffer.from(text);
  sink.take(session, readFrame(data, false) as DataSignal, data);
}

describe('states that recur', () => {
  test.each(SEQUENCES)('The states of %s are as many items, in order', (_name, topicName, bodies) => {
    for (const eventBody of bodies) take(JSON.stringify({ topicName, version: '2', eventBody }));
    expect(queue.events.map(({ frame }) => frame.eventBody)).toEqual(bodies);
    expect(new Set(queue.events.map(({ id }) => id)).size).toBe(bodies.length);
    expect(intake.totals.copies).toBe(0);
  });

  test('18 frames with states that recur are 18 items', () => {
    expect(FRAMES).toHaveLength(18);
    for (const text of FRAMES) take(text);
    expect(queue.items).toHaveLength(18);
    expect(queue.events.every(({ weak }) => weak === true)).toBe(true);
    expect(intake.totals).toMatchObject({ received: 18, copies: 0 });
  });

  test('18 frames on each of two overlapping connections are 18 items', () => {
    const other: Session = { ...session, url: 'ws://other' };
    sink.open(other);
    for (const text of FRAMES) {
      take(text);
      const data = Buffer.from(text);
      sink.take(other, readFrame(data, false) as DataSignal, data);
    }
    expect(queue.items).toHaveLength(18);
    sink.end(other, { tick: performance.now() });
    expect(queue.items).toHaveLength(18);
  });
});

/** Another message does not change the time of a presence. */
const presence = (message: string, modifiedMs = AFTER_MS) =>
  JSON.stringify({
    topicName: `v2.users.${USER}.presence`,
    version: '2',
    eventBody: {
      source: 'PURECLOUD',
      modifiedDate: new Date(modifiedMs).toISOString(),
      presenceDefinition: { id: 'busy' },
      message,
    },
  });

describe('states that have a key, and a gap between two connections', () => {
  const bodies = () => queue.events.map(({ frame }) => (frame.eventBody as { message: string }).message);

  test('A state that is both the last before the gap and the first after it is a separate item', () => {
    for (const message of ['lunch', 'meeting']) take(presence(message));
    sink.end(session, { tick: performance.now() });
    sink.open(session);
    // Between the two, another state was missed.
    take(presence('meeting'));
    expect(bodies()).toEqual(['lunch', 'meeting', 'meeting']);
    expect(queue.events.map(({ weak }) => weak === true)).toEqual([false, false, true]);
  });

  test('A frame that one connection delivers twice is one item, also after the gap', () => {
    take(presence('lunch'));
    take(presence('lunch'));
    sink.end(session, { tick: performance.now() });
    sink.open(session);
    for (let times = 3; times > 0; times--) take(presence('meeting'));
    expect(bodies()).toEqual(['lunch', 'meeting']);
  });

  test('A state that both connections of an overlap deliver is one item', () => {
    take(presence('lunch'));
    const other: Session = { ...session, url: 'ws://other' };
    sink.open(other);
    const text = presence('lunch');
    sink.take(other, readFrame(Buffer.from(text), false) as DataSignal, Buffer.from(text));
    sink.end(session, { tick: performance.now() + 1 });
    expect(bodies()).toEqual(['lunch']);
  });
});

describe('a state that began before the connection was opened', () => {
  const weak = () => queue.events.map((one) => one.weak === true);

  test('It is an item of its own, because another task can have read one with the same content', () => {
    // Before, another task has read 'lunch', and then 'meeting'.
    for (const message of ['meeting', 'lunch', 'meeting']) take(presence(message, BEFORE_MS));
    expect(weak()).toEqual([true, true, true]);
  });

  test('A frame that the connection delivers twice is one item', () => {
    for (let times = 3; times > 0; times--) take(presence('lunch', BEFORE_MS));
    expect(weak()).toEqual([true]);
  });

  test('A state that another task has read during a gap is an item of its own', () => {
    take(presence('lunch', BEFORE_MS));
    sink.end(session, { tick: performance.now() });
    sink.open(session);
    // During the gap, another task has read 'meeting', and then 'lunch'.
    take(presence('meeting', BEFORE_MS));
    expect(weak()).toEqual([true, true]);
  });

  describe('while an earlier connection is still open', () => {
    const other: Session = { ...session, url: 'ws://other' };
    const JUST_NOW_MS = Date.now();
    const text = presence('lunch', JUST_NOW_MS);
    const takeFromOther = () =>
      sink.take(other, readFrame(Buffer.from(text), false) as DataSignal, Buffer.from(text));
    beforeEach(() => {
      // The earlier connection is so old that the state is new to it.
      vi.useFakeTimers({ toFake: ['Date'], now: JUST_NOW_MS - 600_000 });
      sink = intake.sink('notification-channels', '1');
      sink.open(session);
      vi.useRealTimers();
      sink.open(other);
    });

    test('An event that the newer connection reads first is one item, from the earlier connection', () => {
      takeFromOther();
      take(text);
      sink.end(session, { tick: performance.now() });
      expect(weak()).toEqual([false]);
    });

    test('An event that the earlier connection reads first is one item', () => {
      take(text);
      takeFromOther();
      sink.end(session, { tick: performance.now() });
      expect(weak()).toEqual([false]);
    });

    test('An event that only the newer connection reads is one item', () => {
      sink.end(session, { tick: performance.now() });
      takeFromOther();
      take(text);
      expect(weak()).toEqual([true]);
    });
  });
});
