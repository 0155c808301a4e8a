import type { DeploymentGap } from '../../functions/backfill/deployment-gaps.ts';
import { type Fill, recoveredCounts } from '../../functions/backfill/fill.ts';
import type { FilledGap } from '../../functions/backfill/fill-store.ts';
import { overlap } from '../../functions/ingester/intervals.ts';

/** The recovery of a gap by backfills. */
export interface GapRecovery {
  /** `none`: no backfill has begun. */
  readonly state: 'none' | 'filling' | 'filled';
  /** Recovered events by topic with `{id}`. */
  readonly recovered: Readonly<Record<string, number>>;
  /** Events that are not recovered, or only partly, and why, by topic with `{id}`. */
  readonly notRecovered: Readonly<Record<string, string>>;
  readonly missingPermissions: Readonly<Record<string, string>>;
}

/** Returns the recovery of a gap of the deployment, which can be in the records of several tasks. */
export function recoveryOf(
  gap: DeploymentGap,
  fills: readonly Fill[],
  filled: readonly FilledGap[],
): GapRecovery {
  // The id of a gap contains the task that recorded it.
  const concerns = (one: Fill | FilledGap) =>
    gap.tasks.some((task) => one.gapId.includes(`#${task}#`)) &&
    overlap({ fromMs: one.fromMs, toMs: Math.max(one.toMs, one.fromMs + 1) }, gap);
  const open = fills.filter(concerns);
  const closed = filled.filter(concerns);
  const recovered: Record<string, number> = {};
  for (const counts of [...open.map(recoveredCounts), ...closed.map((one) => one.recovered)])
    for (const [topic, count] of Object.entries(counts)) recovered[topic] = (recovered[topic] ?? 0) + count;
  return {
    state: open.length > 0 ? 'filling' : closed.length > 0 ? 'filled' : 'none',
    recovered,
    notRecovered: Object.assign({}, ...closed.map((one) => one.notRecovered)),
    missingPermissions: Object.assign({}, ...[...open, ...closed].map((one) => one.missingPermissions)),
  };
}

/** The recovery in readable form, as lines of text. */
export function recoveryLines({ state, recovered, notRecovered, missingPermissions }: GapRecovery): string[] {
  const total = Object.values(recovered).reduce((sum, count) => sum + count, 0);
  const states = { none: 'not begun', filling: 'in progress', filled: 'complete' };
  return [
    `  recovery ${states[state]}: ${total} events`,
    ...Object.entries(notRecovered).map(([topic, why]) => `    ${topic}: ${why}`),
    ...Object.values(missingPermissions).map((reason) => `    permission missing: ${reason}`),
  ];
}
