import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../lib/aws/logger.ts';
import type { Gap } from './coverage-store.ts';

/**
 * Records that wait to be written. From then on a new gap joins the later ones of its topics in one record, which also
 * includes the time between them. The other records are bounded by their names, which those of subscriptions and lists of
 * topics are part of.
 */
export const MAX_PENDING_RECORDS = 10_000;
/** Delays between two attempts to write. */
const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 10_000;

/** Why a record also includes the time between gaps. */
export const JOINED_REASON = 'several gaps, which the state table did not accept';

/** Writes a record. */
export type Write = () => Promise<void>;

/**
 * Writes records one after another and repeats each until it succeeds. A record with the name of a waiting one replaces
 * it, so that proofs do not accumulate while the table is unavailable.
 */
export class CoverageWriter {
  private readonly log: Log;
  private readonly pending = new Map<string, Write>();
  /** Gaps without their own record, by the name of the record that they share. */
  private readonly joined = new Map<string, Gap>();
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
    this.start();
  }

  /** Write a gap soon, alone or, if too many records wait, in one record with others of its topics. */
  addGap(name: string, gap: Gap, put: (gap: Gap) => Promise<void>): void {
    if (this.pending.size < MAX_PENDING_RECORDS || this.pending.has(name)) {
      this.add(name, () => put(gap));
      return;
    }
    const shared = `gaps#${gap.subscription}#${gap.topicsId}`;
    const before = this.joined.get(shared);
    if (!before) this.log.error('too many records wait for the state table; gaps are joined', { shared });
    const whole = before ? joinedGap(before, gap) : gap;
    this.joined.set(shared, whole);
    this.add(shared, async () => {
      await put(whole);
      if (this.joined.get(shared) === whole) this.joined.delete(shared);
    });
  }

  /** Settles when everything is written. */
  async drain(): Promise<void> {
    while (this.running) await this.running;
  }

  /** Stop retrying. Records that are not written remain in the log. */
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

function joinedGap(one: Gap, other: Gap): Gap {
  const fromMs = Math.min(one.fromMs, other.fromMs);
  return { ...one, fromMs, toMs: Math.max(one.toMs, other.toMs), reason: JOINED_REASON };
}
