import type { DeploymentGap } from '../../functions/backfill/deployment-gaps.ts';
import { redact } from '../../lib/events/redaction.ts';
import type { BridgedGap } from './bridged-gaps.ts';
import { type GapRecovery, recoveryLines } from './gap-recovery.ts';

/** Topics of a gap that are listed as text. `--json` lists all. */
const MAX_SHOWN_TOPICS = 3;
/** Characters that could control a terminal. Reasons quote the server. */
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** A gap, and its recovery. */
export interface ShownGap extends DeploymentGap {
  readonly recovery: GapRecovery;
}

/** The gaps in readable form. */
export function gapsAsText(
  gaps: readonly ShownGap[],
  bridged: readonly BridgedGap[],
  sinceMs: number | undefined,
): string {
  const since = sinceMs === undefined ? '' : ` since ${time(sinceMs)}`;
  const title =
    gaps.length === 0
      ? `No gaps${since}.`
      : `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}${since}. In each, no task covered the topics.`;
  const filled =
    bridged.length === 0
      ? []
      : [`${bridged.length} bridged. In each, the standby sent what the leader missed.`];
  return `${[title, ...gaps.map(blockOf), ...filled, ...bridged.map(bridgedBlockOf)].join('\n\n')}\n`;
}

/** The gaps for programs, as one JSON object. */
export function gapsAsJson(
  gaps: readonly ShownGap[],
  bridged: readonly BridgedGap[],
  sinceMs: number | undefined,
): string {
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
    bridged: bridged.map(({ fromMs, toMs, topics, reasons }) => ({
      from: time(fromMs),
      to: time(toMs),
      seconds: (toMs - fromMs) / 1000,
      topics,
      reasons: reasons.map(redact),
    })),
  })}\n`;
}

function blockOf({ fromMs, toMs, isOpen, topics, reasons, tasks, recovery }: ShownGap): string {
  return [
    `${intervalOf(fromMs, toMs)}${isOpen ? ', not over' : ''}`,
    `  topics   ${topicsText(topics)}`,
    `  reasons  ${reasonsText(reasons)}`,
    `  tasks    ${tasks.join(', ')}`,
    ...recoveryLines(recovery).map((line) => redact(line).replace(CONTROL_CHARACTERS, ' ')),
  ].join('\n');
}

function bridgedBlockOf({ fromMs, toMs, topics, reasons }: BridgedGap): string {
  return [
    intervalOf(fromMs, toMs),
    `  topics   ${topicsText(topics)}`,
    `  reasons  ${reasons.length === 0 ? 'the leader has died' : reasonsText(reasons)}`,
  ].join('\n');
}

function intervalOf(fromMs: number, toMs: number): string {
  return `${time(fromMs)} to ${time(toMs)}  ${((toMs - fromMs) / 1000).toFixed(3)} s`;
}

function topicsText(topics: readonly string[]): string {
  if (topics.length === 0) return 'unknown: their list is no longer stored';
  const shown = topics.slice(0, MAX_SHOWN_TOPICS).join(', ');
  return `${topics.length}: ${shown}${topics.length > MAX_SHOWN_TOPICS ? ', …' : ''}`;
}

function reasonsText(reasons: readonly string[]): string {
  return redact(reasons.join('; ')).replace(CONTROL_CHARACTERS, ' ');
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
