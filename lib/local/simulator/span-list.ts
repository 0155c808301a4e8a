/** Events with less time between them belong to the same span. */
const MERGE_WITHIN_MS = 20;
const MAX_SPANS = 10_000;

/** An interval in which events were uncovered. Both ends are event times in epoch milliseconds. */
export interface UncoveredSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly events: number;
}

/** Merges event times into intervals. At the limit, the last interval grows, so that no event is left out. */
export class SpanList {
  private readonly spans: { fromMs: number; toMs: number; events: number }[] = [];

  add(atMs: number): void {
    const last = this.spans.at(-1);
    if (last !== undefined && (atMs - last.toMs <= MERGE_WITHIN_MS || this.spans.length >= MAX_SPANS)) {
      last.fromMs = Math.min(last.fromMs, atMs);
      last.toMs = Math.max(last.toMs, atMs);
      last.events += 1;
      return;
    }
    this.spans.push({ fromMs: atMs, toMs: atMs, events: 1 });
  }

  list(): readonly UncoveredSpan[] {
    return this.spans.map((span) => ({ ...span }));
  }
}
