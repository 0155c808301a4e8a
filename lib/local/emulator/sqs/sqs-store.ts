import { DueHeap } from './due-heap.ts';
import { ReadyList } from './ready-list.ts';
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

/** The history of a message that was sent to another queue. */
export type MessageHistory = Pick<
  StoredMessage,
  'duplicate' | 'earlierReceives' | 'receives' | 'firstReceivedAtMs'
>;

/** The messages of one queue and the states they are in. */
export class MessageStore {
  private readonly messages = new Map<number, StoredMessage>();
  private readonly ready = new ReadyList<StoredMessage>((message) => message.state === 'gone');
  private readonly due = new DueHeap<{ message: StoredMessage; version: number }>();
  readonly counts: Record<MessageState, number> = { ready: 0, delayed: 0, in_flight: 0, gone: 0 };
  private bytes = 0;
  private nextKey = 1;
  private oldestSentAtMs = Number.POSITIVE_INFINITY;
  private sweptAtMs = Number.NEGATIVE_INFINITY;

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
    this.bytes += message.bytes;
    this.counts.gone += 1;
    this.oldestSentAtMs = Math.min(this.oldestSentAtMs, message.sentAtMs);
    if (delayMs > 0) this.hold(message, 'delayed', Date.now() + delayMs);
    else this.makeReady(message);
  }

  /** The next visible message, which must be held or removed at once. */
  shiftReady(pick?: (count: number) => number): StoredMessage | undefined {
    return this.ready.shift(pick);
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
    this.ready.push(message, this.counts.ready);
  }

  private setState(message: StoredMessage, state: MessageState): void {
    this.counts[message.state] -= 1;
    this.counts[state] += 1;
    message.state = state;
    message.version += 1;
  }
}
