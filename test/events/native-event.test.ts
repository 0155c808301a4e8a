import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detailType } from '../../lib/events/detail-type.ts';
import { hasKeyRule } from '../../lib/events/identity.ts';
import { identify } from '../../lib/events/item.ts';
import { type NativeEvent, nativeEventSchema, queuedNativeEvent } from '../../lib/events/native-event.ts';
import { type Frame, queuedEventSchema } from '../../lib/events/schema.ts';
import { SAMPLES } from './samples.ts';

function native(frame: Frame, id = '58fb5dac-f077-4eec-a25f-c638dbdd4368'): NativeEvent {
  return nativeEventSchema.parse({
    version: '0',
    id,
    'detail-type': detailType(frame.topicName),
    source: 'aws.partner/genesys.com.test/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/test-event-bus',
    account: '123456789012',
    time: '2022-06-14T16:12:11Z',
    region: 'us-east-1',
    resources: [],
    detail: frame,
  });
}

describe('events with a key', () => {
  test.each(SAMPLES)(
    'The id of $name is the same as on the socket, regardless of fields that only one path has',
    ({ frame }) => {
      const onSocket = identify('notification-channels', { frame });
      const own = fc.record({
        id: fc.uuid(),
        timestamp: fc.option(fc.date({ noInvalidDate: true }).map((date) => date.toISOString())),
        correlationId: fc.string(),
      });
      fc.assert(
        fc.property(own, ({ id, timestamp, correlationId }) => {
          const metadata = { CorrelationId: correlationId, type: 'message' };
          const detail = { ...frame, metadata, ...(timestamp === null ? {} : { timestamp }) };
          const queued = queuedNativeEvent(native(detail, id));
          expect(queued?.event).toMatchObject({ id: onSocket?.id, type: detailType(frame.topicName) });
          expect(queued?.event).not.toHaveProperty('weak');
          expect(queuedEventSchema.safeParse(queued?.event).success).toBe(true);
        }),
      );
    },
  );

  test('Occurrences differ by the time in the detail, or by the EventBridge id if there is no time', () => {
    const [sample] = SAMPLES;
    const occurrence = (timestamp: string | undefined, id?: string) =>
      queuedNativeEvent(native({ ...(sample?.frame as Frame), timestamp }, id))?.occurrence;
    const other = 'd753deef-f7d5-3d28-c535-e7db3b7580ea';
    const [first, later] = ['2022-04-06T09:30:45.013Z', '2022-04-06T09:30:45.014Z'];
    expect(occurrence(first)).toBe(occurrence(first, other));
    expect(occurrence(first)).not.toBe(occurrence(later));
    expect(occurrence(undefined)).toBe(occurrence(undefined));
    expect(occurrence(undefined)).not.toBe(occurrence(undefined, other));
  });
});

test('An event without a key has no occurrence', () => {
  const frame = { topicName: 'v2.operations.events.7', version: '2', eventBody: { a: 1 } };
  expect(queuedNativeEvent(native(frame))).toEqual({
    event: {
      id: 'native-integration:58fb5dac-f077-4eec-a25f-c638dbdd4368',
      type: 'v2.operations.events.{id}',
      protocol: 'native-integration',
      receivedAt: '2022-06-14T16:12:11.000Z',
      frame,
    },
  });
});

test.each(SAMPLES)('The topic of $name has a key rule, with its ids and with {id}', ({ frame }) => {
  expect(hasKeyRule(frame.topicName)).toBe(true);
  expect(hasKeyRule(detailType(frame.topicName))).toBe(true);
});

test.each([
  'v2.users.{id}.activity',
  'v2.users.{id}.conversations',
  'v2.routing.queues.{id}.users',
  'v2.users.{id}',
])('The topic %s has no key rule', (topic) => {
  expect(hasKeyRule(topic)).toBe(false);
});
