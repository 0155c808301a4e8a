import type { Frame } from './schema.ts';

/** Fields of a body that contain the time of the event, in order of preference. */
const TIME_FIELDS = ['eventTime', 'modifiedDate', 'timestamp', 'currentStateStart'] as const;
/** The last second of the year 9999. EventBridge does not accept later times. */
const MAX_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * The time of an event: the frame's own `timestamp` (Genesys Cloud's EventBridge integration sends one), otherwise the
 * time in the body (epoch milliseconds or ISO 8601, depending on the topic), otherwise the time at which it was
 * received.
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
