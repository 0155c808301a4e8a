import type { CoverageOptions } from './coverage-options.ts';
import { type CoverageProof, endProof, type Gap, topicsId } from './coverage-store.ts';
import { CoverageWriter } from './coverage-writer.ts';
import { OpenGap } from './open-gap.ts';
import type { TopicsGap } from './protocols/stream-protocol.ts';
import { StartGaps } from './start-gaps.ts';
import { noteServed, type SubscriptionCoverage, withTopics } from './subscription-coverage.ts';

/** Interval of stored proofs: a process that is killed loses at most this much coverage. */
export const PROOF_INTERVAL_MS = 10_000;
/** A proof that is older belongs to a task that has ended. */
export const PROOF_STALE_MS = 3 * PROOF_INTERVAL_MS;

/**
 * Records every interval of a term in which a subscription was not covered (P4). A term is the time in which a task
 * sends what it reads. What is proven is stored regularly and at every change, so that the next term knows where its gap
 * begins.
 */
export class Coverage {
  /** Gaps that ended since the start of the term, and their length. */
  readonly totals = { gaps: 0, gapSeconds: 0 };
  private readonly options: CoverageOptions;
  private readonly writer: CoverageWriter;
  private readonly subscriptions = new Map<string, SubscriptionCoverage>();
  /** No longer wanted; their last gap can follow. */
  private readonly ended = new Map<string, SubscriptionCoverage>();
  private readonly starts: StartGaps | undefined;
  /** Proofs of ended tasks, by subscription, until a proof of this task is stored. */
  private readonly replaced = new Map<string, readonly CoverageProof[]>();
  private readonly timer: NodeJS.Timeout;
  /** Epoch milliseconds at which the task began to stop. */
  private stoppingAtMs: number | undefined;

  constructor(options: CoverageOptions) {
    const { log, task, store, known } = options;
    this.options = options;
    this.writer = new CoverageWriter(log);
    this.starts = store && new StartGaps({ store, task, log, staleMs: PROOF_STALE_MS, known });
    this.timer = setInterval(() => this.prove(), PROOF_INTERVAL_MS);
  }

  /** Records that the state table has not accepted yet. */
  get pendingRecords(): number {
    return this.writer.size;
  }

  /** Whether everything up to now is in the state table. */
  get isRecorded(): boolean {
    return this.writer.size === 0 && !this.starts?.size;
  }

  /** A subscription has these topics from now on, or since `servedSinceMs`. */
  watch(subscription: string, topics: readonly string[], servedSinceMs?: number): void {
    const known = this.subscriptions.get(subscription);
    const changed = withTopics(known, topics);
    if (known?.topicsId === changed.topicsId) return;
    this.subscriptions.set(subscription, changed);
    this.storeTopics(changed.topicsId, topics);
    this.noteServed(subscription, changed, servedSinceMs);
  }

  /** A subscription has had no live connection since `fromMs`. */
  onUncovered(subscription: string, fromMs: number, reason: string): void {
    const known = this.subscriptions.get(subscription);
    // Stryker disable next-line ConditionalExpression: a task reports only what it watches, each gap once
    if (!known) return;
    known.gap = new OpenGap(fromMs, reason);
    this.prove();
  }

  /** A subscription has had a live connection since `atMs`. */
  onCovered(subscription: string, atMs: number): void {
    const known = this.subscriptions.get(subscription);
    // Stryker disable next-line ConditionalExpression: see onUncovered
    if (!known) return;
    this.endGap(subscription, known, atMs);
    if (!known.wasCovered) {
      known.wasCovered = true;
      this.starts?.add(subscription, atMs);
    }
    this.prove();
  }

  /** A subscription is no longer wanted. If it was not covered, its gap ends now. */
  forget(subscription: string): void {
    const known = this.subscriptions.get(subscription);
    if (!known) return;
    this.endGap(subscription, known, Date.now());
    known.spans.end(Date.now());
    this.storeProof(subscription, known, true);
    this.subscriptions.delete(subscription);
    this.ended.set(subscription, known);
    this.starts?.delete(subscription);
  }

  /** Record an interval whose events may be lost although a connection was live. */
  add(gap: Omit<Gap, 'topicsId'>): void {
    const { subscription, fromMs, toMs } = gap;
    this.totals.gaps++;
    this.totals.gapSeconds += Math.max(0, toMs - fromMs) / 1000;
    this.options.log.warn('gap', {
      ...gap,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    });
    const { store, task } = this.options;
    const known = this.subscriptions.get(subscription) ?? this.ended.get(subscription);
    known?.spans.cut(fromMs);
    if (!store) return;
    const parts = known?.periods.split(gap) ?? [{ ...gap, topicsId: '' }];
    for (const part of parts)
      this.record(`gap#${part.fromMs}#${this.totals.gaps}`, part, (whole) => store.putGap(whole, task));
  }

