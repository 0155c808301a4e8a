import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import type { BatchReport } from '../../functions/consumer/batch-report.ts';

/** Sums over all batches of the consumer. */
export class ConsumerTotals {
  published = 0;
  duplicates = 0;
  /** The duplicates by protocol. */
  readonly dropped = new Map<string, number>();
  quarantined = 0;
  /** Killed invocations. */
  crashes = 0;

  addBatch({ published, duplicates, quarantined }: BatchReport): void {
    this.published += published.length;
    this.duplicates += duplicates.length;
    this.quarantined += quarantined;
    for (const { protocol } of duplicates) this.dropped.set(protocol, (this.dropped.get(protocol) ?? 0) + 1);
  }

  addInvocation({ outcome }: Invocation): void {
    if (outcome.kind === 'crash') this.crashes++;
  }
}
