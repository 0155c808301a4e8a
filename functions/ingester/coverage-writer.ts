import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../lib/aws/logger.ts';

/** Records that wait to be written. Above it the oldest are only in the log. */
export const MAX_PENDING_RECORDS = 10_000;
/** Delays between two attempts to write. */
const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 10_000;

/** Writes a record. */
export type Write = () => Promise<void>;

/**
 * Writes records one after another and repeats each until it succeeds. A record with the name of a waiting one replaces
 * it, so that proofs do not accumulate while the table is unavailable.
 */
export class CoverageWriter {
  private readonly log: Log;
  private readonly pending = new Map<string, Write>();
  private readonly abort = new AbortController();
  private running: Promise<void> | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  /** Records that are not written yet. */
  get size(): number {
    return this.pending.size;
  }

  /** Write a record soon. */
  add(name: string, write: Write): void {
    // Behind all others, so that a proof never precedes a gap that was recorded before it.
    this.pending.delete(name);
    this.pending.set(name, write);
    if (this.pending.size > MAX_PENDING_RECORDS) {
      const [oldest] = this.pending.keys();
      if (oldest !== undefined) this.pending.delete(oldest);
      this.log.error('too many records wait for the state table; the oldest one is dropped', { oldest });
    }
    this.start();
  }

  /** Settles when everything is written. */
  async drain(): Promise<void> {
    while (this.running) await this.running;
  }

  /** Stop repeating. What is not written stays in the log. */
  stop(): void {
    this.abort.abort();
  }

  private start(): void {
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      // A record can be added between the end of the loop and this callback.
      if (this.pending.size > 0 && !this.abort.signal.aborted) this.start();
    });
  }

  private async run(): Promise<void> {
    let failures = 0;
    for (let next = this.first(); next && !this.abort.signal.aborted; next = this.first()) {
      const [name, write] = next;
      try {
        await write();
        failures = 0;
        if (this.pending.get(name) === write) this.pending.delete(name);
      } catch (error) {
        if (failures++ === 0)
          this.log.error('the state table does not accept records; retrying', { record: name, error });
        const delayMs = Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** failures);
        await delay(delayMs, undefined, { signal: this.abort.signal }).catch(() => undefined);
      }
    }
  }

  private first(): [string, Write] | undefined {
    for (const entry of this.pending) return entry;
    return undefined;
  }
}
