import type { Session } from './protocols/stream-protocol.ts';

/** Maximum number of held events. Above it, the oldest are released: a copy is better than a loss. */
export const MAX_HELD_EVENTS = 50_000;
/** The same limit in bytes of frames. */
export const MAX_HELD_BYTES = 16 * 1_048_576;
/** An event of a connection. */
export interface Spoken<T> {
  readonly value: T;
  readonly topicName: string;
  /** Size of its frame. */
  readonly bytes: number;
}

interface Held<T> extends Spoken<T> {
  /** Monotonic milliseconds, because the wall clock can jump. */
  readonly receivedTick: number;
}

/** An open connection. */
interface Place<T> {
  /** When it was opened, in monotonic milliseconds, or when the earlier connection was whose events it holds. */
  openTick: number;
  /** Events that it delivered while earlier connections were open. */
  held: Held<T>[];
}

/** How far a connection has been read. */
export interface SpeakerEnd {
  /** Everything that the server sent before this monotonic time has been read. */
  readonly tick: number;
}

/**
 * Passes the events of one connection of a subscription, the speaker, which is the oldest one. Two overlapping
 * connections deliver the same occurrences. If nothing in an event distinguishes a copy from a recurring state, the
 * event may come from one connection only. The events of the other connections are held until all earlier connections
 * have ended.
 *
 * A connection is read to its end. The next one takes over at the time up to which the ended one is known to have been
 * read. Events that both have delivered after that time pass twice: a copy is better than a loss.
 */
export class OneSpeaker<T> {
  /** The open connections, oldest first. */
  private readonly places = new Map<Session, Place<T>>();
  /** Held events of the newest connection, which failed. The next connection takes them over. */
  private left: Place<T> = emptyPlace();
  private heldEvents = 0;
  private heldBytes = 0;

  /** The connection whose events pass: the oldest one. */
  get current(): Session | undefined {
    return this.places.keys().next().value;
  }

  /** A connection is open. The oldest one speaks. */
  open(session: Session): void {
    const { openTick, held } = this.left;
    this.places.set(session, { openTick: Math.min(openTick, performance.now()), held });
    this.left = emptyPlace();
  }

  /** @returns the values that may pass now: this one, or the oldest ones that exceed the limits */
  take(session: Session, spoken: Spoken<T>): readonly T[] {
    const place = this.places.get(session);
    if (!place || this.isSpeaker(session)) return [spoken.value];
    place.held.push({ ...spoken, receivedTick: performance.now() });
    this.heldEvents++;
    this.heldBytes += spoken.bytes;
    const passing: T[] = [];
    while (this.heldEvents > MAX_HELD_EVENTS || this.heldBytes > MAX_HELD_BYTES)
      passing.push(...this.takeOldest());
    return passing;
  }

  /**
   * A connection has ended. If it was the speaker, the next one speaks from now on.
   *
   * @returns the held values that pass now, and the number of others that were copies
   */
  end(session: Session, { tick }: SpeakerEnd): { released: readonly T[]; copies: number } {
    const own = this.places.get(session);
    if (!own) return { released: [], copies: 0 };
    const wasSpeaker = this.isSpeaker(session);
    const next = this.placeAfter(session) ?? this.left;
    this.places.delete(session);
    const following = next.held;
    // Without a topic since the start of the overlap, the ended connection cannot have delivered its events.
    const kept = following.filter(
      ({ receivedTick, topicName }) =>
        receivedTick >= tick || session.delivers?.(topicName, next.openTick) === false,
    );
    if (wasSpeaker) {
      next.held = [];
    } else {
      // The speaker has not ended: the next connection also holds what this one held.
      next.held = [...own.held, ...kept];
      next.openTick = Math.min(next.openTick, own.openTick);
    }
    this.recount();
    return {
      released: wasSpeaker ? kept.map(({ value }) => value) : [],
      copies: following.length - kept.length,
    };
  }

  private isSpeaker(session: Session): boolean {
    return session === this.current;
  }

  private placeAfter(session: Session): Place<T> | undefined {
    const sessions = [...this.places.keys()];
    const next = sessions[sessions.indexOf(session) + 1];
    return next && this.places.get(next);
  }

  private lists(): Held<T>[][] {
    return [this.left, ...this.places.values()].map(({ held }) => held);
  }

  private takeOldest(): readonly T[] {
    const tick = (held: readonly Held<T>[]) => held[0]?.receivedTick ?? Number.POSITIVE_INFINITY;
    const first = this.lists().reduce((oldest, held) => (tick(held) < tick(oldest) ? held : oldest));
    const taken = first.splice(0, 1);
    this.heldEvents -= taken.length;
    for (const { bytes } of taken) this.heldBytes -= bytes;
    return taken.map(({ value }) => value);
  }

  private recount(): void {
    const all = this.lists().flat();
    this.heldEvents = all.length;
    this.heldBytes = all.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function emptyPlace<T>(): Place<T> {
  return { openTick: Number.POSITIVE_INFINITY, held: [] };
}
