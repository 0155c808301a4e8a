import type { Item } from '../values/attribute-value.ts';
import type { PrimaryKey } from './key-schema.ts';

/** Replaced versions that one table keeps. Above either limit the oldest is forgotten. */
const MAX_VERSIONS = 10_000;
const MAX_VERSION_BYTES = 64 * 1_048_576;

/** An item in its table. */
export interface StoredItem {
  readonly key: PrimaryKey;
  readonly item: Item;
  /** Size by DynamoDB's rules. */
  readonly bytes: number;
}

/** Decides which reads without `ConsistentRead` return an older state. */
export interface ReadFaults {
  /** Maximum age of such a state in ms; undefined if there are no such reads. */
  readonly maxStaleMs: number | undefined;
  /** The age in ms of the state that a read of a table returns; undefined for the current state. */
  staleMs(tableName: string): number | undefined;
  /** Records that a read returned an item that has changed since. */
  reportStaleRead(key: string): void;
}

/** What the item of a key was before a write. */
interface Version {
  readonly key: PrimaryKey;
  readonly before: StoredItem | undefined;
  readonly replacedAtMs: number;
}

/** The states of a table's items in the recent past, for eventually consistent reads. */
export class ItemHistory {
  private readonly maxAgeMs: number;
  private readonly versions: Version[] = [];
  private bytes = 0;

  constructor(maxAgeMs: number) {
    this.maxAgeMs = maxAgeMs;
  }

  /** Records the version that a write replaces. */
  remember(key: PrimaryKey, before: StoredItem | undefined): void {
    const nowMs = Date.now();
    this.versions.push({ key, before, replacedAtMs: nowMs });
    this.bytes += before?.bytes ?? 0;
    while (this.isOutdated(nowMs)) this.bytes -= this.versions.shift()?.before?.bytes ?? 0;
  }

  /** The items of a partition that have changed since a time in ms, as they were then, by key. */
  changedSince(timeMs: number, partition: string): ReadonlyMap<string, StoredItem | undefined> {
    const changed = new Map<string, StoredItem | undefined>();
    for (const { key, before, replacedAtMs } of this.versions) {
      if (replacedAtMs > timeMs && key.partition === partition && !changed.has(key.text))
        changed.set(key.text, before);
    }
    return changed;
  }

  private isOutdated(nowMs: number): boolean {
    const [oldest] = this.versions;
    if (oldest === undefined) return false;
    const isFull = this.versions.length > MAX_VERSIONS || this.bytes > MAX_VERSION_BYTES;
    return isFull || oldest.replacedAtMs <= nowMs - this.maxAgeMs;
  }
}
