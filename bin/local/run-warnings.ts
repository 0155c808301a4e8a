import type { RunParts } from './run-summary.ts';
import { localLimits } from './simulation-limits.ts';
import type { Judged } from './verdict.ts';

const MS_PER_SECOND = 1_000;
/** A blocked event loop is reported if the block lasted at least this share of the silence limit. */
const SILENCE_SHARE = 0.5;

/** Circumstances on this machine that may explain the result of a run. */
export function runWarnings(
  { result, mayLoseConnections }: Pick<Judged, 'result' | 'mayLoseConnections'>,
  { options, pipeline }: Pick<RunParts, 'options' | 'pipeline'>,
  maxEventLoopDelayMs: number,
): string[] {
  const { ingester, visibilityTimeoutSeconds } = localLimits(options.faults);
  const silenceMs = ingester.connection?.silenceMs ?? Number.POSITIVE_INFINITY;
  const windowMs = pipeline.dedupWindow.shortestWindowMs;
  const isBusy = maxEventLoopDelayMs > silenceMs * SILENCE_SHARE;
  const isShort = windowMs < visibilityTimeoutSeconds * MS_PER_SECOND;
  return [
    ...(isBusy && result.uncovered + result.unproven > 0 && !mayLoseConnections
      ? [
          `This process was blocked for up to ${maxEventLoopDelayMs} ms, and a connection counts as dead after ${silenceMs} ms. Use a lower --rate.`,
        ]
      : []),
    ...(isShort && result.publishedTwice > 0
      ? [
          `Claims were kept for only ${windowMs} ms, to bound memory, and messages can be delivered again after ${visibilityTimeoutSeconds} s. Use a lower --rate.`,
        ]
      : []),
  ];
}
