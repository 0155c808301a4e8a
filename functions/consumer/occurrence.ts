import type { QueuedNativeEvent } from '../../lib/events/native-event.ts';
import { Claim } from './claim.ts';
import type { Deadline } from './deadline.ts';
import type { NativeEnvelope, PendingEnvelope } from './pending-envelope.ts';
import type { Reservations } from './reservation.ts';

/** Messages whose events have their final id, and those that must be redelivered. */
export interface Resolved {
  readonly known: readonly PendingEnvelope[];
  readonly unknown: readonly PendingEnvelope[];
  /** An error that retrying cannot fix. */
  readonly error?: unknown;
}

/**
 * Finds recurring states among native events, which arrive without a connection that could distinguish their
 * occurrences (P8). The first occurrence of a given content keeps the id that is derived from the content, as on the
 * socket. Every other occurrence gets its own id. The item is a claim: `pk` = `occurrence#<id of the content>`, `owner`
 * = id of the first occurrence.
 *
 * @param expiresAtSeconds - as for the claims of events
 */
export async function resolveOccurrences(
  pending: readonly NativeEnvelope[],
  reservations: Reservations,
  expiresAtSeconds: number,
  deadline: Deadline,
): Promise<Resolved> {
  const claims = new Map(
    pending.map(({ native }) => [
      keyOf(native),
      new Claim(keyOf(native), native.occurrence, expiresAtSeconds),
    ]),
  );
  const { all } = await reservations.reserve([...claims.values()], deadline);
  const { grants, error } = await all;
  return {
    known: pending.flatMap((one) => {
      const first = grants.get(keyOf(one.native))?.owner;
      return first === undefined ? [] : [first === one.native.occurrence ? one : returned(one)];
    }),
    unknown: pending.filter(({ native }) => !grants.has(keyOf(native))),
    error,
  };
}

function keyOf({ event }: QueuedNativeEvent): string {
  return `occurrence#${event.id}`;
}

/** The socket also gives a recurring state its own id, which differs from this one. */
function returned(one: NativeEnvelope): PendingEnvelope {
  const { event, occurrence } = one.native;
  return { ...one, events: [{ ...event, id: occurrence, weak: true }] };
}
