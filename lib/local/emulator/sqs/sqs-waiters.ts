import { sqsError } from './sqs-errors.ts';

/** Maximum number of long polls that wait on a queue. */
const MAX_WAITING_RECEIVES = 1_000;

/** The callers that wait until a queue is empty. */
export class EmptyWaiters {
  private readonly waiting = new Set<() => void>();

  /** Resolves at the next {@link wake}, or when the signal aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        signal?.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      this.waiting.add(done);
    });
  }

  wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

/** The long polls that wait on a queue. */
export class Waiters {
  private readonly waiting = new Set<() => void>();

  get count(): number {
    return this.waiting.size;
  }

  /** Resolves at the next {@link wake}, at a time in ms, or when the signal aborts, whichever comes first. */
  async wait(untilMs: number, signal?: AbortSignal): Promise<void> {
    if (this.waiting.size >= MAX_WAITING_RECEIVES)
      throw sqsError('OverLimit', `The emulator holds at most ${MAX_WAITING_RECEIVES} long polls per queue.`);
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, untilMs - Date.now()));
      signal?.addEventListener('abort', done);
      this.waiting.add(done);
    });
  }

  /** Ends every wait, oldest first. */
  wake(): void {
    for (const done of [...this.waiting]) done();
  }
}
