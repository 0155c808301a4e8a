import { sqsError } from './sqs-errors.ts';
import { checkQueueType, MessageIdentities } from './sqs-fifo.ts';
import { md5Hex, type NewMessage } from './sqs-message.ts';
import {
  type Delivery,
  MAX_DUPLICATE_DELAY_MS,
  MAX_IN_FLIGHT_MESSAGES,
  MAX_QUEUE_MESSAGES,
  type QueueCounts,
  type QueueOptions,
  type QueueSettings,
  type ReceiveOptions,
  type Sent,
  type StoredMessage,
} from './sqs-queue-types.ts';
import { parseReceipt, toDelivery } from './sqs-receipt.ts';
import { MessageStore, queueFull } from './sqs-store.ts';
import { EmptyWaiters, Waiters } from './sqs-waiters.ts';

/**
 * A queue in memory. It uses `Date.now()` and `setTimeout`, so fake timers control it.
 *
 * The receipt handle of the latest receive deletes a message of a standard queue, even after its visibility timeout.
 * After another receive, deleting with an older handle succeeds without deleting the message, as AWS's DeleteMessage
 * reference describes. In a FIFO queue, a receipt handle expires with the visibility timeout.
 */
export class Queue {
  readonly name: string;
  readonly arn: string;
  settings: QueueSettings;
  private readonly options: QueueOptions;
  private readonly store: MessageStore;
  private readonly identities = new MessageIdentities();
  private readonly waiters = new Waiters();
  private readonly emptyWaiters = new EmptyWaiters();
  private isClosed = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.arn = options.arn;
    this.settings = options.settings;
    this.options = options;
    this.store = new MessageStore({ fifo: options.settings.fifo !== undefined });
  }

  /** As {@link accept}. @returns the message id */
  send(message: NewMessage, delayMs?: number): string {
    return this.accept(message, delayMs).messageId;
  }

  /**
   * Stores a message, unless a FIFO queue accepted it within the last five minutes.
   *
   * @returns its identity, or that of the message that was accepted before. @throws OverLimit if the queue is full.
   */
  accept(message: NewMessage, delayMs = this.settings.delayMs): Sent {
    const { body, attributes = {}, bytes = Buffer.byteLength(body), md5OfBody = md5Hex(body) } = message;
    const { fifo } = this.settings;
    checkQueueType(this.settings, message);
    const nowMs = Date.now();
    const earlier = this.identities.earlier(message, fifo, nowMs);
    if (earlier) return earlier;
    if (!this.hasRoom(bytes)) throw queueFull(this.name);
    const identity = this.identities.create(message, fifo, nowMs);
    this.store.add({ ...identity, body, md5OfBody, attributes, bytes, sentAtMs: nowMs }, delayMs);
    this.waiters.wake();
    return identity;
  }

  /** Receives up to `max` visible messages without waiting. */
  take(max: number, visibilityTimeoutMs = this.settings.visibilityTimeoutMs): Delivery[] {
    const nowMs = Date.now();
    this.advance(nowMs);
    const deliveries: Delivery[] = [];
    const duplicates: StoredMessage[] = [];
    const nextReady = this.nextReady();
    while (deliveries.length < max && this.store.counts.in_flight < MAX_IN_FLIGHT_MESSAGES) {
      const message = nextReady();
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

  /**
   * Deletes by receipt handle. Has no effect on a message that is gone or was received again. @returns whether the
   * receipt handle of a FIFO queue has expired
   */
  delete(receiptHandle: string): { readonly expired: boolean } {
    this.advance(Date.now());
    const { message, isLatest } = this.received(receiptHandle);
    if (message === undefined) return { expired: false };
    if (this.settings.fifo && !(isLatest && message.state === 'in_flight')) return { expired: true };
    if (!isLatest) return { expired: false };
    this.store.remove(message);
    // The rest of its group is free.
    if (this.settings.fifo) this.waiters.wake();
    this.announceEmpty();
    return { expired: false };
  }

  /** Sets the time in ms after which an in-flight message is visible again. */
  changeVisibility(receiptHandle: string, visibilityTimeoutMs: number): void {
    const nowMs = Date.now();
    this.advance(nowMs);
    const { message, isLatest } = this.received(receiptHandle);
    if (!isLatest || message?.state !== 'in_flight')
      throw sqsError('MessageNotInflight', 'The message was deleted or is visible again.');
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
    if (this.store.size > 0 && !signal?.aborted) await this.emptyWaiters.wait(signal);
  }

  /** Removes up to `max` visible messages, for a move task. */
  drain(max: number): StoredMessage[] {
    this.advance(Date.now());
    const drained = this.store.drain(max);
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
    this.store.add(this.settings.fifo ? this.identities.renew(content, Date.now()) : content, 0, {
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

  /** Ends all waits, when the queue is deleted or the emulator closes. */
  close(): void {
    this.isClosed = true;
    this.waiters.wake();
    this.emptyWaiters.wake();
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

  private received(handle: string) {
    const { key, receive } = parseReceipt(this.name, handle);
    const message = this.store.get(key);
    return { message, isLatest: message?.receives === receive };
  }

  private nextReady(): () => StoredMessage | undefined {
    const { faults } = this.options;
    return this.store.takeReady(faults && ((count) => faults.reorder(this.arn, count)));
  }

  private deliver(message: StoredMessage, nowMs: number, visibilityTimeoutMs: number): Delivery {
    message.receives += 1;
    message.firstReceivedAtMs ??= nowMs;
    const { faults } = this.options;
    const hiddenMs = faults?.visibilityMs(this.arn, message.body, visibilityTimeoutMs) ?? visibilityTimeoutMs;
    this.store.hold(message, 'in_flight', nowMs + hiddenMs);
    const count = message.earlierReceives + message.receives;
    const receiveCount = faults?.reportedReceiveCount(this.arn, message.body, count) ?? count;
    return toDelivery(message, this.name, { receiveCount, firstReceivedAtMs: message.firstReceivedAtMs });
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
    if (this.store.size === 0) this.emptyWaiters.wake();
  }
}
