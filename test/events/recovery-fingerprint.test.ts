import { describe, expect, test } from 'vitest';
import { gapIdIn, gapsMessage } from '../../lib/events/gaps-message.ts';
import { FINGERPRINT_BYTES, recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';

const CONVERSATION = 'v2.detail.events.conversation.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';
const DETAIL = { conversationId: 'c', participantId: 'p', sessionId: 's', eventTime: 1_800_000_000_000 };

function text(topicName: string, eventBody: Record<string, unknown>): string | undefined {
  return recoveryFingerprint({ topicName, eventBody })?.toString('hex');
}

describe('the fingerprint of an event', () => {
  test('A live event and its record have the same fingerprint, regardless of the rest of their bodies', () => {
    const live = text(`${CONVERSATION}.user.start`, { ...DETAIL, queueId: 'q', ani: 'tel:1' });
    expect(live).toHaveLength(2 * FINGERPRINT_BYTES);
    expect(text(`${CONVERSATION}.user.start`, DETAIL)).toBe(live);
  });

  test('Two events of the same millisecond differ by their queue or wrap-up code', () => {
    const queue = (queueId: string) => text(`${CONVERSATION}.acd.start`, { ...DETAIL, queueId });
    const code = (wrapupCode: string) => text(`${CONVERSATION}.wrapup`, { ...DETAIL, wrapupCode });
    expect(queue('a')).not.toBe(queue('b'));
    expect(code('a')).not.toBe(code('b'));
  });

  test('An event without a recovery key has no fingerprint', () => {
    expect(text('v2.users.1.conversationsummary', { userId: '1' })).toBeUndefined();
  });
});

describe('a message of the gaps queue', () => {
  test('It names a gap, or none', () => {
    expect(gapIdIn(gapsMessage('2026-11-21T20:58:44.501Z#task#0#id'))).toBe(
      '2026-11-21T20:58:44.501Z#task#0#id',
    );
    expect(gapIdIn(gapsMessage())).toBeUndefined();
  });

  test.each(['', '[]', '{"v":2,"gapId":"a"}', '{"v":1,"gapId":7}'])(
    'A message %j only wakes the backfill',
    (body) => {
      expect(gapIdIn(body)).toBeUndefined();
    },
  );
});
