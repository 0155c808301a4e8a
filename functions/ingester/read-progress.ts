/** Without pongs: what the server sent this long before the last frame that was read can have been lost on the way. */
export const UNPROVEN_MS = 1_000;
/**
 * Without pongs: a frame that is read this soon after a pause may have been buffered long ago, so it proves nothing about
 * the frames behind it.
 */
export const BACKLOG_MS = 5_000;
/**
 * Close codes of an answer to our close frame: our own code, or none. With another code the peer has closed on its own,
 * possibly before our close was sent.
 */
const ANSWER_CODES: ReadonlySet<number> = new Set([1000, 1005]);

/** A moment on both clocks, in milliseconds. */
export interface Moment {
  /** Since the epoch. */
  readonly atMs: number;
  /** Of `performance.now()`, because the wall clock can jump. */
  readonly tick: number;
}

/**
 * How far a connection was read. A ping carries the moment at which it was sent, and its pong has the same payload
 * (RFC 6455, 5.5.3). TCP keeps the order, so everything that the server sent before that moment was read before the
 * pong, however late that was. The time of the last frame proves less, because the frame can have waited in a buffer. It
 * counts only with a server that never answers a ping.
 */
export class ReadProgress {
  private begin = now();
  private lastFrame = this.begin;
  private lastProof: Moment | undefined;
  private closing: Moment | undefined;
  /** Epoch milliseconds. */
  private backlogUntilMs = 0;

  /** Everything that the server sent before this moment has been read. */
  get readUntil(): Moment {
    return this.lastProof ?? later(this.begin, before(this.lastFrame, UNPROVEN_MS));
  }

  /** The payload of a ping that is sent now. */
  probe(): string {
    return JSON.stringify(now());
  }

  /** @returns whether the payload is one of a {@link probe} */
  onPong(payload: Buffer): boolean {
    const moment = momentIn(payload);
    this.lastProof = moment ?? this.lastProof;
    return moment !== undefined;
  }

  onOpen(): void {
    this.begin = now();
    this.lastFrame = this.begin;
  }

  onFrame(): void {
    if (Date.now() >= this.backlogUntilMs) this.lastFrame = now();
  }

  /** The next frames can have waited in a buffer. */
  onBacklog(): void {
    this.backlogUntilMs = Date.now() + BACKLOG_MS;
  }

  /** Our close frame is sent. */
  onClosing(): void {
    this.closing = now();
  }

  /** The connection has ended. With pongs, a close proves nothing: the server's own close can have crossed ours. */
  onClose(code: number): void {
    if (ANSWER_CODES.has(code)) this.lastProof ??= this.closing;
  }
}

function now(): Moment {
  return { atMs: Date.now(), tick: performance.now() };
}

function before({ atMs, tick }: Moment, ms: number): Moment {
  return { atMs: atMs - ms, tick: tick - ms };
}

function later(one: Moment, other: Moment): Moment {
  // Stryker disable next-line EqualityOperator: moments with the same tick are the same moment, so either is right
  return one.tick > other.tick ? one : other;
}

function momentIn(payload: Buffer): Moment | undefined {
  try {
    const { atMs, tick } = JSON.parse(payload.toString('latin1')) as Partial<Moment>;
    if (typeof atMs === 'number' && typeof tick === 'number' && tick <= performance.now())
      return { atMs, tick };
  } catch {
    // It is not the payload of a probe.
  }
  return undefined;
}
