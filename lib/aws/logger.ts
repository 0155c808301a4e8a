import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { redact } from '../events/redaction.ts';

/** Levels of {@link createLogger}, least to most. */
export const LOG_LEVELS = ['SILENT', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
/** Level of a logger. */
export type LogLevel = (typeof LOG_LEVELS)[number];

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
    const clean = JSON.stringify(line, (_, value) =>
      value instanceof Error ? this.formatError(value) : value,
    );
    return new LogItem({ attributes: JSON.parse(redact(clean)) as LogAttributes });
  }
}

/** Structured logger of one deployable (`service`), as JSON lines on standard output. */
export function createLogger(service: string, level?: LogLevel): Logger {
  return new Logger({
    serviceName: service,
    logFormatter: new RedactingFormatter(),
    ...(level === undefined ? {} : { logLevel: level }),
  });
}

/** What the code below `functions/` logs with. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
