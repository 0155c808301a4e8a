/** Log events per PutLogEvents; a limit of CloudWatch Logs, like the others here. */
const MAX_BATCH_EVENTS = 10_000;
/** Bytes per PutLogEvents: the messages in UTF-8, and {@link EVENT_OVERHEAD_BYTES} for each. */
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
/** Maximum time between the first and the last log event of a call. */
const MAX_BATCH_SPAN_MS = 24 * 3_600_000;

/** A log event, and its size as counted toward the limits. */
export interface LogLine {
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly message: string;
  readonly bytes: number;
}

/** A log event with its size. */
export function logLine(timestamp: number, message: string): LogLine {
  return { timestamp, message, bytes: Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES };
}

/** How many lines from the start of a list fit into one PutLogEvents call. At least one, if there are any. */
export function batchLength(lines: readonly LogLine[]): number {
  let bytes = 0;
  let earliestMs = Number.POSITIVE_INFINITY;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const [index, line] of lines.entries()) {
    bytes += line.bytes;
    // The clock can be set back, so the lines may not be in chronological order.
    earliestMs = Math.min(earliestMs, line.timestamp);
    latestMs = Math.max(latestMs, line.timestamp);
    const fits = bytes <= MAX_BATCH_BYTES && latestMs - earliestMs < MAX_BATCH_SPAN_MS;
    if (index > 0 && (!fits || index >= MAX_BATCH_EVENTS)) return index;
  }
  return lines.length;
}
