import { hash } from 'node:crypto';

/**
 * Bytes per fingerprint in a turn. An envelope has at most 1,000 events. With eight bytes, two of them have the same
 * fingerprint in one of 10^13 envelopes. The fingerprints of a typical envelope fit into one write unit.
 */
const FINGERPRINT_BYTES = 8;

/**
 * The mark of a quarantined item, so that a redelivery does not quarantine it again. It contains the envelope's id and
 * the item itself: an item that is sent from the quarantine queue back to the events queue is in a different envelope,
 * and may be published. The mark of a published event, or of a duplicate, is its id.
 *
 * @param index - position of an invalid item in its envelope; an event is identified by its content
 */
export function quarantineMark(envelopeId: string, item: unknown, index?: number): string {
  // Stryker disable next-line StringLiteral: any string that is not a number distinguishes an event from invalid items
  return `${envelopeId}#${index ?? ''}#${JSON.stringify(item)}`;
}

/** The fingerprint of a mark, as base64url. */
export function fingerprint(mark: string): string {
  return hash('sha256', mark, 'buffer').subarray(0, FINGERPRINT_BYTES).toString('base64url');
}
