import type { LogAttributes } from '@aws-lambda-powertools/logger/types';
import type { Log } from './logger.ts';

/** Interval at which repeated warnings are reported, in milliseconds. */
export const REPORT_EVERY_MS = 60_000;
/** Different warnings whose repeats are counted per interval. Above it, each one is logged. */
export const MAX_COUNTED = 200;

type Level = 'warn' | 'error';
type Fields = Parameters<Log['warn']>;

/** A warning that was logged, and how often it was repeated since. */
interface Counted {
  readonly level: Level;
  readonly last: Fields;
  readonly repeated: number;
}

/**
 * A log that writes an identical warning or error once per {@link REPORT_EVERY_MS}, and then how often it was repeated.
 * Two are identical if they differ in numbers at most, such as an attempt or a delay. The last of them is written with
 * the field `repeated`.
 */
export class RepeatedWarnings implements Log {
  private readonly log: Log;
  private readonly counted = new Map<string, Counted>();
  private readonly timer: NodeJS.Timeout;

  constructor(log: Log) {
    this.log = log;
    this.timer = setInterval(() => this.report(), REPORT_EVERY_MS);
    this.timer.unref();
  }

  debug(...line: Fields): void {
    this.log.debug(...line);
  }

  info(...line: Fields): void {
    this.log.info(...line);
  }

  warn(...line: Fields): void {
    this.count('warn', line);
  }

  error(...line: Fields): void {
    this.count('error', line);
  }

  /** Write what was counted, and stop counting. */
  close(): void {
    clearInterval(this.timer);
    this.report();
  }

  private count(level: Level, line: Fields): void {
    const key = `${level} ${textOf(line)}`;
    const known = this.counted.get(key);
    if (known) {
      this.counted.set(key, { level, last: line, repeated: known.repeated + 1 });
      return;
    }
    if (this.counted.size < MAX_COUNTED) this.counted.set(key, { level, last: line, repeated: 0 });
    this.log[level](...line);
  }

  private report(): void {
    const counted = [...this.counted.values()];
    this.counted.clear();
    for (const { level, last, repeated } of counted) {
      if (repeated === 0) continue;
      const [message, ...rest] = last;
      this.log[level](message, ...rest.filter(isAttributes), { repeated });
    }
  }
}

function isAttributes(value: unknown): value is LogAttributes {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

/** The text of a line without its numbers. */
function textOf(line: Fields): string {
  try {
    return JSON.stringify(line, (_name, value: unknown) => {
      if (value instanceof Error) return `${value.name}: ${value.message}`;
      return typeof value === 'number' ? 0 : value;
    });
  } catch {
    // What cannot be written as JSON, such as a cycle, is compared by its message.
    return String(line[0]);
  }
}
