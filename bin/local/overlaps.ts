import { setTimeout as delay } from 'node:timers/promises';
import type { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import type { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import type { Simulator } from 'switchboard-local/simulator/simulator.ts';

/** Events that are emitted at once when two connections overlap, so that copies of them arrive. */
const OVERLAP_EVENTS = 10;
/** Time for a client to open the second connection. */
const MAX_FIRST_OVERLAP_MS = 10_000;
/** Closes are announced at this interval, in addition to the scheduled ones. */
const ANNOUNCE_INTERVAL_MS = 5_000;

/** Announces a close, and resolves when two connections overlap. Without it, a short run would have no copies. */
export async function firstOverlap(
  simulator: Simulator,
  faults: CloudFaults,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const overlapped = new Promise<void>((resolve) => {
    simulator.onOverlap = resolve;
  });
  signal.addEventListener('abort', () => done.abort(), { once: true });
  faults.request('socket_closing');
  const timeout = delay(MAX_FIRST_OVERLAP_MS, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([overlapped, timeout]);
  done.abort();
}

/**
 * Emits events as soon as two connections overlap, and announces closes regularly. Call it when they overlap.
 *
 * @returns a function that stops it
 */
export function keepOverlapping(
  simulator: Simulator,
  faults: CloudFaults,
  runner: GeneratorRunner,
): () => void {
  runner.burst(OVERLAP_EVENTS);
  simulator.onOverlap = () => runner.burst(OVERLAP_EVENTS);
  const timer = setInterval(() => faults.request('socket_closing'), ANNOUNCE_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    simulator.onOverlap = () => {};
  };
}
