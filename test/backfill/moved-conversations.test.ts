import { afterEach, beforeEach, expect, test } from 'vitest';
import { toDetail } from '../../lib/events/event-detail.ts';
import { LocalBackfill, type LocalCloud, startCloud } from './local-backfill.ts';

const USER_TOPIC = 'v2.users.{id}.conversations';
const QUEUE_TOPIC = 'v2.routing.queues.{id}.conversations';

let cloud: LocalCloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.simulator.close());

const secondsAgo = (seconds: number) => Date.now() - seconds * 1_000;
const iso = (seconds: number) => new Date(secondsAgo(seconds)).toISOString();

interface Agent {
  readonly name: string;
  readonly from: string;
  readonly to?: string;
}

const NUMBERS: Readonly<Record<string, number>> = { early: 1, first: 2, second: 3 };
const userOf = (name: string) => `00000000-0000-4000-8000-00000000000${NUMBERS[name]}`;
const queueOf = (name: string) => `00000000-0000-4000-9000-00000000000${NUMBERS[name]}`;

/** Emits the state of a conversation to the topics of its agents, and of the queues that they have it from. */
function emitState(agents: readonly Agent[], to: readonly Agent[], endTime?: string): void {
  const customer = {
    id: 'customer',
    purpose: 'customer',
    connectedTime: iso(60),
    endTime,
    calls: [{ id: 'c' }],
  };
  const participants = agents.map(({ name, from, to: left }) => ({
    id: `participant-${name}`,
    purpose: 'agent',
    userId: userOf(name),
    queueId: queueOf(name),
    connectedTime: from,
    endTime: left,
    calls: [{ id: `call-${name}` }],
  }));
  const eventBody = JSON.parse(
    JSON.stringify({ id: 'conversation', participants: [customer, ...participants] }),
  );
  for (const { name } of to)
    for (const topicName of [
      `v2.users.${userOf(name)}.conversations`,
      `v2.routing.queues.${queueOf(name)}.conversations`,
    ])
      cloud.simulator.emit({ topicName, version: '2', eventBody, metadata: {} });
}

test('Who leaves a conversation in a gap gets its last state, also if the conversation ends between gap and backfill', async () => {
  const local = await LocalBackfill.start(cloud);
  const early = { name: 'early', from: iso(58), to: iso(40) };
  const first = { name: 'first', from: iso(39), to: iso(20) };
  const second = { name: 'second', from: iso(20) };
  emitState([early, first, second], [first, second]);
  const last = { ...second, to: iso(5) };
  emitState([early, first, last], [last], iso(5));
  await local.fill(await local.recordGap(secondsAgo(25), secondsAgo(10), [USER_TOPIC, QUEUE_TOPIC]));
  const details = local.published.map(toDetail);
  expect(details.map(({ topicName }) => topicName).toSorted()).toEqual([
    `v2.routing.queues.${queueOf('first')}.conversations`,
    `v2.users.${userOf('first')}.conversations`,
  ]);
  for (const { eventBody, metadata } of details) {
    expect(metadata).toMatchObject({ backfilled: true, reconstructed: true, identity: 'weak' });
    expect(eventBody.participants).toContainEqual(
      expect.objectContaining({ id: 'participant-first', endTime: first.to }),
    );
  }
});

test('Anyone who leaves a conversation in a gap gets its present state while it continues', async () => {
  const local = await LocalBackfill.start(cloud);
  const first = { name: 'first', from: iso(39), to: iso(20) };
  emitState([first, { name: 'second', from: iso(20) }], [first]);
  await local.fill(await local.recordGap(secondsAgo(25), secondsAgo(10), [USER_TOPIC]));
  const details = local.published.map(toDetail);
  expect(details.map(({ topicName }) => topicName).toSorted()).toEqual([
    `v2.users.${userOf('first')}.conversations`,
    `v2.users.${userOf('second')}.conversations`,
  ]);
  for (const { metadata } of details) expect(metadata.reconstructed).toBeUndefined();
});
