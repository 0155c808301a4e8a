import { build } from 'hdr-histogram-js';

const HIGHEST_US = 3_600_000_000;
const US_PER_MS = 1_000;

export interface LatencySummary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** Latencies from a microsecond to an hour, to three digits. Longer ones count as an hour, negative ones as zero. */
export class LatencyHistogram {
  private readonly histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
  });

  record(latencyMs: number): void {
    const latencyUs = Math.round(latencyMs * US_PER_MS);
    this.histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, latencyUs)));
  }

  /** All values in milliseconds; zeros while nothing was recorded. */
  summary(): LatencySummary {
    const histogram = this.histogram;
    if (histogram.totalCount === 0) return { p50: 0, p99: 0, max: 0, count: 0 };
    return {
      p50: histogram.getValueAtPercentile(50) / US_PER_MS,
      p99: histogram.getValueAtPercentile(99) / US_PER_MS,
      max: histogram.maxValue / US_PER_MS,
      count: histogram.totalCount,
    };
  }
}
