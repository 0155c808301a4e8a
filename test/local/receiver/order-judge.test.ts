import { type DeliveryCall, DeliveryLedger } from 'switchboard-local/receiver/delivery-ledger.ts';
import { eventGroup } from 'switchboard-local/receiver/event-group.ts';
import { judgeOrder, type OrderedEvent } from 'switchboard-local/receiver/order-judge.ts';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { expect, test } from 'vitest';
import { messagePlace } from '../../../functions/delivery-order/message-group.ts';

const UNORDERED_MS = 2_000;
const FAILED = { processed: false, status: 500 } as const;
const REFUSED = { processed: false, status: 422 } as const;

/** The calls of a receiver, by default each processed. */
function ledgerOf(...calls: [key: string, outcome?: Partial<DeliveryCall>][]): DeliveryLedger {
  const ledger = new DeliveryLedger();
  for (const [index, [key, outcome = {}]] of calls.entries())
    Object.assign(
      ledger.arrived({ key, atMs: index, body: '{}' }),
      { processed: true, status: 200, answer: 'complete' },
      outcome,
    );
  return ledger;
}

/** Events that arrived three seconds apart, in the order of their places. */
function events(...ids: string[]): Record<string, OrderedEvent> {
  return Object.fromEntries(
    ids.map((id, index) => [id, { group: 'g', arrivedAtMs: index * 3_000, place: BigInt(index) }]),
  );
}

function judge(ledger: DeliveryLedger, given: Record<string, OrderedEvent>, delayed: string[] = []) {
  return judgeOrder({
    events: new Map(Object.entries(given)),
    delayed: new Set(delayed),
    unorderedMs: UNORDERED_MS,
    ledger,
  });
}

const SOUND = { outOfOrder: [], outOfOrderDelayed: [] };

test('Events that are called one after another are in order, also if calls fail or an event is refused', () => {
  const ledger = ledgerOf(['a', FAILED], ['a'], ['b', REFUSED], ['c', FAILED], ['c']);
  expect(judge(ledger, events('a', 'b', 'c'))).toEqual(SOUND);
});

test('An event that is called while an earlier one is repeated is out of order', () => {
  const ledger = ledgerOf(['a', FAILED], ['b'], ['a'], ['c']);
  expect(judge(ledger, events('a', 'b', 'c'))).toEqual({ outOfOrder: ['b'], outOfOrderDelayed: [] });
});

test('An event whose first call fails is out of order too, if that call came too early', () => {
  const ledger = ledgerOf(['b', FAILED], ['a'], ['b']);
  expect(judge(ledger, events('a', 'b')).outOfOrder).toEqual(['b']);
});

test('Events of other groups have no order', () => {
  const { a, b } = events('a', 'b');
  const given = { a: a as OrderedEvent, b: { ...b, group: 'other' } as OrderedEvent };
  expect(judge(ledgerOf(['b'], ['a']), given)).toEqual(SOUND);
});

test('A repetition after an event was processed does not count', () => {
  expect(judge(ledgerOf(['a'], ['b'], ['a']), events('a', 'b'))).toEqual(SOUND);
});

test.each([
  [UNORDERED_MS - 1, []],
  [UNORDERED_MS, ['b']],
])(
  'Events that changed places before the FIFO queue and arrived %i ms apart are out of order: %j',
  (apartMs, expected) => {
    const given = {
      a: { group: 'g', arrivedAtMs: 0, place: 2n },
      b: { group: 'g', arrivedAtMs: apartMs, place: 1n },
    };
    expect(judge(ledgerOf(['b'], ['a']), given).outOfOrder).toEqual(expected);
  },
);

test('If a fault delayed the earlier event before the FIFO queue, it is counted separately', () => {
  const given = {
    a: { group: 'g', arrivedAtMs: 0, place: 2n },
    b: { group: 'g', arrivedAtMs: 9_000, place: 1n },
  };
  const verdict = judge(ledgerOf(['b'], ['a']), given, ['a']);
  expect(verdict).toEqual({ outOfOrder: [], outOfOrderDelayed: ['b'] });
});

test('A fault before the FIFO queue does not explain an event that overtakes after it', () => {
  const verdict = judge(ledgerOf(['b'], ['a']), events('a', 'b'), ['a']);
  expect(verdict).toEqual({ outOfOrder: ['b'], outOfOrderDelayed: [] });
});

test('For every event that the simulated cloud sends, judge and order function find the same group', () => {
  const generator = new Generator(new Simulator({ seed: 1, users: 5, queues: 2 }), {
    seed: 1,
    topics: GENERATED_TOPICS,
  });
  const topics = new Set<string>();
  for (let index = 0; index < 2_000; index++) {
    const { topicName, eventBody } = generator.next();
    topics.add(topicName.replace(/[0-9a-f-]{36}/g, '{id}'));
    for (const body of [eventBody, null]) {
      const detail = { topicName, eventBody: body };
      const { groupId } = messagePlace(JSON.stringify({ id: '1', detail }), '1');
      expect(eventGroup(detail), topicName).toBe(groupId);
    }
  }
  expect(topics.size).toBeGreaterThan(10);
});

test.each(['calls', 'chats', 'messages'])(
  'Events of v2.conversations.%s.{id} belong to their conversation',
  (media) => {
    const id = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
    const detail = { topicName: `v2.conversations.${media}.${id}`, eventBody: { participants: [] } };
    expect(eventGroup(detail)).toBe(id);
    expect(messagePlace(JSON.stringify({ id: '1', detail }), '1').groupId).toBe(id);
  },
);
