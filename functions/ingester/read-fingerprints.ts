import { FINGERPRINT_BYTES } from '../../lib/events/recovery-fingerprint.ts';

/** Maximum number of remembered events, 16 bytes each. Their fingerprints fit into an item of DynamoDB. */
export const MAX_REMEMBERED_READS = 32_768;

/** The events that were read in an interval. */
export interface ReadsAround {
  /** Fingerprints, one after another. */
  readonly fingerprints: Uint8Array;
  /** Epoch milliseconds since when everything that was read is known. */
  readonly knownFromMs: number;
}

/** The events that were read around a gap, and the time for which all are known. */
export interface StoredReads extends ReadsAround {
  /** Epoch milliseconds until when everything that was sent was read and is among the fingerprints. */
  readonly knownUntilMs: number;
}

/**
 * Fingerprints of the latest events that this process has read, so that a backfill can determine which events around a gap
 * were delivered live. Topics can move between subscriptions, so all subscriptions are treated as one.
 */
export class ReadFingerprints {
  private readonly times = new Float64Array(MAX_REMEMBERED_READS);
  private readonly fingerprints = Buffer.alloc(MAX_REMEMBERED_READS * FINGERPRINT_BYTES);
  private readonly startedAtMs = Date.now();
  private count = 0;

  /** An event was read now. */
  add(fingerprint: Buffer): void {
    const slot = this.count++ % MAX_REMEMBERED_READS;
    this.times[slot] = Date.now();
    fingerprint.copy(this.fingerprints, slot * FINGERPRINT_BYTES);
  }

  /** The events that were read in an interval, in epoch milliseconds, both inclusive. */
  around(fromMs: number, toMs: number): ReadsAround {
    const kept = Math.min(this.count, MAX_REMEMBERED_READS);
    const found: Buffer[] = [];
    for (let slot = 0; slot < kept; slot++) {
      const atMs = this.times[slot] ?? 0;
      if (atMs < fromMs || atMs > toMs) continue;
      found.push(this.fingerprints.subarray(slot * FINGERPRINT_BYTES, (slot + 1) * FINGERPRINT_BYTES));
    }
    const oldestMs = this.times[this.count % MAX_REMEMBERED_READS] ?? 0;
    const hasForgotten = this.count > MAX_REMEMBERED_READS;
    return {
      fingerprints: Buffer.concat(found),
      knownFromMs: hasForgotten ? oldestMs : this.startedAtMs,
    };
  }
}
