import { limitExceeded } from '../dynamodb-errors.ts';
import { attributeOf } from '../values/attribute-value.ts';
import { compareTexts, compareValues } from '../values/compare.ts';
import { ItemHistory, type ReadFaults, type StoredItem } from './item-history.ts';
import type { KeySchema, PrimaryKey } from './key-schema.ts';

/** Maximum number of items per table, which are kept in memory. */
export const MAX_ITEMS_PER_TABLE = 1_000_000;

/** Minimum time between two sweeps for expired items of a table. */
export const TTL_SWEEP_INTERVAL_MS = 60_000;
/**
 * How long an expired item is kept before a sweep deletes it. AWS deletes "within a few days", so readers must check
 * the expiry themselves. This delay exposes readers that do not.
 */
export const TTL_GRACE_SECONDS = 3_600;
/** AWS does not delete items that expired longer ago than this (5 years). */
const TTL_OLDEST_SECONDS = 157_680_000;

/** One table: its items by key, and its expiry setting. */
export class Table {
  readonly name: string;
  readonly schema: KeySchema;
  readonly createdAtMs = Date.now();
  /** Attribute that holds each item's expiry in epoch seconds, if that is enabled. */
  ttlAttribute: string | undefined;
  private readonly items = new Map<string, StoredItem>();
  /** Keys by partition, if the table has a range key, so that a query reads one partition only. */
  private readonly partitions = new Map<string, Set<string>>();
  private ordered: readonly StoredItem[] | undefined;
  private storedBytes = 0;
  private sweptAtMs = Date.now();

  private readonly faults: ReadFaults | undefined;
  private readonly history: ItemHistory | undefined;

  /** @param faults make reads eventually consistent; without them every read returns the current state. */
  constructor(name: string, schema: KeySchema, faults?: ReadFaults) {
    this.name = name;
    this.schema = schema;
    this.faults = faults;
    this.history = faults?.maxStaleMs === undefined ? undefined : new ItemHistory(faults.maxStaleMs);
  }

  get itemCount(): number {
    return this.items.size;
  }

  /** Sum of the items' sizes. */
  get bytes(): number {
    return this.storedBytes;
  }

  /** The current item of a key. */
  get(key: PrimaryKey): StoredItem | undefined {
    return this.items.get(key.text);
  }

  /** The item of a key as a read returns it. Without `consistent` it may be an older version. */
  read(key: PrimaryKey, consistent: boolean): StoredItem | undefined {
    const changed = consistent ? undefined : this.drawOlderState(key.partition);
    if (!changed?.has(key.text)) return this.get(key);
    this.faults?.reportStaleRead(key.text);
    return changed.get(key.text);
  }

  /** @throws LimitExceededException if the table is full. */
  put(stored: StoredItem): void {
    const { text, partition } = stored.key;
    const before = this.items.get(text);
    if (before === undefined) {
      if (this.items.size >= MAX_ITEMS_PER_TABLE)
        throw limitExceeded(
          `Table ${this.name} of the emulator is full: it holds at most ${MAX_ITEMS_PER_TABLE} items. Delete items or the table.`,
        );
      if (this.schema.range !== undefined) {
        const keys = this.partitions.get(partition);
        if (keys === undefined) this.partitions.set(partition, new Set([text]));
        else keys.add(text);
      }
    }
    this.history?.remember(stored.key, before);
    this.items.set(text, stored);
    this.storedBytes += stored.bytes - (before?.bytes ?? 0);
    this.ordered = undefined;
  }

  delete(key: PrimaryKey): void {
    const before = this.items.get(key.text);
    if (before === undefined) return;
    this.history?.remember(key, before);
    this.items.delete(key.text);
    this.storedBytes -= before.bytes;
    this.ordered = undefined;
    const keys = this.partitions.get(key.partition);
    if (keys === undefined) return;
    keys.delete(key.text);
    if (keys.size === 0) this.partitions.delete(key.partition);
  }

  /** The items of one partition by range key, as a read returns them: all of them from the same point in time. */
  readPartition(partition: string, consistent: boolean): StoredItem[] {
    const changed = consistent ? undefined : this.drawOlderState(partition);
    if (changed !== undefined && changed.size > 0) this.faults?.reportStaleRead(partition);
    const current = this.schema.range === undefined ? [partition] : (this.partitions.get(partition) ?? []);
    const found: StoredItem[] = [];
    for (const text of new Set([...current, ...(changed?.keys() ?? [])])) {
      const stored = changed?.has(text) ? changed.get(text) : this.items.get(text);
      if (stored !== undefined) found.push(stored);
    }
    return found.sort((a, b) => this.compare(a.key, b.key));
  }

  /** The items of a partition that differ from the current state, if a read returns an older one. */
  private drawOlderState(partition: string): ReadonlyMap<string, StoredItem | undefined> | undefined {
    const staleMs = this.history && this.faults?.staleMs(this.name);
    return staleMs === undefined ? undefined : this.history?.changedSince(Date.now() - staleMs, partition);
  }

  /** Every item, in a stable order so that a scan can be resumed. Sorted again only after a write. */
  all(): readonly StoredItem[] {
    this.ordered ??= [...this.items.values()].sort((a, b) => this.compare(a.key, b.key));
    return this.ordered;
  }

  /** The order of scans and queries: by partition, then by range key. */
  compare(a: PrimaryKey, b: PrimaryKey): number {
    if (a.partition !== b.partition) return compareTexts(a.partition, b.partition);
    const { range } = this.schema;
    if (range === undefined) return 0;
    const left = attributeOf(a.attributes, range.name);
    const right = attributeOf(b.attributes, range.name);
    return left === undefined || right === undefined ? 0 : (compareValues(left, right) ?? 0);
  }

  /**
   * Deletes items that expired more than {@link TTL_GRACE_SECONDS} ago, at most once per {@link TTL_SWEEP_INTERVAL_MS}.
   * Called on every access, so an unused table is swept when it is used again.
   */
  sweep(): void {
    const nowMs = Date.now();
    if (this.ttlAttribute === undefined || nowMs - this.sweptAtMs < TTL_SWEEP_INTERVAL_MS) return;
    this.sweptAtMs = nowMs;
    const nowSeconds = Math.floor(nowMs / 1_000);
    for (const { key, item } of this.items.values()) {
      const expiry = attributeOf(item, this.ttlAttribute);
      if (expiry === undefined || !('N' in expiry)) continue;
      const expiredForSeconds = nowSeconds - Number(expiry.N);
      if (expiredForSeconds > TTL_GRACE_SECONDS && expiredForSeconds < TTL_OLDEST_SECONDS) this.delete(key);
    }
  }
}
