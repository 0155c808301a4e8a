import type { Random } from '../../../random.ts';
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

/** How reads without `ConsistentRead` may be out of date. */
export interface EventualConsistency {
  /** Probability that a read returns an older state, from 0 to 1. */
  readonly rate: number;
  /** Maximum age of that state in ms. */
  readonly maxDelayMs: number;
}

/** What the item of a key was before a write. */
interface Version {
  readonly key: string;
  readonly partition: string;
  readonly before: StoredItem | undefined;
  readonly replacedAtMs: number;
}

/** The states of a table's items in the recent past, for eventually consistent reads. */
export class ItemHistory {
  private readonly options: EventualConsistency;
  private readonly random: Random;
  private versions: Version[] = [];
  private bytes = 0;

  constructor(options: EventualConsistency, random: Random) {
    this.options = options;
    this.random = random;
  }

  /** Notes the version that a write replaces. */
  remember(written: PrimaryKey, before: StoredItem | undefined): void {
    const nowMs = Date.now();
    this.versions.push({
      key: written.text,
      partition: written.partition,
      before,
      replacedAtMs: nowMs,
    });
    this.bytes += before?.bytes ?? 0;
    this.forget(nowMs - this.options.maxDelayMs);
  }

  /** Draws the time in ms whose state a read returns; undefined for the current state. */
  drawTimeMs(): number | undefined {
    const { rate, maxDelayMs } = this.options;
    // Both numbers are drawn in any case, so that the rate does not shift later draws.
    const stale = this.random.chance(rate);
    const delayMs = 1 + Math.floor(this.random.next() * maxDelayMs);
    return stale ? Date.now() - delayMs : undefined;
  }

  /** Items that were different at a time, by key; undefined if the item did not exist. */
  changedSince(timeMs: number, partition?: string): ReadonlyMap<string, StoredItem | undefined> {
    const changed = new Map<string, StoredItem | undefined>();
    for (const version of this.versions) {
      if (version.replacedAtMs <= timeMs || changed.has(version.key)) continue;
      if (partition === undefined || version.partition === partition)
        changed.set(version.key, version.before);
    }
    return changed;
  }

  private forget(beforeMs: number): void {
    let expired = 0;
    for (const { replacedAtMs, before } of this.versions) {
      const isFull = this.versions.length - expired > MAX_VERSIONS || this.bytes > MAX_VERSION_BYTES;
      if (replacedAtMs > beforeMs && !isFull) break;
      expired += 1;
      this.bytes -= before?.bytes ?? 0;
    }
    if (expired > 0) this.versions.splice(0, expired);
  }
}
