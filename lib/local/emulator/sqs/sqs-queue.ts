import { randomUUID } from 'node:crypto';
import { sqsError } from './sqs-errors.ts';
import { md5Hex, type NewMessage } from './sqs-message.ts';
import {
  type Delivery,
  MAX_IN_FLIGHT_MESSAGES,
  MAX_QUEUE_BYTES,
  MAX_QUEUE_MESSAGES,
  type QueueCounts,
  type QueueOptions,
  type QueueSettings,
  type ReceiveOptions,
  type StoredMessage,
} from './sqs-queue-types.ts';
import { formatReceipt, parseReceipt } from './sqs-receipt.ts';
import { MessageStore } from './sqs-store.ts';
import { Waiters } from './sqs-waiters.ts';

/** Maximum delay of the second delivery of a duplicate, in ms. */
const MAX_DUPLICATE_DELAY_MS = 2_000;

/**
 * A standard queue in memory. It uses `Date.now()` and `setTimeout`, so fake timers control it.
 *
 * The receipt handle of the latest receive deletes a message, even after its visibility timeout. After another receive,
 * deleting with an older handle succeeds without deleting the message, as AWS's DeleteMessage reference describes.
 */
export class Queue {
  readonly name: string;
  readonly arn: string;
  settings: QueueSettings;
  private readonly options: QueueOptions;
  private readonly store = new MessageStore();
  private readonly waiters = new Waiters();
  private readonly emptyWaiters = new Set<() => void>();
  private isClosed = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.arn = options.arn;
    this.settings = options.settings;
    this.options = options;
  }

  /** Stores a message. @returns its new id. @throws OverLimit if the queue is full. */
  send(message: NewMessage, delayMs = this.settings.delayMs): string {
    const { body, attributes = {}, bytes = Buffer.byteLength(body), md5OfBody = md5Hex(body) } = message;
    if (!this.hasRoom(bytes))
      throw sqsError(
        'OverLimit',
        `${this.name} is full: a queue holds at most ${MAX_QUEUE_MESSAGES} messages or ${MAX_QUEUE_BYTES} bytes.`,
      );
    const messageId = randomUUID();
    this.store.add({ messageId, body, md5OfBody, attributes, bytes, sentAtMs: Date.now() }, delayMs);
    this.waiters.wake();
    return messageId;
  }

  /** Receives up to `max` visible messages without waiting. */
  take(max: number, visibilityTimeoutMs = this.settings.visibilityTimeoutMs): Delivery[] {
    const nowMs = Date.now();
    this.advance(nowMs);
    const deliveries: Delivery[] = [];
    const duplicates: StoredMessage[] = [];
    while (deliveries.length < max && this.store.counts.in_flight < MAX_IN_FLIGHT_MESSAGES) {
      const message = this.shiftReady();
      if (message === undefined) break;
      if (this.deadLetter(message)) continue;
      const faults = message.duplicate ? undefined : this.options.faults;
      const duplicate = faults?.duplicate(this.arn, message.body);
      if (duplicate === 'same_count') duplicates.push({ ...message });
      deliveries.push(this.deliver(message, nowMs, visibilityTimeoutMs));
      if (duplicate === 'higher_count') duplicates.push({ ...message });
    }
    for (const copy of duplicates) this.addDuplicate(copy);
    if (deliveries.length === 0) this.announceEmpty();
    return deliveries;
  }

  /** Number of waiting long polls. */
  get waitingReceives(): number {
    return this.waiters.count;
  }

  /** Whether the queue was deleted or its emulator closed. */
  get closed(): boolean {
    return this.isClosed;
  }

  /** Receives messages, waiting up to `waitMs` for the first one. An aborted wait returns an empty list. */
  async receive(options: ReceiveOptions = {}): Promise<Delivery[]> {
    const { max = 10, waitMs = this.settings.waitMs, visibilityTimeoutMs, signal } = options;
    const deadlineMs = Date.now() + waitMs;
    for (;;) {
      if (this.isClosed) throw sqsError('QueueDoesNotExist', `The queue ${this.name} was deleted.`);
      if (signal?.aborted) return [];
      const deliveries = this.take(max, visibilityTimeoutMs);
      if (deliveries.length > 0 || Date.now() >= deadlineMs) return deliveries;
      await this.waiters.wait(Math.min(deadlineMs, this.store.nextDueAtMs ?? deadlineMs), signal);
    }
  }

  /** Deletes by receipt handle. Has no effect on a message that is gone or was received again. */
  delete(receiptHandle: string): void {
    const receipt = parseReceipt(this.name, receiptHandle);
    const message = this.store.get(receipt.key);
    if (message === undefined || message.receives !== receipt.receive) return;
    this.store.remove(message);
    this.announceEmpty();
  }

  /** Sets the time in ms after which an in-flight message is visible again. */
  changeVisibility(receiptHandle: string, visibilityTimeoutMs: number): void {
    const nowMs = Date.now();
    this.advance(nowMs);
    const receipt = parseReceipt(this.name, receiptHandle);
    const message = this.store.get(receipt.key);
    if (message === undefined || message.receives !== receipt.receive || message.state !== 'in_flight')
      throw sqsError(
        'MessageNotInflight',
        'The message is not in flight: it was deleted or is visible again.',
      );
    this.store.hold(message, 'in_flight', nowMs + visibilityTimeoutMs);
    this.waiters.wake();
  }

  /** Number of messages by state. */
  counts(): QueueCounts {
    this.advance(Date.now());
    const { ready: visible, delayed, in_flight: inFlight } = this.store.counts;
    return { visible, delayed, inFlight };
  }

  /** All messages, oldest first, up to `max`, without receiving them. */
  peek(max = MAX_QUEUE_MESSAGES): Readonly<StoredMessage>[] {
    this.advance(Date.now());
    return [...this.store.values()].slice(0, max);
  }

  /** Resolves when the queue has no message in any state, or when the signal aborts. */
  async whenEmpty(signal?: AbortSignal): Promise<void> {
    if (this.store.size === 0 || signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        signal?.removeEventListener('abort', done);
        this.emptyWaiters.delete(done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      this.emptyWaiters.add(done);
    });
  }

  /** Removes up to `max` visible messages, for a move task. */
  drain(max: number): StoredMessage[] {
    this.advance(Date.now());
    const drained: StoredMessage[] = [];
    while (drained.length < max) {
      const message = this.store.shiftReady();
      if (message === undefined) break;
      this.store.remove(message);
      drained.push(message);
    }
    this.announceEmpty();
    return drained;
  }

  hasRoom(bytes: number): boolean {
    return this.store.hasRoom(bytes);
  }

  /**
   * Takes over a message from another queue (or from {@link drain}), with its id, its send time and its receive count.
   * Redrive counts its receives from zero. @param sourceArn the queue whose dead letter it is.
   */
  adopt(message: StoredMessage, sourceArn = message.deadLetterSourceArn): void {
    const { earlierReceives, receives } = message;
    const content = sourceArn === undefined ? message : { ...message, deadLetterSourceArn: sourceArn };
    this.store.add(content, 0, {
      duplicate: false,
      earlierReceives: earlierReceives + receives,
      receives: 0,
    });
    this.waiters.wake();
  }

  purge(): void {
    for (const message of this.peek()) this.store.remove(message);
    this.announceEmpty();
  }

  /** Ends all waits; used when the queue is deleted or the emulator closes. */
  close(): void {
    this.isClosed = true;
    this.waiters.wake();
    for (const done of [...this.emptyWaiters]) done();
  }

  /**
   * Adds a copy of a delivered message, which is received and deleted independently of it. Its receive count is the one
   * from before the first delivery, as on a replica that missed it, or the one from after it.
   */
  private addDuplicate(copy: StoredMessage): void {
    if (!this.hasRoom(copy.bytes)) return;
    const delayMs = this.options.faults?.duplicateDelayMs(MAX_DUPLICATE_DELAY_MS) ?? 0;
    this.store.add(copy, delayMs, { ...copy, duplicate: true });
    this.waiters.wake();
  }

  private shiftReady(): StoredMessage | undefined {
    const { faults } = this.options;
    return this.store.shiftReady(faults && ((count) => faults.reorder(this.arn, count)));
  }

  private deliver(message: StoredMessage, nowMs: number, visibilityTimeoutMs: number): Delivery {
    message.receives += 1;
    message.firstReceivedAtMs ??= nowMs;
    const { messageId, body, md5OfBody, attributes, sentAtMs, firstReceivedAtMs } = message;
    const { faults } = this.options;
    const hiddenMs = faults?.visibilityMs(this.arn, body, visibilityTimeoutMs) ?? visibilityTimeoutMs;
    this.store.hold(message, 'in_flight', nowMs + hiddenMs);
    const count = message.earlierReceives + message.receives;
    return {
      ...{ messageId, body, md5OfBody, attributes, sentAtMs, firstReceivedAtMs },
      receiptHandle: formatReceipt(this.name, { key: message.key, receive: message.receives }),
      receiveCount: faults?.reportedReceiveCount(this.arn, body, count) ?? count,
      ...(message.deadLetterSourceArn !== undefined && { deadLetterSourceArn: message.deadLetterSourceArn }),
    };
  }

  /** Moves a message that has used up its receives. If the target is missing or full it stays, as in AWS. */
  private deadLetter(message: StoredMessage): boolean {
    const { redrive } = this.settings;
    if (redrive === undefined || message.receives < redrive.maxReceiveCount) return false;
    const target = this.options.resolve(redrive.deadLetterTargetArn);
    if (target === undefined || target === this || !target.hasRoom(message.bytes)) return false;
    this.store.remove(message);
    target.adopt(message, this.arn);
    return true;
  }

  private advance(nowMs: number): void {
    this.store.advance(nowMs, this.settings.retentionMs);
  }

  private announceEmpty(): void {
    if (this.store.size === 0) for (const done of [...this.emptyWaiters]) done();
  }
}
