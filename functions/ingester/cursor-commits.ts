import type { Log } from '../../lib/aws/logger.ts';
import type { Session } from './protocols/stream-protocol.ts';

/** A cursor, the session that received it, and the position of the last item before it. */
interface PendingCursor {
  readonly session: Session;
  readonly value: string;
  readonly position: number;
}

/**
 * Commits the cursors of one subscription once SQS has accepted every item before them: one commit at a time, always
 * the newest cursor that may be committed. Bounded by the number of items that SQS has not accepted yet.
 */
export class CursorCommits {
  private readonly log: Log;
  /** Ordered by position, at most one per position. */
  private readonly pending: PendingCursor[] = [];
  private acceptedPosition = 0;
  private committing: Promise<void> | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  /** @param position - position of the last item read before the cursor */
  add(session: Session, value: string, position: number): void {
    if (this.pending.at(-1)?.position === position) this.pending.pop();
    this.pending.push({ session, value, position });
  }

  /** Cursors that are waiting to be committed. */
  get size(): number {
    return this.pending.length;
  }

  /** SQS has accepted every item up to the position. */
  commitUpTo(position: number): void {
    this.acceptedPosition = position;
    const due = this.takeDue();
    if (!due) return;
    // A commit can take a long time. Meanwhile, only the newest cursor that may be committed is kept.
    if (this.committing) this.pending.unshift(due);
    else this.committing = this.commit(due);
  }

  /** Settles when the commit in progress is done. */
  async settled(): Promise<void> {
    await this.committing;
  }

  private async commit(first: PendingCursor): Promise<void> {
    for (let next: PendingCursor | undefined = first; next; next = this.takeDue()) {
      try {
        await next.session.commit?.(next.value);
      } catch (error) {
        // The next cursor supersedes this one. Until then, a restarted task reads these events again, as copies.
        this.log.warn('a cursor could not be stored', { error });
      }
    }
    this.committing = undefined;
  }

  /** Remove the cursors that may be committed. Returns the newest of them. */
  private takeDue(): PendingCursor | undefined {
    const next = this.pending.findIndex(({ position }) => position > this.acceptedPosition);
    return this.pending.splice(0, next === -1 ? this.pending.length : next).at(-1);
  }
}
