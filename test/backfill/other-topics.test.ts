import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TOPIC_FAMILIES } from '../../functions/backfill/topic-families.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { EventDetail } from '../../lib/events/schema.ts';
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

describe('a recovered event that does not fit into a message', () => {
  const audit = {
    id: 'large',
    entityType: 'UserPresence',
    entity: { id: 'user-1' },
    note: 'x'.repeat(1_100_000),
    eventTime: new Date().toISOString(),
  };
  const emit = () =>
    cloud.simulator.emit({
      topicName: 'v2.audits.entitytype.UserPresence.entityid.user-1',
      version: '2',
      eventBody: audit,
      metadata: {},
    });

  test('It is sent as a reference to the bucket, which has the whole detail', async () => {
    const close = await local.serveBucket();
    const published = await fillOutage(['v2.audits.entitytype.{id}.entityid.{id}'], emit);
    const [event] = published;
    const { bucket = '', key = '', bytes } = event?.oversize ?? {};
    const detail = local.storedObject(bucket, key) as EventDetail;
    await close();
    expect(published).toHaveLength(1);
    expect(event).toMatchObject({ backfilled: true, gapId: expect.any(String), frame: { eventBody: {} } });
    expect(detail).toMatchObject({ eventBody: audit, metadata: { backfilled: true, gapId: event?.gapId } });
    expect(detail.metadata.eventId).toBe(event?.id);
    expect(bytes).toBe(Buffer.byteLength(JSON.stringify(detail)));
  });

  test('If S3 does not accept it, the gap stays open and nothing of it is lost', async () => {
    const fromMs = Date.now() - 5_000;
    emit();
    const topics = ['v2.audits.entitytype.{id}.entityid.{id}'];
    const gapId = await local.recordGap(fromMs, Date.now() + 60_000, topics);
    const report = await local.fill(gapId);
    expect(report).toMatchObject({ closed: [], failures: 1 });
    const close = await local.serveBucket();
    const { closed } = await local.fill(gapId);
    await close();
    expect(closed[0]?.recovered).toEqual({ 'v2.audits.entitytype.{id}.entityid.{id}': 1 });
    expect(local.published).toHaveLength(1);
  });
});

test('For the conversation stream, each conversation that ended in the gap has one event, built from its record', async () => {
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
