import { describe, expect, test } from 'vitest';
import type { CallResult } from '../../functions/delivery/http-call.ts';
import { type Action, outcomeOf } from '../../functions/delivery/outcomes.ts';

function answer(status: number, retryAfter?: string): CallResult {
  return { kind: 'answer', status, text: 'the answer', ...(retryAfter === undefined ? {} : { retryAfter }) };
}

describe('the outcome of a call', () => {
  test.each<[number, Action]>([
    [200, 'delivered'],
    [202, 'delivered'],
    [299, 'delivered'],
    [300, 'dead_letter'],
    [302, 'dead_letter'],
    [399, 'dead_letter'],
    [400, 'dead_letter'],
    [401, 'dead_letter'],
    [404, 'dead_letter'],
    [408, 'later'],
    [409, 'dead_letter'],
    [410, 'stop'],
    [422, 'dead_letter'],
    [425, 'later'],
    [429, 'later'],
    [499, 'dead_letter'],
    [500, 'later'],
    [503, 'later'],
    [599, 'later'],
    [600, 'later'],
    [199, 'later'],
  ])('Status %i means %s, and the outcome has the status and the answer', (status, action) => {
    expect(outcomeOf(answer(status))).toMatchObject({ action, status, answer: 'the answer' });
    expect(outcomeOf(answer(status)).reason).toContain(String(status));
  });

  test.each(['timeout', 'network', 'certificate', 'address'] as const)(
    'After a failure of the kind %s, the event is sent again later, and the reason says why',
    (reason) => {
      const failed = { kind: 'failed', reason, message: 'the cause', mayHaveArrived: true } as const;
      expect(outcomeOf(failed)).toMatchObject({
        action: 'later',
        reason: expect.stringContaining('the cause'),
      });
    },
  );

  test('Retry-After holds the destination, in seconds or until an HTTP date, after 429 and 503', () => {
    expect(outcomeOf(answer(429, '7')).holdMs).toBe(7_000);
    expect(outcomeOf(answer(503, '7')).holdMs).toBe(7_000);
    const inTenSeconds = outcomeOf(answer(429, new Date(Date.now() + 10_000).toUTCString())).holdMs;
    expect(inTenSeconds).toBeGreaterThan(8_000);
    expect(inTenSeconds).toBeLessThanOrEqual(10_000);
  });

  test('Retry-After is ignored if it is invalid or the event is not sent again, and honored for at most 12 hours', () => {
    expect(outcomeOf(answer(429, 'soon')).holdMs).toBeUndefined();
    expect(outcomeOf(answer(429)).holdMs).toBeUndefined();
    expect(outcomeOf(answer(200, '7')).holdMs).toBeUndefined();
    expect(outcomeOf(answer(404, '7')).holdMs).toBeUndefined();
    expect(outcomeOf(answer(429, '999999')).holdMs).toBe(43_200_000);
  });
});
