import type { LedgerEntry } from './ledger-entry.ts';

/**
 * Recently settled events by key, in two generations. Each event is kept for at least `keepMs`, or until `limit` / 2
 * more have settled. Dropping events is cheap, because a whole generation is dropped at once.
 */
export class RecentEntries {
  private readonly keepMs: number;
  private readonly generationLimit: number;
  private current = new Map<string, LedgerEntry>();
  private previous = new Map<string, LedgerEntry>();
  private turnedAtMs = 0;

  constructor(keepMs: number, limit: number) {
    this.keepMs = keepMs;
    this.generationLimit = Math.max(1, Math.floor(limit / 2));
  }

  get(key: string): LedgerEntry | undefined {
    return this.current.get(key) ?? this.previous.get(key);
  }

  add(entry: LedgerEntry, nowMs: number): void {
    if (this.turnedAtMs === 0) this.turnedAtMs = nowMs;
    if (nowMs - this.turnedAtMs > this.keepMs || this.current.size >= this.generationLimit) {
      this.previous = this.current;
      this.current = new Map();
      this.turnedAtMs = nowMs;
    }
    this.current.set(entry.key, entry);
  }
}
