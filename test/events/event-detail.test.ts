import { expect, test } from 'vitest';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';

const EVENT: QueuedEvent = {
  id: 'k3Zx',
  type: 'v2.x',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
  frame: { topicName: 'v2.x', eventBody: {} },
};

test('An event that arrived in time by its stream has a stable identity, and is neither backfilled nor late', () => {
  expect(toDetail(EVENT).metadata).toMatchObject({ backfilled: false, late: false, identity: 'stable' });
});

test('A backfilled, late event without a key says so', () => {
  const detail = toDetail({ ...EVENT, backfilled: true, late: true, weak: true });
  expect(detail.metadata).toMatchObject({ backfilled: true, late: true, identity: 'weak' });
});

test('A recovered event names its gap, and says whether its body was made of a record', () => {
  const detail = toDetail({ ...EVENT, backfilled: true, gapId: 'gap', reconstructed: true });
  expect(detail.metadata).toMatchObject({ backfilled: true, gapId: 'gap', reconstructed: true });
});

test('A frame cannot set the metadata of Switchboard, and keeps its own', () => {
  const ours = { eventId: 'forged', sequence: 7, oversize: {}, gapId: 'forged', reconstructed: true };
  const metadata = { correlationId: 'c', ...ours, identity: 'stable' };
  const detail = toDetail({ ...EVENT, weak: true, frame: { ...EVENT.frame, metadata } });
  expect(JSON.parse(JSON.stringify(detail)).metadata).toEqual({
    correlationId: 'c',
    eventId: 'k3Zx',
    protocol: 'notification-channels',
    receivedAt: EVENT.receivedAt,
    backfilled: false,
    late: false,
    identity: 'weak',
  });
});
