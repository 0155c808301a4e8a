import type { AuditReport, SessionReport } from './chain-check.ts';

/** Maximum number of unreadable lines listed as text. `--json` lists all of them. */
const MAX_SHOWN_LINES = 10;
/** Characters that could control a terminal. */
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** The meaning of each session state. */
const STATES: Readonly<Record<SessionReport['state'], string>> = {
  ended: 'complete',
  open: 'unbroken, without a last record: records can be missing at the end',
  broken: 'BROKEN',
};

/** Whether every line is readable and no chain is broken. */
export function isSound({ sessions, unreadable }: AuditReport): boolean {
  return unreadable.length === 0 && sessions.every(({ state }) => state !== 'broken');
}

/** The report for people. */
export function auditAsText(report: AuditReport): string {
  const { sessions, unreadable } = report;
  const sum = (count: (one: SessionReport) => number) =>
    sessions.reduce((total, one) => total + count(one), 0);
  const more = unreadable.length - MAX_SHOWN_LINES;
  const title = `${sum(({ records }) => records)} records of ${sessions.length} sessions, and ${sum(({ copies }) => copies)} identical copies.`;
  const blocks = sessions.map(blockOf);
  const lines = unreadable
    .slice(0, MAX_SHOWN_LINES)
    .map(({ line, problem }) => `Line ${line} cannot be read: ${problem}.`);
  if (more > 0) lines.push(`${more} more lines cannot be read.`);
  const verdict = isSound(report) ? 'No broken link.' : 'The records are not sound.';
  return `${[title, ...blocks, ...(lines.length > 0 ? [lines.join('\n')] : []), verdict].join('\n\n')}\n`;
}

/** The report for programs, as one JSON object. */
export function auditAsJson(report: AuditReport): string {
  return `${JSON.stringify({ sound: isSound(report), ...report })}\n`;
}

function blockOf({ session, service, records, copies, from, to, state, broken }: SessionReport): string {
  return [
    `${service} session ${session}`,
    `  records  ${records}${copies > 0 ? `, and ${copies} identical copies` : ''}`,
    `  time     ${from} to ${to}`,
    `  chain    ${STATES[state]}${broken ? ` at line ${broken.line}: ${broken.text}` : ''}`,
  ]
    .map((line) => line.replace(CONTROL_CHARACTERS, ' '))
    .join('\n');
}
