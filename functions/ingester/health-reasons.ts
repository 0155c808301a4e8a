import type { LongestGap } from './subscription-coverage.ts';

/** The state of the connections and the queue. */
export interface HealthFacts {
  /** Whether every subscription has a live connection. */
  readonly isCovered: boolean;
  readonly gap: LongestGap | undefined;
  /** Milliseconds for which SQS has accepted no message; 0 while it accepts messages. */
  readonly stalledMs: number;
}

/** The reasons why the process is not healthy, as sentences. */
export function healthReasons({ isCovered, gap, stalledMs }: HealthFacts): string[] {
  return [
    ...(isCovered ? [] : ['not every subscription has a live connection']),
    ...(gap
      ? [
          `subscription ${gap.subscription} has had no live connection for ${Math.round(gap.ms / 1000)} s: ${gap.reason}`,
        ]
      : []),
    ...(stalledMs > 0
      ? [`SQS has accepted no message for ${Math.round(stalledMs / 1000)} s; see the log for the error`]
      : []),
  ];
}
