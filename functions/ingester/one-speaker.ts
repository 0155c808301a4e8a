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
  readonly receivedAtMs: number;
}

/** How a connection ended. */
export interface SpeakerEnd {
  /** The peer answered our close frame, so it has delivered everything that it had sent before. */
  readonly isAnswered: boolean;
  /** Epoch milliseconds of the last proof of life. */
  readonly lastFrameAtMs: number;
}

/**
 * Lets one connection of a subscription speak. Two overlapping connections deliver the same occurrences. Where nothing
 * in an event distinguishes a copy from a state that recurs, only one connection may bring it: the events of the others
 * are held until the speaker has ended.
 *
 * The speaker is read to its end. If it answered the close, it has delivered everything up to the close, and the held
 * events from then on are released. If it did not, it may have been dead since its last frame, and the held events from
 * shortly before that are released.
 */
export class OneSpeaker<T> {
  private readonly waiting = new Set<Session>();
  private speaker: Session | undefined;
  /** Epoch milliseconds at which the speaker was told to close. */
  private closingAtMs: number | undefined;
  private held: Held<T>[] = [];
  private heldBytes = 0;

  /** The connection whose events pass. */
  get current(): Session | undefined {
    return this.speaker;
  }

  /** A connection is open. The first one speaks. */
  open(session: Session): void {
    if (this.speaker === undefined) this.speaker = session;
    else this.waiting.add(session);
  }

  /** The connection is told to close. */
  closing(session: Session): void {
    if (session === this.speaker) this.closingAtMs ??= Date.now();
  }

  /** @returns the values that may pass now: this one, or the oldest ones that no longer fit into the memory */
  take(session: Session, value: T, bytes: number): readonly T[] {
    if (!this.waiting.has(session)) return [value];
    this.held.push({ value, bytes, receivedAtMs: Date.now() });
    this.heldBytes += bytes;
    const released: T[] = [];
    while (this.held.length > MAX_HELD_EVENTS || this.heldBytes > MAX_HELD_BYTES) {
      const oldest = this.held.shift();
      if (!oldest) break;
      this.heldBytes -= oldest.bytes;
      released.push(oldest.value);
    }
    return released;
  }

  /**
   * A connection has ended. If it was the speaker, another one speaks from now on.
   *
   * @returns the held values that the speaker did not deliver, and how many others it did
   */
  end(
    session: Session,
    { isAnswered, lastFrameAtMs }: SpeakerEnd,
  ): { released: readonly T[]; copies: number } {
    this.waiting.delete(session);
    if (session !== this.speaker) return { released: [], copies: 0 };
    const { held } = this;
    const sinceMs =
      isAnswered && this.closingAtMs !== undefined ? this.closingAtMs : lastFrameAtMs - RELEASE_SLACK_MS;
    const released = held.filter(({ receivedAtMs }) => receivedAtMs >= sinceMs).map(({ value }) => value);
    this.held = [];
    this.heldBytes = 0;
    this.closingAtMs = undefined;
    // The newest connection speaks next, because it was made to replace the others.
    this.speaker = [...this.waiting].at(-1);
    if (this.speaker) this.waiting.delete(this.speaker);
    return { released, copies: held.length - released.length };
  }
}
