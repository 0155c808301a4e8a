import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { MASK, namesSecret, redact } from '../events/redaction.ts';

/** Levels of {@link createLogger}, least to most. */
export const LOG_LEVELS = ['SILENT', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
/** Level of a logger. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Levels of nesting of a logged value that are kept. */
const MAX_DEPTH_LEVELS = 16;

/** JSON lines with the fields that CloudWatch Logs Insights queries use, and no secret in any of them (P7). */
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
   * A plain copy in which errors are formatted, keys and texts are redacted one by one, and cycles and great depths
   * are cut off, so that no argument makes a log call throw. Redacting the line's JSON could break it, and would
   * miss a secret that JSON escapes.
   */
  private clean(value: unknown, ancestors: readonly unknown[]): unknown {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    if (ancestors.includes(value)) return undefined;
    if (ancestors.length >= MAX_DEPTH_LEVELS) return '[nested too deep]';
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

/** Structured logger of one deployable (`service`), as JSON lines: warnings and errors on standard error, the rest on standard output. */
export function createLogger(service: string, level?: LogLevel): Logger {
  return new Logger({
    serviceName: service,
    logFormatter: new RedactingFormatter(),
    ...(level === undefined ? {} : { logLevel: level }),
  });
}

/** What the code below `functions/` logs with. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