  /** Record an interval in which single topics were not served. */
  addForTopics(subscription: string, { topics, fromMs, toMs, reason }: TopicsGap): void {
    const id = topicsId(topics);
    const { store, task } = this.options;
    const gap = { subscription, topicsId: id, fromMs, toMs, reason };
    if (!store) return;
    this.storeTopics(id, topics);
    // Recorded again while it continues; only the last end is written.
    this.record(`gap#${fromMs}#${subscription}#${id}`, gap, (whole) => store.putGap(whole, task));
  }

  /** The task stops sending: nothing is covered from `atMs` on. */
  stopping(atMs = Date.now()): void {
    this.stoppingAtMs ??= atMs;
  }

  /** End open gaps, store the last proofs, and wait until everything is written. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.decideStarts(true);
    for (const [subscription, known] of this.subscriptions) this.endGap(subscription, known, Date.now());
    // After all gaps, because each stores proofs that are not final.
    for (const [subscription, known] of this.subscriptions) this.storeProof(subscription, known, true);
    await this.writer.drain();
  }

  /** Stop writing. Records that are not written are in the log. */
  abandon(): void {
    clearInterval(this.timer);
    this.writer.stop();
  }

  /** Store what is proven now. */
  private prove(): void {
    this.storeProofs();
    void this.decideStarts(false);
  }

  private endGap(subscription: string, known: SubscriptionCoverage, atMs: number): void {
    const { gap } = known;
    known.gap = undefined;
    if (gap) this.add({ subscription, ...gap.endAt(atMs), reason: gap.reason });
  }

  /** Write a gap. The waiting proofs go behind it, because they are computed when written. */
  private record(name: string, gap: Gap, put: (gap: Gap) => Promise<void>): void {
    this.writer.addGap(name, gap, put);
    this.storeProofs();
  }

  private storeTopics(id: string, topics: readonly string[]): void {
    const { store } = this.options;
    if (store) this.writer.add(`topics#${id}`, () => store.putTopics(id, topics));
  }

  private noteServed(subscription: string, known: SubscriptionCoverage, sinceMs?: number): void {
    const changed = noteServed(known, this.options.sources.servedTopics(subscription), sinceMs);
    if (changed && changed.id !== known.topicsId) this.storeTopics(changed.id, changed.topics);
  }

  private storeProofs(): void {
    for (const [subscription, known] of this.subscriptions) this.storeProof(subscription, known, false);
  }

  private storeProof(subscription: string, known: SubscriptionCoverage, isFinal: boolean): void {
    const { store, task } = this.options;
    this.noteServed(subscription, known);
    // While the gap before the first connection is not recorded, the next process has to find it.
    // Stryker disable next-line OptionalChaining: with a store there are starts
    if (!store || !known.wasCovered || this.starts?.has(subscription)) return;
    this.writer.add(`proof#${subscription}`, async () => {
      const storedAtMs = Date.now();
      const covering = known.spans.current;
      const coveredUntilMs = isFinal
        ? (this.stoppingAtMs ?? storedAtMs)
        : this.coveredUntilMs(subscription, storedAtMs);
      await known.spans.store(coveredUntilMs, (span) => store.putSpan({ task, subscription, ...span }));
      await store.putProof({ task, subscription, coveredUntilMs, covering, storedAtMs, isFinal });
      for (const proof of this.replaced.get(subscription) ?? [])
        this.writer.add(`ended#${proof.task}#${subscription}`, () => endProof(store, proof));
      this.replaced.delete(subscription);
    });
  }

  private coveredUntilMs(subscription: string, nowMs: number): number {
    // Stryker disable next-line OptionalChaining: the last proof of a forgotten subscription is final
    const gap = this.subscriptions.get(subscription)?.gap;
    const proofs = [
      gap?.fromMs,
      this.options.sources.readUntilMs(subscription),
      this.options.sources.oldestUnsentMs(),
      this.stoppingAtMs,
    ];
    return Math.min(nowMs, ...proofs.filter((proof) => proof !== undefined));
  }

  /** Record the time before this task's first connections as gaps, where no other task covered it. */
  private async decideStarts(isLast: boolean): Promise<void> {
    const { starts } = this;
    if (!starts) return;
    for (const { subscription, gap, ended } of await starts.decide(isLast)) {
      this.replaced.set(subscription, ended);
      if (gap) this.add({ subscription, ...gap, reason: 'no task was connected' });
      this.storeProofs();
    }
  }
}
