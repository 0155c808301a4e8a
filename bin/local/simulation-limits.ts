import type { IngesterDependencies } from '../../functions/ingester/dependencies.ts';
import type { FaultChoice } from './fault-options.ts';

/** Limits of the local ingester and consumer. */
export interface LocalLimits {
  readonly ingester: NonNullable<IngesterDependencies['limits']>;
  /** Timeout of an invocation of the consumer. */
  readonly consumerTimeoutMs: number;
  /** Visibility timeout of the events queue. */
  readonly visibilityTimeoutSeconds: number;
}

/** Time without a frame after which the ingester ends a connection, while half-open connections are injected. */
const SILENCE_HALF_OPEN_MS = 1_000;
/** The same limit otherwise. A busy machine must not look like a broken connection. */
const SILENCE_MS = 10_000;
/** Time limit for a pong while pongs are withheld, instead of 10 s. */
const PONG_WITHHELD_MS = 1_000;
/** Shorter than in a deployment, so that a run does not wait for backfills; long enough for a busy machine. */
const GAP_EDGE_MS = 3_000;
/** Short, so that a run with killed invocations ends sooner. A busy machine may exceed it. */
const CONSUMER_TIMEOUT_CRASH_MS = 2_000;
const CONSUMER_TIMEOUT_MS = 10_000;
/** With faults, messages are returned, and the run waits for them. */
const VISIBILITY_TIMEOUT_FAULTS_SECONDS = 12;
/** Lambda recommends at least six times the function timeout. */
const VISIBILITY_TIMEOUT_SECONDS = (6 * CONSUMER_TIMEOUT_MS) / 1_000;

/**
 * Limits for a local run: shorter than those of the real platform only where it would otherwise take minutes to detect
 * an injected fault.
 */
export function localLimits({ cloud, stream, aws, consumerCrash }: FaultChoice): LocalLimits {
  const hasFaults = aws.length > 0 || consumerCrash;
  return {
    ingester: {
      connection: {
        silenceMs: cloud.includes('half_open') ? SILENCE_HALF_OPEN_MS : SILENCE_MS,
        pingEveryMs: 250,
        ...(stream.includes('pongs_withheld') ? { pongWithinMs: PONG_WITHHELD_MS } : {}),
      },
      backoff: { baseMs: 50, capMs: 1_000, stableMs: 2_000 },
      requestsPerMinute: 3_000,
      gapEdgeMs: GAP_EDGE_MS,
    },
    consumerTimeoutMs: consumerCrash ? CONSUMER_TIMEOUT_CRASH_MS : CONSUMER_TIMEOUT_MS,
    visibilityTimeoutSeconds: hasFaults ? VISIBILITY_TIMEOUT_FAULTS_SECONDS : VISIBILITY_TIMEOUT_SECONDS,
  };
}
