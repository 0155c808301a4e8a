import { partsOf } from '../../../../lib/genesys/combined-topics.ts';
import type { ProtocolContext } from '../stream-protocol.ts';

/** The reason for a topic that is not subscribed to and not mentioned in the response. */
const NOT_NAMED = 'the answer does not name the topic';

/**
 * Topics that are not subscribed to on one channel, and the reasons. For each topic, that time is a gap (P4).
 */
export class RejectedTopics extends Map<string, string> {
  private readonly context: Pick<ProtocolContext, 'log' | 'recordGap'>;
  /** The time since which each topic has not been subscribed to, in epoch milliseconds. */
  private readonly sinceMs = new Map<string, number>();
  /** The same topics, with the single topics of combined ones. */
  private names: ReadonlySet<string> = new Set();
  /** The reasons that have been logged, by topic. */
  private readonly logged: Map<string, string>;

  /** @param logged - shared by the channels that serve the same topics, so that each topic is logged once per reason */
  constructor(context: Pick<ProtocolContext, 'log' | 'recordGap'>, logged = new Map<string, string>()) {
    super();
    this.context = context;
    this.logged = logged;
  }

  /** Whether events with this topic name do not arrive. */
  concerns(topicName: string): boolean {
    return this.names.has(topicName);
  }

  /**
   * Record a response.
   *
   * @param asked - the topics of the request. A topic that the response does not name is not subscribed to.
   * @param outcomes - for each topic, why it was rejected, or undefined if it is permitted
   * @param isWhole - whether the request covers all topics of the channel
   */
  learn(asked: readonly string[], outcomes: ReadonlyMap<string, string | undefined>, isWhole: boolean): void {
    const all = new Map<string, string | undefined>([
      ...asked.filter((topic) => !outcomes.has(topic)).map((topic) => [topic, NOT_NAMED] as const),
      // The response lists the parts of a combined topic only if they are rejected.
      ...asked.flatMap(partsOf).map((part) => [part, undefined] as const),
      ...outcomes,
    ]);
    this.recordGaps();
    if (isWhole) this.clear();
    for (const [topic, reason] of all) {
      if (reason === undefined) {
        this.delete(topic);
        this.logged.delete(topic);
        continue;
      }
      this.set(topic, reason);
      if (this.logged.get(topic) !== reason)
        this.context.log.warn('Genesys Cloud rejected a topic; its events do not arrive', { topic, reason });
      this.logged.set(topic, reason);
    }
    this.track();
  }

  /** Replace all topics with topics that are not requested. */
  exclude(topics: readonly string[], reason: string): void {
    const hasMore = topics.some((topic) => !this.has(topic));
    this.recordGaps();
    this.clear();
    for (const topic of topics) this.set(topic, reason);
    if (hasMore) this.context.log.error('topics are not subscribed to', { count: topics.length, reason });
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
    this.names = new Set([...this.keys()].flatMap((topic) => [topic, ...partsOf(topic)]));
    for (const topic of this.sinceMs.keys()) if (!this.has(topic)) this.sinceMs.delete(topic);
    for (const topic of this.keys()) if (!this.sinceMs.has(topic)) this.sinceMs.set(topic, Date.now());
  }
}
