import type { CloseAction, CloseCause } from './protocol.ts';

/** One row of a protocol's table of ends: what is known of it and what to do next. */
export interface CloseRow {
  readonly action: CloseAction;
  readonly meaning: string;
}

/** A protocol's answers to every close code (RFC 6455, 7.4) and every HTTP status that refuses the upgrade. */
export interface CloseTable {
  readonly codes: Readonly<Record<number, CloseRow>>;
  /** For codes that the table does not name. */
  readonly otherCode: CloseRow;
  readonly upgradeStatuses: Readonly<Record<number, CloseRow>>;
  /** For statuses that the table does not name. */
  readonly otherStatus: CloseRow;
}

/** The row for an end. */
export function closeRow(table: CloseTable, cause: CloseCause): CloseRow {
  if (cause.upgradeStatus !== undefined)
    return table.upgradeStatuses[cause.upgradeStatus] ?? table.otherStatus;
  return table.codes[cause.code] ?? table.otherCode;
}
