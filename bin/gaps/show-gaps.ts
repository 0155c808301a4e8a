import type { DeploymentGap } from '../../functions/backfill/deployment-gaps.ts';
import { redact } from '../../lib/events/redaction.ts';
import { type GapRecovery, recoveryLines } from './gap-recovery.ts';

/** Topics of a gap that are listed as text. `--json` lists all. */
const MAX_SHOWN_TOPICS = 3;
/** Characters that could control a terminal. Reasons quote the server. */
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** A gap, and what was recovered of it. */
export interface ShownGap extends DeploymentGap {
  readonly recovery: GapRecovery;
}

/** The gaps for people. */
export function gapsAsText(gaps: readonly ShownGap[], sinceMs: number | undefined): string {
  const since = sinceMs === undefined ? '' : ` since ${time(sinceMs)}`;
  const title =
    gaps.length === 0
      ? `No gaps${since}.`
      : `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}${since}. In each, no task covered the topics.`;
  return `${[title, ...gaps.map(blockOf)].join('\n\n')}\n`;
}

/** The gaps for programs, as one JSON object. */
export function gapsAsJson(gaps: readonly ShownGap[], sinceMs: number | undefined): string {
  return `${JSON.stringify({
    since: sinceMs === undefined ? null : time(sinceMs),
    gaps: gaps.map(({ fromMs, toMs, isOpen, topics, reasons, tasks, recovery }) => ({
      from: time(fromMs),
      to: time(toMs),
      seconds: (toMs - fromMs) / 1000,
      open: isOpen,
      topics,
      reasons: reasons.map(redact),
      tasks,
      recovery,
    })),
  })}\n`;
}

function blockOf({ fromMs, toMs, isOpen, topics, reasons, tasks, recovery }: ShownGap): string {
  const seconds = `${((toMs - fromMs) / 1000).toFixed(3)} s`;
  const shown = topics.slice(0, MAX_SHOWN_TOPICS).join(', ');
  const more = topics.length > MAX_SHOWN_TOPICS ? ', …' : '';
  return [
    `${time(fromMs)} to ${time(toMs)}  ${seconds}${isOpen ? ', not over' : ''}`,
    `  topics   ${topics.length === 0 ? 'unknown: their list is no longer stored' : `${topics.length}: ${shown}${more}`}`,
    `  reasons  ${redact(reasons.join('; ')).replace(CONTROL_CHARACTERS, ' ')}`,
    `  tasks    ${tasks.join(', ')}`,
    ...recoveryLines(recovery).map((line) => redact(line).replace(CONTROL_CHARACTERS, ' ')),
  ].join('\n');
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
