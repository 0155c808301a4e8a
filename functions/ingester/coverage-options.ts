import type { Log } from '../../lib/aws/logger.ts';
import type { CoverageProof, CoverageStore } from './coverage-store.ts';

/** The sources from which coverage reads what is proven. */
export interface CoverageSources {
  /**
   * Everything that the server sent before this time has been read by the subscription's connections, in epoch
   * milliseconds. Undefined without a connection.
   */
  readUntilMs(subscription: string): number | undefined;
  /** The topics that the subscription's connection delivers; undefined without a connection. */
  servedTopics(subscription: string): readonly string[] | undefined;
  /** Epoch milliseconds of the oldest event that SQS has not accepted; undefined if there is none. */
  oldestUnsentMs(): number | undefined;
}

/** Dependencies of coverage. */
export interface CoverageOptions {
  readonly log: Log;
  readonly sources: CoverageSources;
  /** Id of this task, which no other process has. */
  readonly task: string;
  /** Without it gaps are only logged. */
  readonly store?: CoverageStore | undefined;
  /** Adds to the proof of another task the coverage that it has proven elsewhere. */
  readonly known?: ((proof: CoverageProof) => CoverageProof) | undefined;
}

/** A term: the time in which this task sends what it reads. */
export interface Term extends Pick<CoverageOptions, 'task' | 'store' | 'known'> {
  /** Time from which this task sends what it reads, in epoch milliseconds; by default, now. */
  readonly fromMs?: number;
  /** Everything before was sent by another task, or is in a gap record, in epoch milliseconds. */
  readonly continuesAtMs?: number | undefined;
}
