import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';

/** Items of a finished invocation are kept for this long. AWS keeps them for days. */
const KEEP_MS = 120_000;
/** Items of an invocation that returned messages are kept for this long, because the messages are delivered again. */
const KEEP_RETURNED_MS = 600_000;
/** With more items, the oldest are deleted earlier. */
const MAX_KEPT_ITEMS = 250_000;
/** Keys in the bodies of the calls to the table: strings such as `event#<id>`. */
const KEY = /"S":"([a-z]+#[^"]+)"/g;
const DYNAMODB_PREFIX = 'DynamoDB_20120810.';

interface Kept {
  readonly keys: readonly string[];
  readonly atMs: number;
}

/**
 * Deletes old claims and markers from the local claims table, as TTL does in AWS after days, so that the memory of a
 * local run is bounded. Copies of an event arrive within seconds, and redeliveries within the visibility timeout.
 */
export class LocalDedupWindow {
  private readonly deleteItem: (pk: string) => void;
  private readonly now: () => number;
  private readonly finished: Kept[] = [];
  private readonly returned: Kept[] = [];
  private keptItems = 0;
  private shortestMs = KEEP_MS;

  constructor(deleteItem: (pk: string) => void, now: () => number = Date.now) {
    this.deleteItem = deleteItem;
    this.now = now;
  }

  /** Minimum time for which an item was kept. */
  get shortestWindowMs(): number {
    return this.shortestMs;
  }

  /** Remembers the items that an invocation used, and deletes expired ones. */
  onInvocation({
    calls,
    outcome,
    failedMessageIds,
  }: Pick<Invocation, 'calls' | 'outcome' | 'failedMessageIds'>): void {
    const keys = [
      ...new Set(
        calls
          .filter(({ target }) => target.startsWith(DYNAMODB_PREFIX))
          .flatMap(({ body }) => [...body.matchAll(KEY)].map(([, key = '']) => key)),
      ),
    ];
    const isFinished = outcome.kind === 'response' && failedMessageIds.size === 0;
    (isFinished ? this.finished : this.returned).push({ keys, atMs: this.now() });
    this.keptItems += keys.length;
    this.expire(this.finished, KEEP_MS);
    this.expire(this.returned, KEEP_RETURNED_MS);
    while (this.keptItems > MAX_KEPT_ITEMS && this.finished.length > 0) this.drop(this.finished);
  }

  private expire(list: Kept[], keepMs: number): void {
    while (list[0] !== undefined && this.now() - list[0].atMs > keepMs) this.drop(list);
  }

  private drop(list: Kept[]): void {
    const oldest = list.shift();
    if (oldest === undefined) return;
    this.shortestMs = Math.min(this.shortestMs, this.now() - oldest.atMs);
    this.keptItems -= oldest.keys.length;
    for (const key of oldest.keys) this.deleteItem(key);
  }
}
