import type { Log } from '../../lib/aws/logger.ts';
import type { CoverageProof, CoverageStore } from './coverage-store.ts';

/** What preceded the first connection of a subscription. */
export interface StartDecision {
  readonly subscription: string;
  /** The time before that no task covered, in epoch milliseconds. */
  readonly gap?: { readonly fromMs: number; readonly toMs: number };
  /** Proofs of tasks that have ended. */
  readonly ended: readonly CoverageProof[];
}

/**
 * Finds the gap before a task's first connection: from the latest proof of any task. While the proof of another task is
 * recent, that task may still cover the time, so the decision waits for its next proofs.
 */
export class StartGaps {
  private readonly store: CoverageStore;
  private readonly task: string;
  private readonly log: Log;
  private readonly staleMs: number;
  private readonly known: (proof: CoverageProof) => CoverageProof;
  /** Epoch milliseconds of the first connection, by subscription. */
  private readonly undecided = new Map<string, number>();

  /**
   * @param staleMs - a proof that was not stored for this long belongs to a task that has ended
   * @param known - adds to a proof what its task has proven elsewhere
   */
  constructor(options: {
    store: CoverageStore;
    task: string;
    log: Log;
    staleMs: number;
    known?: ((proof: CoverageProof) => CoverageProof) | undefined;
  }) {
    this.store = options.store;
    this.task = options.task;
    this.log = options.log;
    this.staleMs = options.staleMs;
    this.known = options.known ?? ((proof) => proof);
  }

  /** Decisions that are still open. */
  get size(): number {
    return this.undecided.size;
  }

  /** Whether the decision about a subscription is still open. */
  has(subscription: string): boolean {
    return this.undecided.has(subscription);
  }

  /** The first connection of a subscription became ready at `atMs`. */
  add(subscription: string, atMs: number): void {
    this.undecided.set(subscription, atMs);
  }

  /** The subscription is no longer wanted. */
  delete(subscription: string): void {
    this.undecided.delete(subscription);
  }

  /** @param isLast - the process stops: nothing can wait */
  async decide(isLast: boolean): Promise<readonly StartDecision[]> {
    if (this.undecided.size === 0) return [];
    try {
      const proofs = (await this.store.proofs()).filter(({ task }) => task !== this.task).map(this.known);
      const decisions = [...this.undecided]
        .map(([subscription, coveredAtMs]) => {
          const others = proofs.filter((proof) => isOf(proof, subscription));
          return this.decideOne(subscription, coveredAtMs, others, isLast);
        })
        .filter((decision) => decision !== undefined);
      for (const { subscription } of decisions) this.undecided.delete(subscription);
      return decisions;
    } catch (error) {
      this.log.error('the proofs of coverage could not be read; retrying', { error });
      // Stryker disable next-line ArrayDeclaration: a text in the list has no subscription, so that nothing is recorded
      return [];
    }
  }

  private decideOne(
    subscription: string,
    coveredAtMs: number,
    others: readonly CoverageProof[],
    isLast: boolean,
  ): StartDecision | undefined {
    const ended = others.filter(
      ({ isFinal, storedAtMs }) => isFinal || Date.now() - storedAtMs >= this.staleMs,
    );
    const latestMs = Math.max(0, ...others.map(({ coveredUntilMs }) => coveredUntilMs));
    if (latestMs === 0 || latestMs >= coveredAtMs) return { subscription, ended };
    if (ended.length < others.length && !isLast) return undefined;
    return { subscription, gap: { fromMs: latestMs, toMs: coveredAtMs }, ended };
  }
}

/** Earlier versions had one protocol, and stored the names of its subscriptions without it. */
function isOf({ subscription }: CoverageProof, key: string): boolean {
  return subscription === key || `notification-channels/${subscription}` === key;
}
