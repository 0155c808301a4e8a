/**
 * Content to redact before an event leaves the ingester, the webhook or the backfill, and before the consumer publishes or quarantines an
 * event of the partner event source. Paths are names separated by dots.
 */
export interface RedactionOptions {
  /**
   * `structural` keeps ids, purposes, roles, states, times, types and figures, and drops everything else: names, addresses, phone numbers, attributes and free text.
   *
   * @default - no preset: values without a matching path are kept
   */
  readonly preset?: 'structural';

  /**
   * Paths of values that are removed. Paths start in the body of an event. `*` stands for any member or array element, `**` for any number of levels. Escape a dot in a name as `\.`.
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
   * Paths of strings whose letters and digits are replaced by `*`. If a string has at least eight, the last two are kept. Values that are not strings are removed.
   *
   * @default - none
   */
  readonly mask?: readonly string[];

  /**
   * Paths of values that are kept although the preset drops them. All other paths take precedence.
   *
   * @default - none
   */
  readonly keep?: readonly string[];
}
