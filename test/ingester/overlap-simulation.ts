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
/** Interval of the pings whose pongs prove what was read. */
const PING_MS = 1_000;
/** Longest time that a slow client takes to read a frame that has arrived. */
const MAX_BACKLOG_MS = 6_000;
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
  | { readonly kind: 'open' }
  | { readonly kind: 'event'; readonly occurrence: number }
  /** Everything sent before `readUntilMs` has been read. */
  | { readonly kind: 'end'; readonly readUntilMs: number }
);

/** A handover from one connection to the next, and when an occurrence can be delivered twice because of it. */
export interface Handover {
  readonly kind: 'answered' | 'dead' | 'slow';
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
  /** How long the client takes to read what has arrived. */
  backlogMs?: number;
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
    if (fate > 0.25 && fate < 0.45) current.backlogMs = between(0, MAX_BACKLOG_MS);
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
    steps.push(
      ...stepsOf(connection, life, occurrences, {
        between,
        handovers,
        endMs,
        nextBacklogMs: Math.max(0, ...lives.slice(connection + 1, connection + 4).map(backlogOf)),
      }),
    );
  return { occurrences, steps: steps.toSorted((one, other) => one.atMs - other.atMs), handovers };
}

function backlogOf({ backlogMs = 0 }: Life): number {
  return backlogMs;
}

function stepsOf(
  connection: number,
  { openMs, closeMs, deadMs, leavesMs, backlogMs = 0 }: Life,
  occurrences: readonly number[],
  world: {
    between: (min: number, max: number) => number;
    handovers: Handover[];
    endMs: number;
    /** How late the next connections are read, which makes their events look newer. */
    nextBacklogMs: number;
  },
): Step[] {
  const { between, handovers, endMs, nextBacklogMs } = world;
  const up = () => between(DELAYS.minUpMs, DELAYS.maxUpMs);
  const down = () => between(DELAYS.minDownMs, DELAYS.maxDownMs);
  const steps: Step[] = [{ kind: 'open', atMs: openMs, connection }];
  const closeArrivesMs = (closeMs ?? endMs) + up();
  const stopsMs = Math.min(closeArrivesMs, leavesMs ?? Number.POSITIVE_INFINITY);
  // The client reads until the connection is dead, or until the time limit of its close.
  const cutMs = Math.min(deadMs ?? Number.POSITIVE_INFINITY, (closeMs ?? endMs) + CLOSE_TIMEOUT_MS);
  let writtenMs = openMs;
  let readMs = openMs;
  let readUntilMs = openMs;
  /** The server writes a frame. Returns whether the client reads it. */
  const write = (atMs: number): boolean => {
    const fromMs = Math.max(writtenMs, atMs);
    if (fromMs > stopsMs) return false;
    const atClientMs = Math.max(readMs, fromMs + down() + backlogMs);
    if (atClientMs > cutMs) return false;
    writtenMs = fromMs;
    readMs = atClientMs;
    return true;
  };
  const ping = (atMs: number): void => {
    if (write(atMs + up())) readUntilMs = atMs;
  };
  let pingMs = openMs;
  for (const [occurrence, atMs] of occurrences.entries()) {
    if (atMs < openMs) continue;
    for (; pingMs < Math.min(atMs, closeMs ?? endMs); pingMs += PING_MS) ping(pingMs);
    if (write(atMs + between(0, DELAYS.maxFanOutMs)))
      steps.push({ kind: 'event', atMs: readMs, connection, occurrence });
  }
  if (closeMs === undefined && leavesMs === undefined) return steps;
  // The last ping precedes the close frame.
  const closeIsAnswered = closeMs !== undefined && closeArrivesMs <= stopsMs && write(closeArrivesMs);
  if (closeIsAnswered) readUntilMs = closeMs;
  const atMs = closeIsAnswered
    ? readMs
    : Math.max(
        readMs,
        Math.min(cutMs, leavesMs ?? readMs + SILENCE_MS, (closeMs ?? endMs) + CLOSE_TIMEOUT_MS),
      );
  steps.push({ kind: 'end', atMs, connection, readUntilMs });
  const kind = backlogMs + nextBacklogMs > 0 ? 'slow' : closeIsAnswered ? 'answered' : 'dead';
  handovers.push({
    kind,
    fromMs: readUntilMs - MAX_ROUND_TRIP_MS - nextBacklogMs,
    toMs: Math.min(stopsMs, readMs),
  });
  return steps;
}
