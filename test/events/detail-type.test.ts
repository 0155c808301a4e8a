import { expect, test, vi } from 'vitest';
import { detailType } from '../../lib/events/detail-type.ts';

const UUID = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
const OTHER = '9FB2CA78-8389-4758-B76A-9B0300DE1FCE';

test.each([
  [`v2.users.${UUID}.presence`, 'v2.users.{id}.presence'],
  [`v2.users.${OTHER}.routingStatus`, 'v2.users.{id}.routingStatus'],
  [`v2.routing.queues.${UUID}.conversations`, 'v2.routing.queues.{id}.conversations'],
  [`v2.analytics.queues.${UUID}.observations`, 'v2.analytics.queues.{id}.observations'],
  [`v2.detail.events.conversation.${UUID}.user.start`, 'v2.detail.events.conversation.{id}.user.start'],
  [`v2.detail.events.conversation.${UUID}.attributes`, 'v2.detail.events.conversation.{id}.attributes'],
  [`v2.conversations.${UUID}.transcription`, 'v2.conversations.{id}.transcription'],
  [`v2.users.${UUID}`, 'v2.users.{id}'],
  [`v2.flows.instances.flow.${UUID}`, 'v2.flows.instances.flow.{id}'],
  [`v2.outbound.campaigns.${UUID}.${OTHER}`, 'v2.outbound.campaigns.{id}.{id}'],
])('The UUIDs in %s become {id}, so that the type is %s', (topic, type) => {
  expect(detailType(topic)).toBe(type);
});

test('Both ids of an audit topic become {id} in any form', () => {
  const type = 'v2.audits.entitytype.{id}.entityid.{id}';
  expect(detailType(`v2.audits.entitytype.UserPresence.entityid.${UUID}`)).toBe(type);
  expect(detailType('v2.audits.entitytype.Queue.entityid.main')).toBe(type);
});

test.each([
  ['v2.operations.events.4711', 'v2.operations.events.{id}'],
  ['v2.things.5af3c09b77de41b08f2e.changed', 'v2.things.{id}.changed'],
  ['v2.things.5AF3C09B77DE41B0', 'v2.things.{id}'],
  ['v2.system.no_longer_subscribed.streaming-4-abcdef123', 'v2.system.no_longer_subscribed.{id}'],
])('The id in %s, which is not a UUID, becomes {id}, so that the type is %s', (topic, type) => {
  expect(detailType(topic)).toBe(type);
});

test.each([
  'v2.quality.evaluations',
  'channel.metadata',
  'v2.system.socket_closing',
  'v2.detail.events.deadbeef',
  'v2.users.me.presence2',
  'v2.things.12ab',
  '4711',
  '',
])('The topic "%s" has no id and stays unchanged', (topic) => {
  expect(detailType(topic)).toBe(topic);
});

test('A combined topic keeps its parts', () => {
  expect(detailType(`v2.users.${UUID}?presence&routingStatus`)).toBe('v2.users.{id}?presence&routingStatus');
});

test('A topic has the same type at every call, and is stored once', () => {
  const topic = `v2.users.${UUID}.activity`;
  const store = vi.spyOn(Map.prototype, 'set');
  for (let call = 0; call < 3; call++) expect(detailType(topic)).toBe('v2.users.{id}.activity');
  const stored = store.mock.calls.length;
  store.mockRestore();
  expect(stored).toBe(1);
});

test('The cache of topics is bounded', () => {
  const store = vi.spyOn(Map.prototype, 'set');
  let largest = 0;
  for (let index = 0; index < 120_000; index++) {
    expect(detailType(`v2.detail.events.conversation.${index}.acw`)).toBe(
      'v2.detail.events.conversation.{id}.acw',
    );
    const cache = store.mock.contexts.at(-1);
    if (cache instanceof Map) largest = Math.max(largest, cache.size);
    store.mockClear();
  }
  store.mockRestore();
  expect(largest).toBeGreaterThan(10_000);
  expect(largest).toBeLessThanOrEqual(50_000);
});
