import { vi } from 'vitest';
import type { CoverageStore } from '../../functions/ingester/coverage-store.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { TestLog } from './test-log.ts';

/** Topics of the subscription `0`. */
export const WATCHED_TOPICS: readonly string[] = ['v2.users.a.presence', 'v2.users.b.presence'];

/** The coverage of one process with the subscription `0`, under fake timers. */
export class CoverageTask {
  readonly log = new TestLog();
  readonly coverage: TaskCoverage;
  /** The last proof of life; by default the connection is alive now. */
  readUntilMs: () => number | undefined = () => Date.now();
  oldestUnsentMs: number | undefined;
  /** What the connection delivers; undefined without a connection. */
  served: readonly string[] | undefined;

  constructor(task: string, store: CoverageStore | undefined) {
    this.coverage = new TaskCoverage({
      log: this.log,
      sources: {
        readUntilMs: () => this.readUntilMs(),
        servedTopics: (subscription) => (subscription === '0' ? this.served : undefined),
        oldestUnsentMs: () => this.oldestUnsentMs,
      },
    });
    this.coverage.lead({ task, store });
    this.coverage.watch('0', WATCHED_TOPICS);
  }

  /** Connect now. */
  async cover(): Promise<void> {
    this.served ??= WATCHED_TOPICS;
    this.coverage.onCovered('0', Date.now());
    await pass();
  }

  /** Stop gracefully; the sockets take some time to close. */
  async stop(closingMs = 0): Promise<void> {
    this.coverage.stopping();
    await pass(closingMs);
    const closing = this.coverage.close();
    await pass();
    await closing;
  }

  /** End the process without any code being run. */
  kill(): void {
    this.coverage.abandon();
  }
}

/** Let fake time pass; without an argument only what is due now happens. */
export async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
