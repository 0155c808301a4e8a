import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { eventTime } from '../../lib/events/event-time.ts';
import { frameSchema } from '../../lib/events/schema.ts';

/** Lines that are named one by one; the rest is counted. */
const NAMED_LINES = 20;
/** Longest pause between two lines, so that a night without events does not stop a replay. */
const PAUSE_LIMIT_MS = 60_000;

/** What a replay came to. */
export interface ReplayTotals {
  lines: number;
  played: number;
  /** Lines that are not JSON. */
  skipped: number;
  /** Lines that are JSON and no frame: they are played too, and end in quarantine. */
  odd: number;
}

/**
 * Play a capture, one JSON a line: a notification frame, or an event of Genesys Cloud's own EventBridge integration,
 * whose `detail` is that frame. The pauses between lines are those between the events' times, divided by `speed`.
 *
 * @param play - called for each line that is JSON
 * @param warn - told the number of a line that is skipped
 */
export async function replayCapture(
  file: string,
  speed: number,
  play: (recorded: Recorded) => Promise<void>,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<ReplayTotals> {
  const totals: ReplayTotals = { lines: 0, played: 0, skipped: 0, odd: 0 };
  let lastMs: number | undefined;
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (signal.aborted) break;
    totals.lines++;
    if (line.trim() === '') continue;
    const recorded = readLine(line);
    if (!recorded) {
      totals.skipped++;
      if (totals.skipped <= NAMED_LINES) warn(`${file}:${totals.lines} is not JSON; the line is skipped`);
      continue;
    }
    if (recorded.atMs !== undefined) {
      const pauseMs = Math.min(
        PAUSE_LIMIT_MS,
        Math.max(0, recorded.atMs - (lastMs ?? recorded.atMs)) / speed,
      );
      lastMs = Math.max(lastMs ?? 0, recorded.atMs);
      if (pauseMs >= 1) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    if (!recorded.isFrame) totals.odd++;
    totals.played++;
    await play(recorded);
  }
  if (totals.skipped > NAMED_LINES) warn(`${totals.skipped - NAMED_LINES} more lines are not JSON`);
  return totals;
}

/** One line of a capture. */
export interface Recorded {
  topicName: string;
  /** JSON of the frame. */
  text: string;
  isFrame: boolean;
  /** Epoch milliseconds of the event, where it tells. */
  atMs: number | undefined;
}

function readLine(line: string): Recorded | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const isEventBridge =
    typeof value === 'object' && value !== null && 'detail-type' in value && 'detail' in value;
  const inner: unknown = isEventBridge ? (value as { detail: unknown }).detail : value;
  const frame = frameSchema.safeParse(inner);
  if (!frame.success) return { topicName: '', text: JSON.stringify(inner), isFrame: false, atMs: undefined };
  const at = eventTime(frame.data, '');
  return {
    topicName: frame.data.topicName,
    // The text of a bare frame is played as it was recorded.
    text: isEventBridge ? JSON.stringify(inner) : line,
    isFrame: true,
    atMs: at === '' ? undefined : Date.parse(at),
  };
}
