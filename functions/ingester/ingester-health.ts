import type { Health } from './health.ts';
import { healthReasons } from './health-reasons.ts';
import { type ProtocolStreams, subscriptionKey } from './protocol-streams.ts';
import type { RoleState } from './standby/task-role.ts';
import type { TaskCoverage } from './task-coverage.ts';

/** The process is unhealthy when a subscription had no live connection for this long (P5: within 60 s). */
export const UNHEALTHY_AFTER_MS = 30_000;

/** What the health of an ingester is read from. */
export interface HealthSources {
  readonly streams: ProtocolStreams;
  readonly coverage: TaskCoverage;
  /** Whether every subscription has a live connection. */
  readonly isCovered: boolean;
  readonly isPaused: boolean;
  readonly role: RoleState;
  /** For how long SQS has accepted no message although some were sent. */
  readonly stalledMs: number;
}

/** The health of an ingester, in either role. */
export function healthOf(sources: HealthSources): Health {
  const { streams, coverage, isCovered, isPaused, role, stalledMs } = sources;
  const { names, errors, areFound, emptySecret } = streams;
  const gap = coverage.longestOpenGap();
  const isStalled = stalledMs >= UNHEALTHY_AFTER_MS;
  const reasons = [...healthReasons({ isCovered, gap, stalledMs: isStalled ? stalledMs : 0 }), ...errors];
  return {
    ready: areFound && coverage.wasComplete(names),
    live: (gap?.ms ?? 0) < UNHEALTHY_AFTER_MS && !isStalled,
    reasons,
    ...(emptySecret ? { waitingFor: 'secret' } : onlyFailedIsDown(sources) ? { waitingFor: 'operator' } : {}),
    paused: isPaused,
    leadership: role,
    subscriptions: streams.describe(),
  };
}

/** Whether some protocols have failed permanently, and all others are live. A restart would only interrupt those. */
function onlyFailedIsDown({ streams, coverage, stalledMs }: HealthSources): boolean {
  const { failed, names } = streams;
  const others = names.filter(
    (name) => !failed.some((protocol) => name.startsWith(subscriptionKey(protocol, ''))),
  );
  const gapMs = coverage.longestOpenGap(others)?.ms ?? 0;
  const areLive = coverage.wasComplete(others) && Math.max(gapMs, stalledMs) < UNHEALTHY_AFTER_MS;
  return failed.length > 0 && others.length > 0 && areLive;
}
