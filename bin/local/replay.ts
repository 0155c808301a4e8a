import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { eventTime } from '../../lib/events/event-time.ts';
import { frameSchema } from '../../lib/events/schema.ts';

/** Skipped lines that are reported one by one. The rest are only counted. */
const MAX_REPORTED_LINES = 20;
/** Longest pause between two lines, so that a quiet period in the capture does not stop a replay. */
const MAX_PAUSE_MS = 60_000;

/** Totals of a replay. */
export interface ReplayTotals {
  lines: number;
  played: number;
  /** Lines that are not JSON. */
  skipped: number;
  /** Lines that are JSON but not a frame. They are played, and end in quarantine. */
  nonFrames: number;
}

/**
 * Replays a capture with one JSON object per line: a notification frame, or an event of Genesys Cloud's own
 * EventBridge integration, whose `detail` is the frame. The pauses between lines are the differences of the event
 * times, divided by `speed`.
 *
 * @param play - called for each line that is JSON
 * @param warn - called with the location of each skipped line
 */
export async function replayCapture(
  file: string,
  speed: number,
  play: (recorded: Recorded) => Promise<void>,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<ReplayTotals> {
  const totals: ReplayTotals = { lines: 0, played: 0, skipped: 0, nonFrames: 0 };
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
      if (totals.skipped <= MAX_REPORTED_LINES) warn(`${file}:${totals.lines}: skipped, not JSON`);
      continue;
    }
    if (recorded.atMs !== undefined) {
      const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(0, recorded.atMs - (lastMs ?? recorded.atMs)) / speed);
      lastMs = Math.max(lastMs ?? 0, recorded.atMs);
      if (pauseMs >= 1) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    if (!recorded.isFrame) totals.nonFrames++;
    totals.played++;
    await play(recorded);
  }
  if (totals.skipped > MAX_REPORTED_LINES)
    warn(`${totals.skipped - MAX_REPORTED_LINES} more lines skipped, not JSON`);
  return totals;
}

/** One line of a capture. */
export interface Recorded {
  topicName: string;
  /** JSON of the frame. */
  text: string;
  isFrame: boolean;
  /** Event time in epoch milliseconds, if the event has one. */
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
    // A bare frame is played with its text unchanged.
    text: isEventBridge ? JSON.stringify(inner) : line,
    isFrame: true,
    atMs: at === '' ? undefined : Date.parse(at),
  };
}
