import type { Log } from '../../lib/aws/logger.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { Coverage } from './coverage.ts';
import type { CoverageOptions, CoverageSources, Term } from './coverage-options.ts';
import { type Gap, topicsId } from './coverage-store.ts';
import { type LiveIn, liveIn } from './live-in.ts';
import { OpenGap } from './open-gap.ts';
import { EndedGaps, type OwnGap } from './own-gaps.ts';
import type { TopicsGap } from './protocols/stream-protocol.ts';
import {
  type LongestGap,
  longestGap,
  noteServed,
  type SubscriptionCoverage,
  withTopics,
} from './subscription-coverage.ts';

/**
 * Coverage of this task's connections. While it leads a term, that is recorded; while it follows, it shows which
 * part of the leader's gaps this task can fill.
 */
export class TaskCoverage {
  private readonly log: Log;
  private readonly sources: CoverageSources;
  private readonly subscriptions = new Map<string, SubscriptionCoverage>();
  private readonly ended = new EndedGaps();
  private term: Coverage | undefined;
  private continuesAtMs: number | undefined;
  /** Terms whose last records are being written. */
  private readonly closing = new Set<Coverage>();
  private readonly earlier = { gaps: 0, gapSeconds: 0 };
  private stoppingAtMs: number | undefined;
  /** Called when a gap begins or ends. */
  onGap: () => void = () => {};

  constructor({ log, sources }: Pick<CoverageOptions, 'log' | 'sources'>) {
    this.log = log;
    this.sources = sources;
  }

  /** Gaps of this task's terms that ended, and their length. */
  get totals(): { gaps: number; gapSeconds: number } {
    const { gaps = 0, gapSeconds = 0 } = this.term?.totals ?? {};
    return { gaps: this.earlier.gaps + gaps, gapSeconds: this.earlier.gapSeconds + gapSeconds };
  }

  /** Records that are not stored yet. */
  get pendingRecords(): number {
    return [...this.terms()].reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
  }

  /** Whether every gap is in the state table. */
  get isRecorded(): boolean {
    return this.term?.isRecorded ?? false;
  }

  /** Everything that the servers sent before has been read, except for {@link gaps}. Epoch milliseconds. */
  get readUntilMs(): number {
    const read = [...this.subscriptions].flatMap(([name, { gap, wasCovered }]) =>
      wasCovered && !gap ? (this.sources.readUntilMs(name) ?? []) : [],
    );
    return Math.min(Date.now(), this.stoppingAtMs ?? Date.now(), ...read);
  }

  /** The gaps of this task's connections that are open or ended recently. */
  get gaps(): readonly OwnGap[] {
    const { continuesAtMs } = this;
    const open = [...this.subscriptions].flatMap(([subscription, known]): OwnGap[] => {
      const about = { subscription, topicsId: servedId(known) };
      if (known.gap) return [{ ...about, fromMs: known.gap.fromMs, reason: known.gap.reason }];
      if (known.wasCovered || continuesAtMs === undefined) return [];
      return [{ ...about, fromMs: continuesAtMs, reason: 'not connected yet' }];
    });
    return [...this.ended.all, ...open];
  }

  /** A subscription has these topics from now on. */
  watch(subscription: string, topics: readonly string[]): void {
    const known = withTopics(this.subscriptions.get(subscription), topics);
    this.subscriptions.set(subscription, known);
    noteServed(known, this.sources.servedTopics(subscription));
    this.term?.watch(subscription, topics);
  }

  /** Whether each of these subscriptions is covered now. */
  isComplete(subscriptions: Iterable<string>): boolean {
    return [...subscriptions].every((name) => {
      const known = this.subscriptions.get(name);
      return known?.wasCovered && !known.gap;
    });
  }

  /** Whether each of these has been covered at least once. */
  wasComplete(subscriptions: Iterable<string>): boolean {
    return [...subscriptions].every((name) => this.subscriptions.get(name)?.wasCovered);
  }

  /** The oldest open gap of all, or only of these. */
  longestOpenGap(only?: string[]): LongestGap | undefined {
    return longestGap(this.subscriptions, only);
  }

  /** A subscription has had no live connection since `fromMs`. */
  onUncovered(subscription: string, fromMs: number, reason: string): void {
    const known = this.subscriptions.get(subscription);
    if (!known || known.gap) return;
    known.gap = new OpenGap(fromMs, reason);
    this.term?.onUncovered(subscription, fromMs, reason);
    this.onGap();
  }

  /** A subscription has had a live connection since `atMs`. */
  onCovered(subscription: string, atMs: number): void {
    const known = this.subscriptions.get(subscription);
    if (!known) return;
    const { gap } = known;
    known.gap = undefined;
    if (gap) this.remember({ subscription, fromMs: gap.fromMs, toMs: atMs, reason: gap.reason });
    else if (!known.wasCovered && this.continuesAtMs !== undefined)
      this.remember({ subscription, fromMs: this.continuesAtMs, toMs: atMs, reason: 'not connected yet' });
    known.wasCovered = true;
    noteServed(known, this.sources.servedTopics(subscription), atMs);
    this.term?.onCovered(subscription, atMs);
  }

