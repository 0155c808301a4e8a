import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TOPIC_FAMILIES } from '../../functions/backfill/topic-families.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import { LocalBackfill, type LocalCloud, startCloud } from './local-backfill.ts';

let cloud: LocalCloud;
let local: LocalBackfill;
beforeEach(async () => {
  cloud = await startCloud({ users: 8, queues: 3 });
  local = await LocalBackfill.start(cloud);
});
afterEach(() => cloud.simulator.close());

async function fillOutage(topics: readonly string[], emit: () => void): Promise<LocalBackfill['published']> {
  const fromMs = Date.now() - 5_000;
  emit();
  await local.fill(await local.recordGap(fromMs, Date.now() + 60_000, topics));
  return local.published;
}

function generate(events: number): void {
  const generator = new Generator(cloud.simulator, { seed: 2, topics: GENERATED_TOPICS });
  for (let n = 0; n < events; n++) cloud.simulator.emit(generator.next());
}

test('Audit records of entity types that a service keeps are recovered with their own id', async () => {
  const record = (id: string, entityType: string) => ({
    id,
    entityType,
    entity: { id: 'user-1' },
    action: 'Update',
    eventTime: new Date().toISOString(),
  });
  const emit = (id: string, entityType: string) =>
    cloud.simulator.emit({
      topicName: `v2.audits.entitytype.${entityType}.entityid.user-1`,
      version: '2',
      eventBody: record(id, entityType),
      metadata: {},
    });
  const published = await fillOutage(['v2.audits.entitytype.{id}.entityid.{id}'], () => {
    for (let n = 0; n < 150; n++) emit(`record-${n}`, 'UserPresence');
    emit('of-no-service', 'Unknown');
  });
  expect(published.map(({ frame }) => frame.eventBody.id).toSorted()).toEqual(
    Array.from({ length: 150 }, (_, n) => `record-${n}`).toSorted(),
  );
  expect(published[0]?.frame).toMatchObject({
    topicName: 'v2.audits.entitytype.UserPresence.entityid.user-1',
    eventBody: { action: 'Update', eventTime: expect.any(String) },
  });
});

test('Of the conversation stream, each conversation that ended in the gap has one event, made of its record', async () => {
  const published = await fillOutage(['conversation.state', 'routing.queue'], () => generate(8_000));
  expect(published.length).toBeGreaterThan(20);
  const details = published.map(toDetail);
  expect(new Set(details.map(({ eventBody }) => eventBody.conversationId)).size).toBe(details.length);
  for (const { topicName, eventBody, metadata } of details) {
    expect(topicName).toBe('conversation.state');
    expect(['completed', 'abandoned']).toContain(eventBody.state);
    expect(metadata).toMatchObject({ backfilled: true, reconstructed: true, identity: 'weak' });
  }
});

test('Users and queues have one state each, at the time of the backfill', async () => {
  const topics = ['v2.users.{id}.conversationsummary', 'v2.analytics.queues.{id}.observations'];
  const published = await fillOutage(topics, () => generate(3_000));
  const names = published.map(({ frame }) => frame.topicName);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith('v2.users.')).length).toBe(8);
  expect(names.filter((name) => name.startsWith('v2.analytics.queues.')).length).toBe(3);
  expect(published.every(({ weak }) => weak)).toBe(true);
});

test('No topic is in two families', () => {
  const topics = Object.values(TOPIC_FAMILIES).flatMap((family): readonly string[] => family.topics);
  expect(new Set(topics).size).toBe(topics.length);
});
