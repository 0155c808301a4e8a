import type { Session } from './protocols/stream-protocol.ts';

/** Events of waiting connections that are kept. Above it the oldest are released: a copy is better than a loss. */
export const MAX_HELD_EVENTS = 50_000;
/** The same bound in bytes of frames. */
export const MAX_HELD_BYTES = 16 * 1_048_576;
/**
 * Time before the last frame of a dead connection from which another connection's events are released: what was sent
 * shortly before can have been lost on the way.
 */
export const RELEASE_SLACK_MS = 1_000;

interface Held<T> {
  readonly value: T;
  readonly bytes: number;
  /** Monotonic milliseconds, because the wall clock can jump. */
  readonly receivedTick: number;
}

/** An open connection. */
interface Place<T> {
  /** What it delivered while the connections before it were open. */
  held: Held<T>[];
  /** When it was told to close, in monotonic milliseconds. */
  closingTick?: number;
}

/** How a connection ended. */
export interface SpeakerEnd {
  /** The peer answered our close frame, so it has delivered everything that it had sent before. */
  readonly isAnswered: boolean;
  /** Epoch milliseconds of the last proof of life. */
  readonly lastFrameAtMs: number;
}

/**
 * Lets one connection of a subscription speak: the oldest one. Two overlapping connections deliver the same occurrences.
 * Where nothing in an event distinguishes a copy from a state that recurs, only one connection may bring it: the events
 * of the others are held until the connection before them has ended.
 *
 * A connection is read to its end. If it answered the close, it has delivered everything up to the close, and the next
 * one takes over from then on. If it did not, it may have been dead since its last frame, and the next one takes over
 * from shortly before that.
 */
export class OneSpeaker<T> {
  /** The open connections, the oldest first. */
  private readonly places = new Map<Session, Place<T>>();
  /** What the newest connection delivered before it failed. The next one continues it. */
  private left: Held<T>[] = [];
  private heldEvents = 0;
  private heldBytes = 0;

  /** The connection whose events pass: the oldest one. */
  get current(): Session | undefined {
    return this.places.keys().next().value;
  }

  /** A connection is open. The oldest one speaks. */
  open(session: Session): void {
    this.places.set(session, { held: this.left });
    this.left = [];
  }

  /** The connection is told to close. */
  closing(session: Session): void {
    const place = this.places.get(session);
    if (place) place.closingTick ??= performance.now();
  }

  /** @returns the values that may pass now: this one, or the oldest ones that no longer fit into the memory */
  take(session: Session, value: T, bytes: number): readonly T[] {
    const place = this.places.get(session);
    if (!place || this.isSpeaker(session)) return [value];
    place.held.push({ value, bytes, receivedTick: performance.now() });
    this.heldEvents++;
    this.heldBytes += bytes;
    const passing: T[] = [];
    while (this.heldEvents > MAX_HELD_EVENTS || this.heldBytes > MAX_HELD_BYTES)
      passing.push(...this.takeOldest());
    return passing;
  }

  /**
   * A connection has ended. If it was the speaker, the next one speaks from now on.
   *
   * @returns the held values that pass now, and how many others were copies
   */
  end(session: Session, end: SpeakerEnd): { released: readonly T[]; copies: number } {
    const place = this.places.get(session);
    if (!place) return { released: [], copies: 0 };
    const wasSpeaker = this.isSpeaker(session);
    const next = this.placeAfter(session);
    this.places.delete(session);
    const following = next?.held ?? this.left;
    const sinceTick = takeOverTick(place, end);
    const kept = following.filter(({ receivedTick }) => receivedTick >= sinceTick);
    // While the speaker has not ended, the next connection also holds what this one held.
    const held = wasSpeaker ? [] : [...place.held, ...kept];
    if (next) next.held = held;
    else this.left = held;
    this.recount();
    return {
      released: wasSpeaker ? kept.map(({ value }) => value) : [],
      copies: following.length - kept.length,
    };
  }

  private isSpeaker(session: Session): boolean {
    const [oldest] = this.places.keys();
    return session === oldest;
  }

  private placeAfter(session: Session): Place<T> | undefined {
    const sessions = [...this.places.keys()];
    const next = sessions[sessions.indexOf(session) + 1];
    return next && this.places.get(next);
  }

  private lists(): Held<T>[][] {
    return [this.left, ...[...this.places.values()].map(({ held }) => held)];
  }

  private takeOldest(): readonly T[] {
    const tick = (held: readonly Held<T>[]) => held[0]?.receivedTick ?? Number.POSITIVE_INFINITY;
    const first = this.lists().reduce((oldest, held) => (tick(held) < tick(oldest) ? held : oldest));
    const taken = first.shift();
    if (!taken) return [];
    this.heldEvents--;
    this.heldBytes -= taken.bytes;
    return [taken.value];
  }

  private recount(): void {
    const all = this.lists().flat();
    this.heldEvents = all.length;
    this.heldBytes = all.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** From when on the connection after this one has to deliver, in monotonic milliseconds. */
function takeOverTick({ closingTick }: Place<unknown>, { isAnswered, lastFrameAtMs }: SpeakerEnd): number {
  if (isAnswered && closingTick !== undefined) return closingTick;
  return performance.now() - (Date.now() - lastFrameAtMs) - RELEASE_SLACK_MS;
}
