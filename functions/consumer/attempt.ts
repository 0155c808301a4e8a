import type { QueuedEvent } from '../../lib/events/schema.ts';
import { Claim, claimKey } from './claim.ts';
import {
  decideEvent,
  decideInvalid,
  decideTurn,
  type ItemProgress,
  type ItemState,
  type Known,
  type Progress,
  type TurnState,
} from './decisions.ts';
import { fingerprint, quarantineMark } from './mark.ts';
import type { PendingEnvelope } from './pending-envelope.ts';
import { type Quarantined, splitOff } from './quarantine.ts';
import type { Grant, Reservation } from './reservation.ts';
import { marksOf, Turn, turnKey } from './turn.ts';

/** An event or an invalid item of a message. */
export interface Item extends ItemProgress {
  readonly pending: PendingEnvelope;
  /** Undefined: the item is not a valid event. */
  readonly event?: QueuedEvent | undefined;
  /** Why the item is quarantined. */
  readonly reason: string;
  /** The mark of the item when it is quarantined. */
  readonly quarantineMark: () => string;
  /** The item as it was received. */
  readonly content: unknown;
}

/** An attempt to process the messages of one owner in a batch. */
export interface Attempt extends Progress<Item> {
  readonly owner: string;
}

/** One turn per owner, and one claim per event for the first envelope that contains it. */
export function reservations(
  pending: readonly PendingEnvelope[],
  attemptId: string,
  ends: { leaseEndsAtSeconds: number; claimsExpireAtSeconds: number },
): Reservation[] {
  const all = new Map<string, Reservation>();
  const add = (one: Reservation) => {
    if (!all.has(one.key)) all.set(one.key, one);
  };
  for (const { envelope } of pending) add(new Turn(envelope.owner, attemptId, ends.leaseEndsAtSeconds));
  for (const { envelope, events } of pending)
    for (const { id } of events) add(new Claim(claimKey(id), envelope.owner, ends.claimsExpireAtSeconds));
  return [...all.values()];
}

/** Whether the turn and all claims of a message have been granted. */
export function isGranted(
  { envelope, events }: PendingEnvelope,
  grants: ReadonlyMap<string, Grant>,
): boolean {
  return grants.has(turnKey(envelope.owner)) && events.every(({ id }) => grants.has(claimKey(id)));
}

/** Decides what to do with every item of the messages. All messages of one owner in the batch are passed together. */
export function attempts(
  pending: readonly PendingEnvelope[],
  attemptId: string,
  grants: ReadonlyMap<string, Grant>,
): Attempt[] {
  return [...Map.groupBy(pending, ({ envelope }) => envelope.owner)].map(([owner, envelopes]) => {
    const grant = grants.get(turnKey(owner));
    const turn = decideTurn(grant, attemptId);
    const done = marksOf(grant?.attributes);
    const items = envelopes.flatMap((one) => itemsOf(one, { turn, done }, grants));
    return { owner, turn, items: withoutRepeats(items), recording: 'open' };
  });
}

function itemsOf(
  pending: PendingEnvelope,
  { turn, done }: { turn: TurnState; done: ReadonlySet<string> },
  grants: ReadonlyMap<string, Grant>,
): Item[] {
  const { envelope, events, invalid } = pending;
  const known = (...marks: (() => string)[]): Known => ({
    turn,
    // Stryker disable next-line ConditionalExpression,EqualityOperator: only saves time, because an empty set has no marks
    isMarked: done.size > 0 && marks.some((mark) => done.has(fingerprint(mark()))),
  });
  const eventItems = events.map((event) => {
    const mark = () => quarantineMark(envelope.id, event);
    const claimedBy = grants.get(claimKey(event.id))?.owner;
    const state = decideEvent(
      known(() => event.id, mark),
      envelope.owner,
      claimedBy,
    );
    // Stryker disable next-line StringLiteral: an event is quarantined only with the reason that EventBridge returned
    return { pending, event, content: event, reason: '', quarantineMark: mark, state, isRecorded: false };
  });
  const invalidItems = invalid.map(({ item, reason }, index) => {
    const mark = () => quarantineMark(envelope.id, item, index);
    const state = decideInvalid(known(mark));
    return { pending, content: item, reason, quarantineMark: mark, state, isRecorded: false };
  });
  return [...eventItems, ...invalidItems];
}

/** If one owner has several copies of an event in a batch, only the first is published. */
function withoutRepeats(items: readonly Item[]): Item[] {
  const seen = new Set<string>();
  return items.map((item) => {
    if (item.state !== 'to publish' || !item.event) return item;
    if (seen.has(item.event.id)) return { ...item, state: 'repeated' };
    seen.add(item.event.id);
    return item;
  });
}

/** The events in a state. */
export function eventsIn(items: readonly Item[], ...wanted: readonly ItemState[]): QueuedEvent[] {
  return items.flatMap(({ event, state }) => (event && wanted.includes(state) ? [event] : []));
}

/** The mark that the turn gets for an item. */
export function markOf(item: Item): string {
  return item.state === 'quarantined' || !item.event ? item.quarantineMark() : item.event.id;
}

/** The message that the quarantine queue gets for an item. */
export function toQuarantined({ pending, event, content, reason }: Item): Quarantined {
  const { envelope, messageIds } = pending;
  const item = { event, content };
  return { body: splitOff(envelope.owner, [content]), reason, messageId: messageIds[0], item };
}
