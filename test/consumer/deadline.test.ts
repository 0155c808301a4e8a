import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadline, DeadlineError, timeLimits } from '../../functions/consumer/deadline.ts';

vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: vi.fn(async () => undefined),
}));

beforeEach(() => {
  vi.mocked(delay).mockClear();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('a call with a deadline', () => {
  test('A call that is answered in time returns the response', async () => {
    using deadline = new Deadline(1_000);
    expect(await deadline.call(async () => 'answer')).toBe('answer');
  });

  test('A call that ignores its signal ends at the deadline', async () => {
    using deadline = new Deadline(1_000);
    let signal: AbortSignal | undefined;
    const call = deadline.call((given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    const failed = expect(call).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'deadline_exceeded',
      message: 'AWS did not answer before the deadline of the invocation.',
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.aborted).toBe(true);
    await failed;
  });

  test('After the deadline no call is made', async () => {
    using deadline = new Deadline(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    const send = vi.fn(async () => 'answer');
    await expect(deadline.call(send)).rejects.toBeInstanceOf(DeadlineError);
    expect(send).not.toHaveBeenCalled();
  });

  test('A deadline without a call causes no unhandled rejection', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    using _deadline = new Deadline(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await setImmediate();
    await setImmediate();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('retries before a deadline', () => {
  test('The delay before a retry doubles up to two seconds, and there are eight attempts', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    using deadline = new Deadline(60_000);
    for (let attempt = 1; attempt < 8; attempt++) expect(await deadline.allowsRetry(attempt)).toBe(true);
    const waitsMs = vi.mocked(delay).mock.calls.map(([waitMs]) => waitMs);
    expect(waitsMs).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
    expect(await deadline.allowsRetry(8)).toBe(false);
  });

  test('A retry is allowed only if its delay ends before the deadline', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    using deadline = new Deadline(100);
    expect(await deadline.allowsRetry(1)).toBe(false);
  });
});

describe('the time limits of an invocation', () => {
  test('A lease ends five seconds after the invocation, by the clock of any worker', () => {
    vi.setSystemTime(1_800_000_000_000);
    using limits = timeLimits(29_500);
    expect(limits.leaseEndsAtSeconds).toBe(1_800_000_035);
  });

  test('No timer is left after an invocation', () => {
    {
      using _limits = timeLimits(30_000);
      expect(vi.getTimerCount()).toBe(2);
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});
