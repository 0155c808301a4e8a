import { DueHeap } from './due-heap.ts';
import { FifoGroups } from './fifo-groups.ts';
import { ReadyList } from './ready-list.ts';
import { sqsError } from './sqs-errors.ts';
import {
  MAX_QUEUE_BYTES,
  MAX_QUEUE_MESSAGES,
  type MessageContent,
  type MessageState,
  type StoredMessage,
} from './sqs-queue-types.ts';

/** Minimum time between two searches for expired messages, in ms. */
const RETENTION_SWEEP_MS = 1_000;
/** Outdated entries that the due heap may hold in addition to as many as are live. Small: each may be 1 MiB. */
const HEAP_SLACK_ENTRIES = 64;

/** The error for a message that does not fit. */
export function queueFull(name: string): Error {
  return sqsError(
    'OverLimit',
    `${name} is full: a queue holds at most ${MAX_QUEUE_MESSAGES} messages or ${MAX_QUEUE_BYTES} bytes.`,
  );
}

/** The history of a message that was sent to another queue. */
export type MessageHistory = Pick<
  StoredMessage,
  'duplicate' | 'earlierReceives' | 'receives' | 'firstReceivedAtMs'
>;

/** The messages of one queue and the states they are in. */
export class MessageStore {
  private readonly messages = new Map<number, StoredMessage>();
  /** The visible messages of a standard queue. */
  private readonly ready = new ReadyList<StoredMessage>((message) => message.state === 'gone');
  /** All messages of a FIFO queue; undefined for a standard queue. */
  private readonly groups: FifoGroups | undefined;
  private readonly due = new DueHeap<{ message: StoredMessage; version: number }>();
  readonly counts: Record<MessageState, number> = { ready: 0, delayed: 0, in_flight: 0, gone: 0 };
  private bytes = 0;
  private nextKey = 1;
  private oldestSentAtMs = Number.POSITIVE_INFINITY;
  private sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly fifo: boolean }) {
    this.groups = options.fifo ? new FifoGroups() : undefined;
  }

  get size(): number {
    return this.messages.size;
  }

  /** Time in ms at which the next delayed or in-flight message may become visible. */
  get nextDueAtMs(): number | undefined {
    return this.due.nextAtMs;
  }

  hasRoom(bytes: number): boolean {
    return this.messages.size < MAX_QUEUE_MESSAGES && this.bytes + bytes <= MAX_QUEUE_BYTES;
  }

  get(key: number): StoredMessage | undefined {
    return this.messages.get(key);
  }

  /** Oldest first. */
  values(): MapIterator<StoredMessage> {
    return this.messages.values();
  }

  add(content: MessageContent, delayMs: number, history?: MessageHistory): void {
    const message: StoredMessage = {
      ...content,
      ...(history ?? { duplicate: false, earlierReceives: 0, receives: 0 }),
      key: this.nextKey,
      state: 'gone',
      version: 0,
    };
    this.nextKey += 1;
    this.messages.set(message.key, message);
    this.groups?.add(message);
    this.bytes += message.bytes;
    this.counts.gone += 1;
    this.oldestSentAtMs = Math.min(this.oldestSentAtMs, message.sentAtMs);
    if (delayMs > 0) this.hold(message, 'delayed', Date.now() + delayMs);
    else this.makeReady(message);
  }

  /**
   * Returns the next visible message at each call. It must be held or removed before the next call. One such function
   * serves one receive.
   *
   * @param pick - chooses another message of a standard queue, by its index below the count that it gets
   */
  takeReady(pick?: (count: number) => number): () => StoredMessage | undefined {
    const { groups } = this;
    if (groups === undefined) return () => this.ready.shift(pick);
    const received = new Set<string>();
    return () => groups.next(received);
  }

  /** Removes up to `max` visible messages. */
  drain(max: number): StoredMessage[] {
    const drained: StoredMessage[] = [];
    const next = this.takeReady();
    while (drained.length < max) {
      const message = next();
      if (message === undefined) break;
      this.remove(message);
      drained.push(message);
    }
    return drained;
  }

  /** Hides a message until a time in ms. */
  hold(message: StoredMessage, state: 'delayed' | 'in_flight', untilMs: number): void {
    this.setState(message, state);
    this.due.push(untilMs, { message, version: message.version });
    const live = this.counts.delayed + this.counts.in_flight;
    if (this.due.size > 2 * live + HEAP_SLACK_ENTRIES)
      this.due.retain((entry) => entry.version === entry.message.version);
  }

  remove(message: StoredMessage): void {
    if (!this.messages.delete(message.key)) return;
    this.setState(message, 'gone');
    this.groups?.remove(message);
    this.counts.gone -= 1;
    this.bytes -= message.bytes;
  }

  /** Makes due messages visible and removes expired ones. */
  advance(nowMs: number, retentionMs: number): void {
    for (let entry = this.due.popDue(nowMs); entry !== undefined; entry = this.due.popDue(nowMs)) {
      if (entry.version === entry.message.version) this.makeReady(entry.message);
    }
    const newestExpiredMs = nowMs - retentionMs;
    if (this.oldestSentAtMs > newestExpiredMs || nowMs - this.sweptAtMs < RETENTION_SWEEP_MS) return;
    this.sweptAtMs = nowMs;
    this.oldestSentAtMs = Number.POSITIVE_INFINITY;
    for (const message of [...this.messages.values()]) {
      if (message.sentAtMs <= newestExpiredMs) this.remove(message);
      else this.oldestSentAtMs = Math.min(this.oldestSentAtMs, message.sentAtMs);
    }
  }

  private makeReady(message: StoredMessage): void {
    this.setState(message, 'ready');
    if (this.groups === undefined) this.ready.push(message, this.counts.ready);
  }

  private setState(message: StoredMessage, state: MessageState): void {
    this.counts[message.state] -= 1;
    this.counts[state] += 1;
    this.groups?.changed(message, message.state, state);
    message.state = state;
    message.version += 1;
  }
}
