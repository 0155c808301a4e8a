import { expect } from 'vitest';

/** Polls a value until it meets the expectation. The timeout only ends a test that fails. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { interval: 5, timeout: 60_000 });
}
