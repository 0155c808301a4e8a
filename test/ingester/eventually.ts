import { expect } from 'vitest';

/** Waits until what `read` gives meets the expectation; the limit is only there for a broken test to end. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { interval: 5, timeout: 15_000 });
}
