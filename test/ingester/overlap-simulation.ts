import type { SpeakerEnd } from '../../functions/ingester/one-speaker.ts';

/** Delays of the simulated network and server, in milliseconds. */
export const DELAYS = {
  /** From the client to the server. */
  minUpMs: 20,
  maxUpMs: 120,
  /** From the server to the client. */
  minDownMs: 20,
  maxDownMs: 120,
  /** Until the server has written an occurrence to a socket. */
  maxFanOutMs: 20,
} as const;
/** Longest time in which both connections of a handover can deliver the same occurrence after an answered close. */
export const MAX_ROUND_TRIP_MS = DELAYS.maxUpMs + DELAYS.maxDownMs + DELAYS.maxFanOutMs;
/** Interval of the heartbeats that prove that a connection is alive. */
const HEARTBEAT_MS = 2_000;
const CLOSE_TIMEOUT_MS = 3_000;
const SILENCE_MS = 40_000;

/** A seeded random number in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Something that the client sees at a time. */
export type Step = { readonly atMs: number; readonly connection: number } & (
  | { readonly kind: 'open' | 'closing' }
  | { readonly kind: 'event'; readonly occurrence: number }
  | { readonly kind: 'end'; readonly end: SpeakerEnd }
);

/** A handover from one connection to the next, and when an occurrence can be delivered twice because of it. */
export interface Handover {
  readonly kind: 'answered' | 'dead';
  readonly fromMs: number;
  readonly toMs: number;
}

/** Occurrences and what the client sees of them. */
export interface OverlapRun {
  /** When each occurrence happened; its index is its name. */
  readonly occurrences: readonly number[];
  readonly steps: readonly Step[];
  readonly handovers: readonly Handover[];
}

/** Times of one connection, in milliseconds. */
interface Life {
  readonly openMs: number;
  /** When the client sends its close. */
  closeMs?: number;
  /** After this time nothing arrives, and nothing is answered. */
  deadMs?: number;
  /** When the server closes on its own. */
  leavesMs?: number;
}

/**
 * A random life of a subscription: connections that replace each other by overlap, old ones that are dead or that the
 * server closes, new ones that fail during the overlap, and speakers that are lost before the new one is ready.
 */
export function overlapRun(seed: number, overlaps: number): OverlapRun {
  const random = seeded(seed);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  const lives: Life[] = [{ openMs: 1_000 }];
  let current = lives[0] as Life;
  let currentReadyMs = current.openMs;
  for (let n = 0; n < overlaps; n++) {
    let openMs = currentReadyMs + between(1_000, 6_000);
    if (random() < 0.3) {
      // The first attempt opens, delivers, and fails before it is ready.
      const failing: Life = { openMs };
      if (random() < 0.5) failing.closeMs = openMs + between(200, 3_000);
      else failing.leavesMs = openMs + between(200, 3_000);
      lives.push(failing);
      openMs = (failing.closeMs ?? failing.leavesMs ?? openMs) + between(600, 2_000);
    }
    const next: Life = { openMs };
    const readyMs = openMs + between(200, 2_000);
    const fate = random();
    if (fate < 0.25) current.deadMs = Math.max(currentReadyMs, openMs + between(-3_000, 1_500));
    // The speaker is lost while the new connection is open and not ready.
    if (fate > 0.85) current.leavesMs = between(openMs + 150, readyMs);
    else current.closeMs = readyMs;
    lives.push(next);
    current = next;
    currentReadyMs = readyMs;
  }
  const endMs = current.openMs + 10_000;
  const occurrences: number[] = [];
  for (let atMs = 500; atMs < endMs; atMs += between(1, 60)) occurrences.push(atMs);
  const steps: Step[] = [];
  const handovers: Handover[] = [];
  for (const [connection, life] of lives.entries())
    steps.push(...stepsOf(connection, life, occurrences, { between, handovers, endMs }));
  return { occurrences, steps: steps.toSorted((one, other) => one.atMs - other.atMs), handovers };
}

function stepsOf(
  connection: number,
  { openMs, closeMs, deadMs, leavesMs }: Life,
  occurrences: readonly number[],
  world: { between: (min: number, max: number) => number; handovers: Handover[]; endMs: number },
): Step[] {
  const { between, handovers, endMs } = world;
  const down = () => between(DELAYS.minDownMs, DELAYS.maxDownMs);
  const steps: Step[] = [{ kind: 'open', atMs: openMs, connection }];
  const closeArrivesMs = (closeMs ?? endMs) + between(DELAYS.minUpMs, DELAYS.maxUpMs);
  const stopsMs = Math.min(closeArrivesMs, leavesMs ?? Number.POSITIVE_INFINITY);
  let writtenMs = openMs;
  let arrivedMs = openMs;
  let lastFrameAtMs = openMs;
  const arrive = (atMs: number): boolean => {
    writtenMs = Math.max(writtenMs, atMs);
    if (writtenMs > stopsMs) return false;
    arrivedMs = Math.max(arrivedMs, writtenMs + down());
    if (arrivedMs > (deadMs ?? Number.POSITIVE_INFINITY)) return false;
    lastFrameAtMs = arrivedMs;
    return true;
  };
  let heartbeatMs = openMs;
  for (const [occurrence, atMs] of occurrences.entries()) {
    if (atMs < openMs) continue;
    for (; heartbeatMs < atMs; heartbeatMs += HEARTBEAT_MS) arrive(heartbeatMs);
    if (arrive(atMs + between(0, DELAYS.maxFanOutMs)))
      steps.push({ kind: 'event', atMs: arrivedMs, connection, occurrence });
  }
  if (closeMs !== undefined && closeMs < (leavesMs ?? Number.POSITIVE_INFINITY) + DELAYS.maxDownMs)
    steps.push({ kind: 'closing', atMs: closeMs, connection });
  const isAnswered = deadMs === undefined && leavesMs === undefined && closeMs !== undefined;
  if (isAnswered) {
    const atMs = Math.max(arrivedMs, closeArrivesMs) + down();
    steps.push({ kind: 'end', atMs, connection, end: { isAnswered, lastFrameAtMs } });
    handovers.push({ kind: 'answered', fromMs: closeMs - MAX_ROUND_TRIP_MS, toMs: closeArrivesMs });
  } else if (deadMs !== undefined || leavesMs !== undefined) {
    const silentEndMs = Math.min(lastFrameAtMs + SILENCE_MS, (closeMs ?? endMs) + CLOSE_TIMEOUT_MS);
    const atMs =
      deadMs === undefined ? Math.max(arrivedMs, leavesMs ?? 0) + down() : Math.max(arrivedMs, silentEndMs);
    steps.push({ kind: 'end', atMs, connection, end: { isAnswered, lastFrameAtMs } });
    handovers.push({ kind: 'dead', fromMs: lastFrameAtMs - 1_000 - MAX_ROUND_TRIP_MS, toMs: lastFrameAtMs });
  }
  return steps;
}
