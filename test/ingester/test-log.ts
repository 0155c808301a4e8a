import type { Log } from '../../lib/aws/logger.ts';
import { scannedLogger } from '../secret-scan/scanned-logger.ts';

/** A line of a {@link TestLog}. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A log that keeps its lines. What the product's logger would write is searched for secrets. */
export class TestLog implements Log {
  readonly lines: LogLine[] = [];
  private readonly scanned: Log = scannedLogger('test');
  readonly debug = this.writer('debug');
  readonly info = this.writer('info');
  readonly warn = this.writer('warn');
  readonly error = this.writer('error');

  /** Lines whose message contains the text. */
  about(text: string): LogLine[] {
    return this.lines.filter(({ message }) => message.includes(text));
  }

  private writer(level: LogLine['level']): Log['info'] {
    return (message, ...extra) => {
      this.scanned[level](message, ...extra);
      const text = typeof message === 'string' ? message : message.message;
      this.lines.push({ level, message: text, fields: Object.assign({}, ...extra) });
    };
  }
}