  /** A subscription is no longer wanted. */
  forget(subscription: string): void {
    this.subscriptions.delete(subscription);
    this.term?.forget(subscription);
  }

  /** An interval has passed whose events may be lost although a connection was live. */
  add(gap: Omit<Gap, 'topicsId'>): void {
    this.remember(gap);
    if (this.term) this.term.add(gap);
    else this.log.info('a gap of the standby', { ...gap });
  }

  /** The server did not serve some topics in an interval. */
  addForTopics(subscription: string, gap: TopicsGap): void {
    this.term?.addForTopics(subscription, gap);
  }

  /** The server did not deliver sequence numbers, both inclusive, after `sinceMs`. Their time ends now. */
  addSequenceGap(subscription: string, from: number, to: number, sinceMs?: number): void {
    const nowMs = Date.now();
    const fromMs = sinceMs ?? this.sources.readUntilMs(subscription) ?? nowMs;
    const reason = `${to - from + 1} events not delivered: sequence numbers ${from} to ${to}`;
    this.add({ subscription, fromMs: Math.min(fromMs, nowMs), toMs: nowMs, reason });
  }

  /** See {@link liveIn}. */
  servedIn(id: string, interval: Interval): LiveIn | undefined {
    this.noteServed();
    const { subscriptions, ended, sources } = this;
    return liveIn(id, interval, { subscriptions, ended, readUntilMs: sources.readUntilMs });
  }

  /** Since when the topics that a subscription serves are the same, in epoch milliseconds; undefined before that. */
  servedSinceMs(subscription: string): number | undefined {
    this.noteServed();
    return this.subscriptions.get(subscription)?.spans.current?.fromMs;
  }

  /** Since when all connections are live (epoch milliseconds); infinity if one is not. */
  get liveSinceMs(): number {
    const since = [...this.subscriptions.keys()].flatMap((name) => [
      (this.isComplete([name]) && this.servedSinceMs(name)) || Number.POSITIVE_INFINITY,
      ...this.ended.of(name).map(({ toMs }) => toMs),
    ]);
    return Math.max(0, ...since);
  }

  /** Begin a term: what is read from now on is sent. */
  lead({ task, store, known, fromMs: sinceMs = Date.now(), continuesAtMs }: Term): void {
    const { log, sources } = this;
    const term = new Coverage({ log, sources, task, store, known });
    this.term = term;
    this.continuesAtMs = continuesAtMs;
    for (const [name, { topics, wasCovered, gap }] of this.subscriptions) {
      const startMs = Math.max(sinceMs, this.servedSinceMs(name) ?? 0);
      term.watch(name, topics, startMs);
      if (!wasCovered) continue;
      term.onCovered(name, startMs);
      this.ended.forgetBefore(name, startMs);
      for (const { fromMs, toMs, reason } of this.ended.of(name))
        term.add({ subscription: name, fromMs: Math.max(fromMs, startMs), toMs, reason });
      if (gap) term.onUncovered(name, Math.max(gap.fromMs, startMs), gap.reason);
      // The term records this gap itself. Another standby may fill it.
      if (continuesAtMs !== undefined && continuesAtMs < startMs)
        this.remember({
          subscription: name,
          fromMs: continuesAtMs,
          toMs: startMs,
          reason: 'not connected yet',
        });
    }
  }

  /**
   * End the term: what is read from now on is not sent.
   *
   * @param sent - settles when everything that was read before is in SQS
   */
  follow(sent: Promise<unknown>): void {
    const { term } = this;
    if (!term) return;
    const read = [...this.subscriptions.keys()].map((name) => this.sources.readUntilMs(name) ?? Date.now());
    term.stopping(Math.min(Date.now(), ...read));
    this.term = undefined;
    this.continuesAtMs = undefined;
    this.earlier.gaps += term.totals.gaps;
    this.earlier.gapSeconds += term.totals.gapSeconds;
    this.closing.add(term);
    void sent.then(() => term.close()).then(() => this.closing.delete(term));
  }

  /** The process stops: nothing is covered from now on. */
  stopping(): void {
    this.stoppingAtMs ??= Date.now();
    this.term?.stopping();
  }

  /** End open gaps, store the last proofs, and wait until everything is written. */
  async close(): Promise<void> {
    await Promise.all([...this.terms()].map((term) => term.close()));
  }

  /** Stop writing. Unwritten records are in the log. */
  abandon(): void {
    for (const term of this.terms()) term.abandon();
  }

  private *terms(): Iterable<Coverage> {
    yield* this.closing;
    if (this.term) yield this.term;
  }

  private noteServed(): void {
    for (const [name, known] of this.subscriptions) noteServed(known, this.sources.servedTopics(name));
  }

  private remember({ subscription, fromMs, toMs, reason }: Omit<Gap, 'topicsId'>): void {
    const known = this.subscriptions.get(subscription);
    if (!known) return;
    this.ended.add({ subscription, topicsId: servedId(known), fromMs, toMs, reason });
    this.onGap();
  }
}

function servedId({ spans, topics }: SubscriptionCoverage): string {
  return spans.current?.topicsId ?? topicsId(topics);
}
