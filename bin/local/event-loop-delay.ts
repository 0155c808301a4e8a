import { monitorEventLoopDelay } from 'node:perf_hooks';

const NS_PER_MS = 1e6;
const RESOLUTION_MS = 20;

/** Maximum time for which this process could not react because it or the machine was busy. */
export class EventLoopDelay {
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.histogram.enable();
  }

  /** Milliseconds. */
  get maxMs(): number {
    return Math.round(this.histogram.max / NS_PER_MS);
  }

  stop(): void {
    this.histogram.disable();
  }
}
