import { setTimeout as delay } from 'node:timers/promises';
import { Random } from 'switchboard-local/random.ts';

/** Minimum time between the start of the process and its kill. It is within the startup, before any connection. */
const MIN_LIFE_MS = 100;
/** A kill happens at any time in this interval after {@link MIN_LIFE_MS}. */
const LIFE_SPREAD_MS = 4_000;

/**
 * Kills a process at seeded times until `signal` is aborted.
 *
 * @param kill - kills the process and starts it again
 */
export async function killAtSeededMoments(
  kill: () => Promise<void>,
  seed: number,
  signal: AbortSignal,
  maxKills = Number.POSITIVE_INFINITY,
): Promise<void> {
  const random = new Random(seed).fork('ingester-kills');
  for (let kills = 0; kills < maxKills && !signal.aborted; kills++) {
    await delay(MIN_LIFE_MS + random.int(LIFE_SPREAD_MS), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await kill();
  }
}
