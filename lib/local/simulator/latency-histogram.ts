import { build } from 'hdr-histogram-js';

const MAX_LATENCY_US = 3_600_000_000;
const US_PER_MS = 1_000;

export interface LatencySummary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/**
 * Latencies from one microsecond to one hour, with three significant digits. Longer ones are recorded as one hour,
 * negative ones as zero.
 */
export class LatencyHistogram {
  private readonly histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_LATENCY_US,
    numberOfSignificantValueDigits: 3,
  });

  record(latencyMs: number): void {
    const latencyUs = Math.round(latencyMs * US_PER_MS);
    this.histogram.recordValue(Math.min(MAX_LATENCY_US, Math.max(0, latencyUs)));
  }

  /** Adds everything that another histogram recorded. */
  add(other: LatencyHistogram): this {
    this.histogram.add(other.histogram);
    return this;
  }

  /** Percentiles in milliseconds. All values are zero if nothing was recorded. */
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
