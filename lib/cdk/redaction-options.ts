/**
 * What is redacted before an event leaves the ingester, the webhook or the backfill, and before the consumer publishes or quarantines an
 * event of the partner event source. Paths are names separated by dots.
 */
export interface RedactionOptions {
  /**
   * `structural` keeps ids, purposes, roles, states, times, types and figures, and drops everything else: names, addresses, phone numbers, attributes and free text.
   *
   * @default - no preset: what no path names is kept
   */
  readonly preset?: 'structural';

  /**
   * Paths of values that are removed. Paths begin in the body of an event. `*` stands for any member or array element, `**` for any number of levels. A dot in a name is written `\.`.
   *
   * @example ['participants.*.attributes', '**.ani']
   * @default - none
   */
  readonly drop?: readonly string[];

  /**
   * Paths of values that are replaced by their HMAC-SHA-256. Equal values have equal hashes. The key is generated and stored in Secrets Manager.
   *
   * @default - none
   */
  readonly hash?: readonly string[];

  /**
   * Paths of texts whose letters and digits are replaced by `*`. Of texts with at least eight, the last two stay. Values that are not texts are removed.
   *
   * @default - none
   */
  readonly mask?: readonly string[];

  /**
   * Paths of values that the preset drops and that are kept nevertheless. All other paths take precedence.
   *
   * @default - none
   */
  readonly keep?: readonly string[];
}
