import { setTimeout as delay } from 'node:timers/promises';

/** Wait for work, but no longer than the limit. Work that continues is ignored. */
export async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const limit = delay(Math.max(0, limitMs), undefined, { signal: done.signal }).catch(() => undefined);
  try {
    await Promise.race([work, limit]);
  } finally {
    done.abort();
  }
}
