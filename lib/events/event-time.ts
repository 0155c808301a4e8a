import type { Frame } from './schema.ts';

/** Fields of a body that tell when it happened, in the order in which they are asked. */
const TIME_FIELDS = ['eventTime', 'modifiedDate', 'timestamp', 'currentStateStart'] as const;
/** The last second of the year 9999: later years have no four digits, and EventBridge takes no such time. */
const MAX_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * When an event happened: the frame's own `timestamp` (Genesys Cloud's EventBridge integration sends one), else the
 * body's time (a number of epoch milliseconds or ISO 8601, by topic), else when it was received.
 *
 * @param receivedAt - ISO 8601
 * @returns ISO 8601 with milliseconds, in UTC
 */
export function eventTime(frame: Frame, receivedAt: string): string {
  const own = toIso(frame.timestamp);
  if (own !== undefined) return own;
  for (const field of TIME_FIELDS) {
    const iso = toIso(frame.eventBody[field]);
    if (iso !== undefined) return iso;
  }
  return receivedAt;
}

function toIso(value: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const ms = typeof value === 'number' ? value : Date.parse(value);
  return Number.isFinite(ms) && ms > 0 && ms <= MAX_EPOCH_MS ? new Date(ms).toISOString() : undefined;
}
