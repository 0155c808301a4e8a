import * as z from 'zod';
import { recordHash } from '../../lib/events/audit-record.ts';
import { TooDeepError } from '../../lib/events/canonical-json.ts';
import type { ExportedRecord, UnreadableLine } from './exported-records.ts';

/** Maximum number of records in a file. */
const MAX_RECORDS = 5_000_000;

/** The fields of a record that are needed to check its chain. Other fields are covered by its hash. */
const linkSchema = z.looseObject({
  session: z.string(),
  service: z.string(),
  index: z.number().int().nonnegative(),
  previous: z.string().nullable(),
  hash: z.string(),
  time: z.string(),
  action: z.string(),
});

/** A record as a link of its chain. */
interface Link extends Pick<z.infer<typeof linkSchema>, 'service' | 'index' | 'previous' | 'hash' | 'time'> {
  readonly line: number;
  /** The content does not match the hash of the record. */
  readonly isAltered: boolean;
  readonly isLast: boolean;
}

/** The kinds of broken links. */
export type BreakKind = 'missing' | 'altered' | 'conflict' | 'detached' | 'after end';

/** The first position at which the chain of a session is broken. */
export interface BrokenLink {
  readonly kind: BreakKind;
  readonly index: number;
  /** Line of the record, or of the next one after missing records. */
  readonly line: number;
  readonly text: string;
}

/** The findings for one session. */
export interface SessionReport {
  readonly session: string;
  readonly service: string;
  /** Number of distinct records. */
  readonly records: number;
  /** Number of identical copies of records. CloudWatch Logs stores log events at least once. */
  readonly copies: number;
  readonly from: string;
  readonly to: string;
  /** `ended`: the chain has a last record. `open`: records can be missing at the end, which a chain cannot show. */
  readonly state: 'ended' | 'open' | 'broken';
  readonly broken?: BrokenLink;
}

/** The findings for a file. */
export interface AuditReport {
  readonly sessions: readonly SessionReport[];
  readonly unreadable: readonly UnreadableLine[];
}

/** Options of {@link checkRecords}. */
export interface CheckOptions {
  /** Accepts sessions whose first records are missing, as in an export of a limited time range. */
  readonly allowMissingStart: boolean;
}

/**
 * Checks the hash chain of every session in a file.
 *
 * @throws Error if there are too many records
 */
export async function checkRecords(
  found: AsyncIterable<ExportedRecord | UnreadableLine>,
  options: CheckOptions,
): Promise<AuditReport> {
  const sessions = new Map<string, Link[]>();
  const unreadable: UnreadableLine[] = [];
  let records = 0;
  for await (const one of found) {
    const link = 'problem' in one ? one : linkOf(one);
    if ('problem' in link) {
      unreadable.push(link);
      continue;
    }
    records += 1;
    if (records > MAX_RECORDS)
      throw new Error(`The file has more than ${MAX_RECORDS} records: check a shorter time range.`);
    const links = sessions.get(link.session) ?? [];
    links.push(link);
    sessions.set(link.session, links);
  }
  const reports = [...sessions].map(([session, links]) => checkSession(session, links, options));
  return { sessions: reports.toSorted((a, b) => (a.from < b.from ? -1 : 1)), unreadable };
}

function linkOf({ value, line }: ExportedRecord): (Link & { session: string }) | UnreadableLine {
  const parsed = linkSchema.safeParse(value);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
    return { line, problem: `its fields ${fields} are missing or have the wrong type` };
  }
  const { session, service, index, previous, hash, time, action } = parsed.data;
  const isLast = action === 'session.ended';
  return { session, service, index, previous, hash, time, line, isAltered: hash !== hashOf(value), isLast };
}

/** A record that is nested too deeply was not written by Switchboard and has no hash. */
function hashOf(value: Readonly<Record<string, unknown>>): string {
  try {
    return recordHash(value);
  } catch (error) {
    if (error instanceof TooDeepError) return '';
    throw error;
  }
}

function checkSession(session: string, links: readonly Link[], options: CheckOptions): SessionReport {
  const byIndex = links.toSorted((a, b) => a.index - b.index || a.line - b.line);
  const different = byIndex.filter((link, at) => at === 0 || !isCopy(link, byIndex[at - 1]));
  const broken = firstBroken(different, options);
  const times = different.map(({ time }) => time).sort();
  return {
    session,
    service: different[0]?.service ?? '',
    records: different.length,
    copies: links.length - different.length,
    from: times[0] ?? '',
    to: times.at(-1) ?? '',
    state: broken ? 'broken' : different.at(-1)?.isLast ? 'ended' : 'open',
    ...(broken ? { broken } : {}),
  };
}

function isCopy(link: Link, before: Link | undefined): boolean {
  return before?.index === link.index && before.hash === link.hash && !before.isAltered && !link.isAltered;
}

/** @param links - sorted by index, without copies */
function firstBroken(links: readonly Link[], { allowMissingStart }: CheckOptions): BrokenLink | undefined {
  let before: Link | undefined;
  for (const link of links) {
    const broken = breakBetween(before, link, allowMissingStart && before === undefined);
    if (broken) return { index: link.index, line: link.line, ...broken };
    before = link;
  }
  return undefined;
}

function breakBetween(
  before: Link | undefined,
  { index, previous, isAltered, line }: Link,
  isStartAllowed: boolean,
): (Pick<BrokenLink, 'kind' | 'text'> & { index?: number }) | undefined {
  const expected = before ? before.index + 1 : 0;
  if (index > expected && !isStartAllowed) {
    const which =
      index - expected === 1 ? `Record ${expected} is` : `Records ${expected} to ${index - 1} are`;
    return { kind: 'missing', index: expected, text: `${which} missing before line ${line}.` };
  }
  if (isAltered)
    return { kind: 'altered', text: `Record ${index} was altered: its content does not match its hash.` };
  if (before && index === before.index)
    return {
      kind: 'conflict',
      text: `Two different records have the index ${index}, the other in line ${before.line}.`,
    };
  if (before?.isLast)
    return { kind: 'after end', text: `Record ${index} follows the last record of the session.` };
  if (!isStartAllowed && previous !== (before?.hash ?? null))
    return {
      kind: 'detached',
      text: `Record ${index} does not continue ${before ? `record ${before.index} in line ${before.line}` : 'the start'}: one of them was replaced.`,
    };
  return undefined;
}
