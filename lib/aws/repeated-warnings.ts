import type { LogAttributes, LogItemExtraInput, LogItemMessage } from '@aws-lambda-powertools/logger/types';
import type { Log } from './logger.ts';

/** Interval at which repeated warnings are reported, in milliseconds. */
export const REPORT_EVERY_MS = 60_000;
/** Maximum number of different warnings whose repeats are counted per interval. Above it, each one is logged. */
export const MAX_COUNTED = 200;

type Level = 'warn' | 'error';

/** A warning that was logged, and how often it has been repeated since. */
interface Counted {
  readonly level: Level;
  readonly message: LogItemMessage;
  /** The fields of the last repeat. */
  readonly fields: LogItemExtraInput;
  readonly repeated: number;
}

/**
 * A log that writes identical warnings or errors once per {@link REPORT_EVERY_MS}, followed by the number of repeats.
 * Two are identical if they differ only in numbers, such as an attempt or a delay. The last one is written with the
 * field `repeated`.
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

  debug(message: LogItemMessage, ...fields: LogItemExtraInput): void {
    this.log.debug(message, ...fields);
  }

  info(message: LogItemMessage, ...fields: LogItemExtraInput): void {
    this.log.info(message, ...fields);
  }

  warn(message: LogItemMessage, ...fields: LogItemExtraInput): void {
    this.count('warn', message, fields);
  }

  error(message: LogItemMessage, ...fields: LogItemExtraInput): void {
    this.count('error', message, fields);
  }

  /** Write the counted repeats, and stop counting. */
  close(): void {
    clearInterval(this.timer);
    this.report();
  }

  private count(level: Level, message: LogItemMessage, fields: LogItemExtraInput): void {
    const key = `${level} ${textOf(message, fields)}`;
    const known = this.counted.get(key);
    if (known) {
      this.counted.set(key, { level, message, fields, repeated: known.repeated + 1 });
      return;
    }
    if (this.counted.size < MAX_COUNTED) this.counted.set(key, { level, message, fields, repeated: 0 });
    this.log[level](message, ...fields);
  }

  private report(): void {
    const counted = [...this.counted.values()];
    this.counted.clear();
    for (const { level, message, fields, repeated } of counted) {
      const attributes: LogAttributes[] = [...fields.filter(isAttributes), { repeated }];
      if (repeated > 0) this.log[level](message, ...attributes);
    }
  }
}

function isAttributes(value: unknown): value is LogAttributes {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

/** The text of a log entry without its numbers. */
function textOf(message: LogItemMessage, fields: LogItemExtraInput): string {
  try {
    return JSON.stringify([message, fields], (_name, value: unknown) => {
      if (value instanceof Error) return `${value.name}: ${value.message}`;
      return typeof value === 'number' ? 0 : value;
    });
  } catch {
    // Entries that cannot be serialized, for example because of a cycle, are compared by their message.
    return String(message);
  }
}
