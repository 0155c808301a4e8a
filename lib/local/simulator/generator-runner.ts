import type { Frame } from './frame.ts';

const TICK_MS = 5;
/** After a stall, at most this much of what was missed is made up for at once; the rest of it is skipped. */
const CATCH_UP_LIMIT_MS = 200;
/** Frames a tick when the rate is without limit. */
const UNLIMITED_BURST = 200;
const DEFAULT_HOLD_ABOVE_BYTES = 32 * 1_024 * 1_024;
const MS_PER_SECOND = 1_000;

export interface GeneratorRunnerOptions {
  /** Where frames come from: a `Generator`, or recorded ones. */
  readonly source: { next(): Frame };
  /** Where they go: a `Simulator`, which is asked how far its clients lag. */
  readonly target: { emit(frame: Frame): void; readonly bufferedBytes?: number };
  /** Frames a second; `Infinity` for as many as the clients take. */
  readonly ratePerSecond: number;
  /** Frames in all. Default: until {@link GeneratorRunner.stop}. */
  readonly count?: number;
  /** While the clients have left more than this unread, nothing is emitted. Default 32 MB. */
  readonly holdAboveBytes?: number;
}

export interface RunSummary {
  readonly emitted: number;
  readonly elapsedMs: number;
  /** Time by which the schedule was put off, through stalls of the process or clients that lag. */
  readonly slippedMs: number;
}

/** The rate cannot be run. */
export class GeneratorRunnerError extends Error {
  readonly code = 'GENERATOR_RUNNER';
  constructor(message: string) {
    super(message);
    this.name = 'GeneratorRunnerError';
  }
}

/** Emits frames at a rate, in small ticks. */
export class GeneratorRunner {
  /** Resolves once `count` frames are emitted or the run is stopped; rejects with what the source throws. */
  readonly done: Promise<RunSummary>;
  private readonly options: GeneratorRunnerOptions;
  private readonly count: number;
  private readonly resolve: (summary: RunSummary) => void;
  private readonly reject: (error: unknown) => void;
  private timer: NodeJS.Timeout | undefined;
  private startedAtMs = 0;
  /** When the frames emitted so far would have been due to start, had nothing slipped. */
  private scheduleFromMs = 0;
  private emittedCount = 0;
  private over = false;

  /** @throws GeneratorRunnerError when the rate or the count is not above 0 */
  constructor(options: GeneratorRunnerOptions) {
    this.options = options;
    this.count = options.count ?? Number.POSITIVE_INFINITY;
    if (!(options.ratePerSecond > 0)) throw new GeneratorRunnerError('ratePerSecond must be above 0.');
    if (!(this.count > 0)) throw new GeneratorRunnerError('count must be above 0.');
    const { promise, resolve, reject } = Promise.withResolvers<RunSummary>();
    this.done = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get emitted(): number {
    return this.emittedCount;
  }

  start(): this {
    this.startedAtMs = performance.now();
    this.scheduleFromMs = this.startedAtMs;
    this.timer = setTimeout(() => this.tick(), TICK_MS);
    return this;
  }

  stop(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    const nowMs = performance.now();
    this.resolve({
      emitted: this.emittedCount,
      elapsedMs: nowMs - this.startedAtMs,
      slippedMs: this.scheduleFromMs - this.startedAtMs,
    });
  }

  private tick(): void {
    try {
      const due = Math.min(this.due(), this.count - this.emittedCount);
      for (let left = due; left > 0 && !this.over; left -= 1) {
        this.emittedCount += 1;
        this.options.target.emit(this.options.source.next());
      }
    } catch (error) {
      this.over = true;
      this.reject(error);
      return;
    }
    if (this.emittedCount >= this.count) this.stop();
    if (this.over) return;
    const pauseMs = Number.isFinite(this.options.ratePerSecond) ? TICK_MS : 0;
    this.timer = setTimeout(() => this.tick(), pauseMs);
  }

  /** Frames to emit in this tick. */
  private due(): number {
    const { ratePerSecond, target, holdAboveBytes = DEFAULT_HOLD_ABOVE_BYTES } = this.options;
    const held = (target.bufferedBytes ?? 0) > holdAboveBytes;
    if (!Number.isFinite(ratePerSecond)) return held ? 0 : UNLIMITED_BURST;
    const behindMs =
      performance.now() - this.scheduleFromMs - (this.emittedCount * MS_PER_SECOND) / ratePerSecond;
    const limitMs = held ? 0 : CATCH_UP_LIMIT_MS + MS_PER_SECOND / ratePerSecond;
    if (behindMs > limitMs) this.scheduleFromMs += behindMs - limitMs;
    return Math.floor((Math.min(behindMs, limitMs) * ratePerSecond) / MS_PER_SECOND);
  }
}
