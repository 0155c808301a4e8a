/** An interval in epoch milliseconds. It includes its beginning and not its end. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}
