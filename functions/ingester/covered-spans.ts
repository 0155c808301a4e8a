import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import { type CoveredSpan, topicsId } from './coverage-store.ts';

/** Ended spans of a subscription that are not proven up to their end. Above it the oldest do not count as covered. */
export const MAX_ENDED_SPANS = 100;

/** A {@link CoveredSpan} of a known task and subscription. */
type Span = Pick<CoveredSpan, 'topicsId' | 'fromMs' | 'toMs'>;

/** The intervals in which the connections of a subscription served the same topics. The last one has not ended. */
export class CoveredSpans {
  /** Topics that are served. */
  topics: readonly string[] | undefined;
  /** The interval that has not ended: its topics and its beginning, in epoch milliseconds. */
  current: { readonly topicsId: string; readonly fromMs: number } | undefined;
  // Stryker disable next-line ArrayDeclaration: a text in the list has no times, so that it is not stored
  private ended: Span[] = [];

  /** These topics are served from `atMs` on. Returns their id if they are others than before. */
  serve(topics: readonly string[], atMs: number): string | undefined {
    // Stryker disable next-line ConditionalExpression: saves hashing
    if (topics === this.topics) return undefined;
    const id = topicsId(topics);
    const isOther = id !== this.current?.topicsId;
    if (isOther) {
      this.end(atMs);
      this.current = { topicsId: id, fromMs: atMs };
    }
    this.topics = topics;
    return isOther ? id : undefined;
  }

  /** Nothing is served from `atMs` on. */
  end(atMs: number): void {
    if (this.current && this.current.fromMs < atMs)
      this.ended = [...this.ended, { ...this.current, toMs: atMs }].slice(-MAX_ENDED_SPANS);
    this.current = undefined;
    this.topics = undefined;
  }

  /** A gap begins at `atMs`. Its record may lack topics of a span that is not proven up to its end. */
  cut(atMs: number): void {
    this.ended = this.ended.map((span) => ({ ...span, toMs: Math.min(span.toMs, atMs) }));
  }

  /** Store the spans that have ended, as far as they are proven, again until they are proven up to their end. */
  async store(provenUntilMs: number, put: (span: Span) => Promise<void>): Promise<void> {
    const waiting = new Set(this.ended);
    for (const span of waiting) {
      const toMs = Math.min(span.toMs, provenUntilMs);
      if (span.fromMs < toMs) await put({ ...span, toMs });
    }
    this.ended = this.ended.filter((span) => !waiting.has(span) || span.toMs > provenUntilMs);
  }
}

/** The served topics that are wanted. A combined topic can be wanted in part. */
export function servedOf(wanted: readonly string[], served: readonly string[]): readonly string[] {
  const topics = new Set(wanted);
  const singles = new Set(wanted.flatMap(singleTopics));
  return served.flatMap((topic) =>
    topics.has(topic) ? topic : singleTopics(topic).filter((one) => singles.has(one)),
  );
}
