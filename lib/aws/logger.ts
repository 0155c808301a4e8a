import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { MASK, namesSecret, redact } from '../events/redaction.ts';
import type { LogLevel } from './log-level.ts';

export { LOG_LEVELS, type LogLevel } from './log-level.ts';

/** Maximum nesting of a logged value. Deeper values are replaced by a placeholder. */
const MAX_DEPTH_LEVELS = 16;

/** Formats log entries as JSON lines for CloudWatch Logs Insights and redacts secrets (P7). */
class RedactingFormatter extends LogFormatter {
  override formatAttributes(attributes: UnformattedAttributes, additional: LogAttributes): LogItem {
    const { logLevel, timestamp, message, serviceName, lambdaContext, xRayTraceId } = attributes;
    const line = {
      level: logLevel,
      message,
      timestamp: this.formatTimestamp(timestamp),
      service: serviceName,
      ...(lambdaContext ? { requestId: lambdaContext.awsRequestId } : {}),
      ...(xRayTraceId ? { xray_trace_id: xRayTraceId } : {}),
      ...additional,
    };
    return new LogItem({ attributes: this.clean(line, []) as LogAttributes });
  }

  /**
   * Returns a plain copy of a value in which errors are formatted, keys and strings are redacted, and cycles and deep
   * nesting are removed, so that no argument makes a log call throw. Redacting the serialized JSON instead could make
   * it invalid and would miss secrets that contain escaped characters.
   */
  private clean(value: unknown, ancestors: readonly unknown[]): unknown {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    if (ancestors.includes(value)) return undefined;
    if (ancestors.length >= MAX_DEPTH_LEVELS) return '[nested too deeply]';
    const here = [...ancestors, value];
    if (value instanceof Error) return this.clean(this.formatError(value), here);
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.clean(value.toJSON(), here);
    if (Array.isArray(value)) return value.map((member) => this.clean(member, here));
    const members = Object.entries(value).map(([name, member]) => [
      redact(name),
      namesSecret(name) && typeof member === 'string' ? MASK : this.clean(member, here),
    ]);
    return Object.fromEntries(members);
  }
}

/**
 * Creates a structured logger that writes JSON lines: warnings and errors to standard error, everything else to
 * standard output.
 *
 * @param service - name of the deployable, the `service` field of every line
 * @param level - @default - the `POWERTOOLS_LOG_LEVEL` or `LOG_LEVEL` variable, otherwise `INFO`
 */
export function createLogger(service: string, level?: LogLevel): Logger {
  return new Logger({
    serviceName: service,
    logFormatter: new RedactingFormatter(),
    ...(level === undefined ? {} : { logLevel: level }),
  });
}

/** The logger methods that the code in `functions/` uses. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
