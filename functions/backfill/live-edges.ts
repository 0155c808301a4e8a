import { FINGERPRINT_BYTES, recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';
import type { FillTimes } from './fill.ts';
import type { RecoveredEvent } from './recovered-event.ts';

const FINGERPRINT_IN_HEX = new RegExp(`.{${2 * FINGERPRINT_BYTES}}`, 'g');

/** Events that were read around a gap. */
export interface StoredEdges {
  /** Fingerprints, one after another. */
  readonly fingerprints: Uint8Array;
  /** Epoch milliseconds since when everything that was read is among them. */
  readonly knownFromMs: number;
  /** Epoch milliseconds until when everything that was sent was read and is among them. */
  readonly knownUntilMs: number;
}

/** Determines whether a recovered event was also delivered live. */
export class LiveEdges {
  private readonly fingerprints: ReadonlySet<string>;
  private readonly gap: { readonly fromMs: number; readonly toMs: number };
  private readonly times: FillTimes;
  private readonly knownFromMs: number;
  private readonly knownUntilMs: number;

  /** @param stored - undefined if the process that read the events could not store their fingerprints */
  constructor(
    gap: { readonly fromMs: number; readonly toMs: number },
    stored: StoredEdges | undefined,
    times: FillTimes,
  ) {
    this.gap = gap;
    this.times = times;
    this.knownFromMs = stored?.knownFromMs ?? Number.POSITIVE_INFINITY;
    this.knownUntilMs = stored?.knownUntilMs ?? Number.POSITIVE_INFINITY;
    this.fingerprints = fingerprintsIn(stored?.fingerprints ?? new Uint8Array());
  }

  /** Whether a connection delivered this event. */
  wasDelivered(event: RecoveredEvent): boolean {
    const fingerprint = recoveryFingerprint(event);
    return fingerprint !== undefined && this.fingerprints.has(fingerprint.toString('hex'));
  }

  /** Whether it is unknown if a connection delivered an event of this time. */
  isUncertain(atMs: number): boolean {
    const { fromMs, toMs } = this.gap;
    const { edgeMs, unprovenMs } = this.times;
    const isNearEdge = atMs < fromMs + unprovenMs || atMs >= toMs - edgeMs;
    const isKnown = atMs >= this.knownFromMs + edgeMs && atMs < this.knownUntilMs - edgeMs;
    return isNearEdge && !isKnown;
  }
}

/** The fingerprints in hex. */
function fingerprintsIn(bytes: Uint8Array): ReadonlySet<string> {
  return new Set(Buffer.from(bytes).toString('hex').match(FINGERPRINT_IN_HEX));
}
