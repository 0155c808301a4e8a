import { readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';

/** The document, whose tables are read here: it is the only list of exceptions and permissions. */
const SECURITY_FILE = join(import.meta.dirname, '../../docs/security.md');

/** A failed check of a resource. */
export interface Finding {
  /** For example `CKV_AWS_18`. */
  readonly check: string;
  /** Logical id without its hash, or path of a file. */
  readonly resource: string;
}

/** A row in a table of exceptions. */
export interface Exception {
  readonly check: string;
  /** Logical ids, in which `*` stands for any characters. */
  readonly resources: readonly string[];
  readonly reason: string;
}

/** The permissions of a role in the table of roles. */
export interface DocumentedRole {
  /** Logical id without the prefix `Switchboard`. */
  readonly role: string;
  readonly actions: readonly string[];
}

/** The exceptions in the table below a heading. */
export function exceptionsUnder(heading: string, document = readDocument()): Exception[] {
  return rowsUnder(heading, document).map(([check = '', resources = '', reason = '']) => ({
    check: codeIn(check)[0] ?? '',
    resources: codeIn(resources),
    reason,
  }));
}

/** The roles in the table below a heading. A role can be in several rows, and a row can have several roles. */
export function rolesUnder(heading: string, document = readDocument()): DocumentedRole[] {
  return rowsUnder(heading, document).flatMap(([roles = '', actions = '']) =>
    codeIn(roles).map((role) => ({ role, actions: codeIn(actions) })),
  );
}

/** The findings that no exception names. */
export function unlisted(findings: readonly Finding[], exceptions: readonly Exception[]): Finding[] {
  return findings.filter((finding) => !exceptions.some((one) => one.resources.some(matching(one, finding))));
}

/** The resources of exceptions that match no finding. */
export function stale(findings: readonly Finding[], exceptions: readonly Exception[]): Finding[] {
  return exceptions.flatMap((exception) =>
    exception.resources
      .filter((resource) => !findings.some((finding) => matching(exception, finding)(resource)))
      .map((resource) => ({ check: exception.check, resource })),
  );
}

function matching({ check }: Exception, finding: Finding): (resource: string) => boolean {
  return (resource) => check === finding.check && matchesGlob(finding.resource, resource);
}

function readDocument(): string {
  return readFileSync(SECURITY_FILE, 'utf8');
}

/** The cells of the table below a heading, without the two rows of its head. */
function rowsUnder(heading: string, document: string): string[][] {
  const [, section] = document.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (section === undefined) throw new Error(`docs/security.md has no heading "${heading}"`);
  const [text = ''] = section.split(/^#/m);
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Texts in backticks. */
function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}
