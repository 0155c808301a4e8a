import { setTimeout as delay } from 'node:timers/promises';
import { captureLines } from './capture-file.ts';
import { describeJson, type RecordedLine, readCaptureLine } from './capture-line.ts';

/** Maximum number of problems with lines reported individually. The rest are only counted. */
const MAX_REPORTED_LINES = 20;
/** Maximum pause between two lines, so that a quiet period in the capture does not stall a replay. */
const MAX_PAUSE_MS = 60_000;
const EXPECTED =
  'a notification frame (topicName, eventBody), an EventBridge event with the frame as detail, or a recorder line with it as rawEvent; use --pick for another path';

/** Totals of a replay. */
export interface ReplayTotals {
  lines: number;
  played: number;
  /** Lines that are not JSON. */
  skipped: number;
  /** Lines that are JSON but not a frame. They are played and end up in quarantine. */
  nonFrames: number;
  /** Heartbeats, replies, system messages and other objects without a topic. They are not played. */
  controlFrames: number;
  /** Lines that could not be played. */
  failed: number;
  /** The replay was interrupted before the last line. */
  interrupted: boolean;
}

/** How to replay a capture. */
export interface ReplayOptions {
  file: string;
  /** Speed relative to the recording; Infinity for no pauses. */
  speed: number;
  /** Names of the members that lead to the frame in a line. */
  pick?: readonly string[] | undefined;
  /** Also plays control frames. */
  playControlFrames: boolean;
}

/** A capture without a single frame. */
export class EmptyCaptureError extends Error {
  readonly code = 'EMPTY_CAPTURE';
  constructor(file: string, firstLine: string | undefined) {
    const found = firstLine === undefined ? 'it is empty' : `line 1 is ${describeJson(firstLine)}`;
    super(`${file} has no usable line: ${found}. Expected ${EXPECTED}.`);
    this.name = 'EmptyCaptureError';
  }
}

/**
 * Replays a capture with one JSON value per line. The pauses between lines are the differences of the event times,
 * divided by the speed.
 *
 * @param play - called for each line that is played
 * @param warn - called with the location of each line that is not
 * @throws {@link EmptyCaptureError} if no line is a frame
 */
export async function replayCapture(
  options: ReplayOptions,
  play: (recorded: RecordedLine) => Promise<void>,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<ReplayTotals> {
  const { file, pick, playControlFrames } = options;
  const totals: ReplayTotals = {
    lines: 0,
    played: 0,
    skipped: 0,
    nonFrames: 0,
    controlFrames: 0,
    failed: 0,
    interrupted: false,
  };
  const pacer = new Pacer(options.speed, signal);
  const report = limited(warn, MAX_REPORTED_LINES);
  let firstLine: string | undefined;
  let frames = 0;
  for await (const line of captureLines(file)) {
    if (signal.aborted) {
      totals.interrupted = true;
      break;
    }
    totals.lines++;
    if (line.trim() === '') continue;
    firstLine ??= line;
    const recorded = readCaptureLine(line, pick);
    if (!recorded) {
      totals.skipped++;
      report(`${file}:${totals.lines}: skipped, ${pick ? `no JSON at ${pick.join('.')}` : 'not JSON'}`);
      continue;
    }
    if (recorded.kind === 'frame') frames++;
    if (recorded.kind === 'control') totals.controlFrames++;
    if (recorded.kind === 'control' && !playControlFrames) continue;
    if (recorded.kind === 'other') totals.nonFrames++;
    await pacer.wait(recorded.atMs);
    if (signal.aborted) {
      totals.interrupted = true;
      break;
    }
    try {
      await play(recorded);
      totals.played++;
    } catch (error) {
      totals.failed++;
      report(`${file}:${totals.lines}: not played: ${error instanceof Error ? error.message : error}`);
    }
  }
  report.summarize();
  if (frames === 0 && !totals.interrupted) throw new EmptyCaptureError(file, firstLine);
  return totals;
}

/** Waits between lines as long as the recording did. */
class Pacer {
  private readonly speed: number;
  private readonly signal: AbortSignal;
  private lastMs: number | undefined;

  constructor(speed: number, signal: AbortSignal) {
    this.speed = speed;
    this.signal = signal;
  }

  async wait(atMs: number | undefined): Promise<void> {
    if (atMs === undefined) return;
    const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(0, atMs - (this.lastMs ?? atMs)) / this.speed);
    this.lastMs = Math.max(this.lastMs ?? 0, atMs);
    if (pauseMs >= 1) await delay(pauseMs, undefined, { signal: this.signal }).catch(() => undefined);
  }
}

/** Passes on the first messages and counts the others. */
function limited(warn: (message: string) => void, max: number) {
  let count = 0;
  const report = (message: string): void => {
    if (++count <= max) warn(message);
  };
  return Object.assign(report, {
    summarize: () => {
      if (count > max) warn(`${count - max} more lines were not played`);
    },
  });
}
