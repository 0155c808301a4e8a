import type { Frame } from './frame.ts';

const TICK_MS = 5;
/** After a stall, at most this much of the missed time is made up for at once. The rest is skipped. */
const MAX_CATCH_UP_MS = 200;
/** While the clients have more unread data than this, nothing is emitted. */
const MAX_UNREAD_BYTES = 32 * 1_024 * 1_024;
const MS_PER_SECOND = 1_000;

export interface GeneratorRunnerOptions {
  /** Source of the frames, such as a `Generator`. */
  readonly source: { next(): Frame };
  /**
   * Destination of the frames, such as a `Simulator`. Its `bufferedBytes` shows how far its clients lag behind. While
   * it is full, nothing is emitted.
   */
  readonly target: { emit(frame: Frame): void; readonly bufferedBytes?: number; readonly isFull?: boolean };
  /** Frames per second. */
  readonly ratePerSecond: number;
  /** Total number of frames. Default: no end until {@link GeneratorRunner.stop}. */
  readonly count?: number;
}

/** The rate or the count is invalid. */
export class GeneratorRunnerError extends Error {
  readonly code = 'GENERATOR_RUNNER';
  constructor(message: string) {
    super(message);
    this.name = 'GeneratorRunnerError';
  }
}

/** Emits frames at a steady rate. */
export class GeneratorRunner {
  /** Resolves when `count` frames are emitted or the run is stopped. Rejects with the error of the source. */
  readonly done: Promise<void>;
  private readonly options: GeneratorRunnerOptions;
  private readonly count: number;
  private readonly resolve: () => void;
  private readonly reject: (error: unknown) => void;
  private timer: NodeJS.Timeout | undefined;
  /** Start of the schedule; moves forward by the time that is skipped. */
  private scheduleFromMs = 0;
  private emittedCount = 0;
  private over = false;

  /** @throws GeneratorRunnerError if the rate or the count is not greater than 0 */
  constructor(options: GeneratorRunnerOptions) {
    this.options = options;
    this.count = options.count ?? Number.POSITIVE_INFINITY;
    if (!(options.ratePerSecond > 0)) throw new GeneratorRunnerError('ratePerSecond must be greater than 0.');
    if (!(this.count > 0)) throw new GeneratorRunnerError('count must be greater than 0.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get emitted(): number {
    return this.emittedCount;
  }

  start(): this {
    this.scheduleFromMs = performance.now();
    this.timer = setTimeout(() => this.tick(), TICK_MS);
    return this;
  }

  stop(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.resolve();
  }

  /** Emits up to `frames` frames now, ahead of the schedule. */
  burst(frames: number): void {
    if (this.over) return;
    try {
      for (let left = Math.min(frames, this.count - this.emittedCount); left > 0 && !this.over; left -= 1) {
        this.emittedCount += 1;
        this.options.target.emit(this.options.source.next());
      }
    } catch (error) {
      this.over = true;
      clearTimeout(this.timer);
      this.reject(error);
      return;
    }
    if (this.emittedCount >= this.count) this.stop();
  }

  private tick(): void {
    this.burst(this.due());
    if (this.over) return;
    this.timer = setTimeout(() => this.tick(), TICK_MS);
  }

  /** Number of frames to emit in this tick. */
  private due(): number {
    const { ratePerSecond, target } = this.options;
    const paused = target.isFull === true || (target.bufferedBytes ?? 0) > MAX_UNREAD_BYTES;
    const behindMs =
      performance.now() - this.scheduleFromMs - (this.emittedCount * MS_PER_SECOND) / ratePerSecond;
    const maxCatchUpMs = paused ? 0 : MAX_CATCH_UP_MS + MS_PER_SECOND / ratePerSecond;
    if (behindMs > maxCatchUpMs) this.scheduleFromMs += behindMs - maxCatchUpMs;
    return Math.floor((Math.min(behindMs, maxCatchUpMs) * ratePerSecond) / MS_PER_SECOND);
  }
}
