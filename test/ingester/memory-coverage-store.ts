import type {
  CoverageProof,
  CoverageStore,
  CoveredSpan,
  Gap,
} from '../../functions/ingester/coverage-store.ts';

/** A record in the order in which it was written. */
export type WrittenRecord =
  | { readonly kind: 'topics'; readonly topics: readonly string[] }
  | { readonly kind: 'gap'; readonly gap: Gap; readonly task: string }
  | { readonly kind: 'proof'; readonly proof: CoverageProof }
  | { readonly kind: 'span'; readonly span: CoveredSpan }
  | { readonly kind: 'deletion'; readonly task: string; readonly subscription: string };

/** The coverage part of a state table, in memory. Several tasks can share it. */
export class MemoryCoverageStore implements CoverageStore {
  /** Everything that was written, in order. */
  readonly written: WrittenRecord[] = [];
  /** Number of attempts to write, including those that failed. */
  attempts = 0;
  /** Throws or waits before a write. */
  beforeWrite: (kind: WrittenRecord['kind']) => Promise<void> | void = () => {};
  /** Throws or waits before the proofs are read. */
  beforeRead: () => Promise<void> | void = () => {};
  private readonly topics = new Map<string, readonly string[]>();
  private readonly gapsByKey = new Map<string, Gap>();
  private readonly spansByKey = new Map<string, CoveredSpan>();
  private readonly proofsByKey = new Map<string, CoverageProof>();

  async putTopics(id: string, topics: readonly string[]): Promise<void> {
    await this.write({ kind: 'topics', topics });
    this.topics.set(id, topics);
  }

  async putGap(gap: Gap, task: string): Promise<void> {
    await this.write({ kind: 'gap', gap, task });
    this.gapsByKey.set([gap.fromMs, task, gap.subscription, gap.topicsId].join('#'), gap);
  }

  async putProof(proof: CoverageProof): Promise<void> {
    await this.write({ kind: 'proof', proof });
    this.proofsByKey.set(`${proof.task}#${proof.subscription}`, proof);
  }

  async putSpan(span: CoveredSpan): Promise<void> {
    await this.write({ kind: 'span', span });
    this.spansByKey.set([span.fromMs, span.task, span.subscription, span.topicsId].join('#'), span);
  }

  async deleteProof({ task, subscription }: CoverageProof): Promise<void> {
    await this.write({ kind: 'deletion', task, subscription });
    this.proofsByKey.delete(`${task}#${subscription}`);
  }

  async proofs(): Promise<readonly CoverageProof[]> {
    await this.beforeRead();
    return [...this.proofsByKey.values()];
  }

  /** What tasks covered, including what has not ended. */
  get spans(): CoveredSpan[] {
    const current = [...this.proofsByKey.values()].flatMap(
      ({ task, subscription, covering, coveredUntilMs }) =>
        covering ? [{ task, subscription, ...covering, toMs: coveredUntilMs }] : [],
    );
    return [...this.spansByKey.values(), ...current];
  }

  /** The gap records. */
  get gaps(): Gap[] {
    return [...this.gapsByKey.values()];
  }

  /** The gap records without the reference to their topics. */
  get intervals(): Omit<Gap, 'topicsId'>[] {
    return this.gaps.map(({ topicsId: _, ...interval }) => interval);
  }

  /** The topics that a gap record refers to. */
  topicsOf({ topicsId: id }: Pick<Gap, 'topicsId'>): readonly string[] | undefined {
    return this.topics.get(id);
  }

  /** The stored proof of a subscription of a task. */
  proof(task: string, subscription = '0'): CoverageProof | undefined {
    return this.proofsByKey.get(`${task}#${subscription}`);
  }

  /** Whether any task has ever stored a proof. */
  get hadProof(): boolean {
    return this.written.some(({ kind }) => kind === 'proof');
  }

  private async write(record: WrittenRecord): Promise<void> {
    this.attempts++;
    await this.beforeWrite(record.kind);
    this.written.push(record);
  }
}
