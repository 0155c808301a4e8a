import { describe, expect, test } from 'vitest';
import type { CallResult } from '../../functions/delivery/http-call.ts';
import { type Action, outcomeOf } from '../../functions/delivery/outcomes.ts';

function answer(status: number, retryAfter?: string): CallResult {
  return { kind: 'answer', status, text: 'the answer', ...(retryAfter === undefined ? {} : { retryAfter }) };
}

describe('the outcome of a call', () => {
  test.each<[number, Action, string]>([
    [200, 'delivered', 'accepted'],
    [299, 'delivered', 'accepted'],
    [300, 'dead_letter', 'redirects are not followed'],
    [302, 'dead_letter', 'redirects are not followed'],
    [399, 'dead_letter', 'redirects are not followed'],
    [400, 'dead_letter', 'the destination refuses the event'],
    [401, 'dead_letter', 'the destination refuses the event'],
    [408, 'later', 'request timeout'],
    [409, 'dead_letter', 'the destination refuses the event'],
    [410, 'stop', 'the destination is gone'],
    [425, 'later', 'too early'],
    [429, 'later', 'too many requests'],
    [499, 'dead_letter', 'the destination refuses the event'],
    [500, 'later', 'server error'],
    [503, 'later', 'server error'],
    [599, 'later', 'server error'],
    [600, 'later', 'undefined status code'],
    [199, 'later', 'undefined status code'],
  ])(
    'Status %i means %s (%s), and the outcome has the status and the response',
    (status, action, meaning) => {
      const reason = `${status} (${meaning})`;
      expect(outcomeOf(answer(status))).toEqual({ action, reason, status, answer: 'the answer' });
    },
  );

  test.each([
    ['timeout', 'no response in time'],
    ['network', 'the connection failed'],
    ['certificate', 'the TLS certificate is not valid'],
    ['address', 'the address is refused'],
  ] as const)('After a failure of the kind %s, the event is sent again later: %s', (reason, text) => {
    const failed = { kind: 'failed', reason, message: 'the cause', mayHaveArrived: true } as const;
    expect(outcomeOf(failed)).toEqual({ action: 'later', reason: `${text}: the cause` });
  });

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
