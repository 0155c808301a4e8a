import { partsOf } from '../../../../lib/genesys/combined-topics.ts';
import type { ProtocolContext } from '../stream-protocol.ts';

/** Why a topic is not subscribed to when the answer does not say so. */
const NOT_NAMED = 'the answer does not name the topic';

/**
 * Topics that Genesys Cloud refuses, and why. Each topic is logged once per reason. The time in which a topic is not
 * subscribed to is a gap (P4).
 */
export class RejectedTopics extends Map<string, string> {
  private readonly context: Pick<ProtocolContext, 'log' | 'recordGap'>;
  /** Epoch milliseconds since which each topic is not subscribed to. */
  private readonly sinceMs = new Map<string, number>();
  /** Topics that are never asked for. */
  private excluded: ReadonlySet<string> = new Set();

  constructor(context: Pick<ProtocolContext, 'log' | 'recordGap'>) {
    super();
    this.context = context;
  }

  /**
   * Record an answer.
   *
   * @param asked - the topics of the request; one that the answer does not name is not subscribed to
   * @param outcomes - per topic why it was rejected, or undefined if it is permitted
   * @param isWhole - whether the request covers all topics of the channel
   */
  learn(asked: readonly string[], outcomes: ReadonlyMap<string, string | undefined>, isWhole: boolean): void {
    const known = new Map(this);
    const all = new Map<string, string | undefined>([
      ...asked.filter((topic) => !outcomes.has(topic)).map((topic) => [topic, NOT_NAMED] as const),
      // The answer lists the parts of a combined topic only if they are rejected.
      ...asked.flatMap(partsOf).map((part) => [part, undefined] as const),
      ...outcomes,
    ]);
    this.recordGaps();
    if (isWhole) for (const topic of known.keys()) if (!this.excluded.has(topic)) this.delete(topic);
    for (const [topic, reason] of all) {
      if (reason === undefined) {
        this.delete(topic);
        continue;
      }
      this.set(topic, reason);
      if (known.get(topic) !== reason)
        this.context.log.warn('Genesys Cloud rejected a topic; its events do not arrive', { topic, reason });
    }
    this.track();
  }

  /** Replace the topics that are not asked for, because no channel has room for them. */
  exclude(topics: readonly string[], reason: string): void {
    const previous = this.excluded;
    this.recordGaps();
    for (const topic of previous) this.delete(topic);
    for (const topic of topics) this.set(topic, reason);
    this.excluded = new Set(topics);
    if (topics.some((topic) => !previous.has(topic)))
      this.context.log.error('topics are not subscribed to', { count: topics.length, reason });
    this.track();
  }

  /** Record the gaps up to now. A gap that continues is recorded again, with a later end. */
  recordGaps(): void {
    const toMs = Date.now();
    for (const [fromMs, entries] of Map.groupBy(this.sinceMs, ([, sinceMs]) => sinceMs)) {
      if (fromMs < toMs)
        this.context.recordGap({
          topics: entries.map(([topic]) => topic),
          fromMs,
          toMs,
          reason: 'topic rejected',
        });
    }
  }

  private track(): void {
    for (const topic of this.sinceMs.keys()) if (!this.has(topic)) this.sinceMs.delete(topic);
    for (const topic of this.keys()) if (!this.sinceMs.has(topic)) this.sinceMs.set(topic, Date.now());
  }
}
