import { createHash } from 'node:crypto';

/** A record as it was read. */
export type AnyRecord = Record<string, unknown>;

/** Canonical JSON (RFC 8785) of a value of `JSON.parse`, written without the product's code. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

/** SHA-256 of a text, in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The hash that a record should have. */
export function hashOf({ hash: _, ...rest }: AnyRecord): string {
  return sha256(canonical(rest));
}

/** The records of a file with one JSON object per line. */
export function recordsIn(text: string): AnyRecord[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AnyRecord);
}

/**
 * Checks all chains: every record has its hash, and is the next after the record before it.
 *
 * @returns the records of each session in order, with each record once
 */
export function chainsOf(records: readonly AnyRecord[]): Map<string, AnyRecord[]> {
  const chains = new Map<string, AnyRecord[]>();
  const byPosition = records.toSorted((a, b) => Number(a.index) - Number(b.index));
  for (const record of byPosition) {
    const session = String(record.session);
    const chain = chains.get(session) ?? [];
    chains.set(session, chain);
    const before = chain.at(-1);
    if (before && JSON.stringify(before) === JSON.stringify(record)) continue;
    if (record.hash !== hashOf(record)) throw new Error(`Record ${record.index} of ${session} was altered`);
    if (record.index !== chain.length || record.previous !== (before?.hash ?? null))
      throw new Error(`Record ${record.index} of ${session} does not follow ${before?.index}`);
    chain.push(record);
  }
  return chains;
}
