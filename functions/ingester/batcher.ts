import type { SendMessageBatchCommandOutput, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import type { Item } from '../../lib/events/item.ts';
import { ItemBuffer, type Parcel, toEntry } from './item-buffer.ts';

/** Limits of the batcher, in the units of their names. */
export const BATCHER_LIMITS = {
  /** Largest envelope. SQS bills each 64 KB, or part of it, as one request. */
  envelopeBytes: 60_000,
  envelopeEvents: 200,
  /** Maximum wait for an envelope to fill. */
  lingerMs: 100,
  /** Entries per SendMessageBatch; an SQS limit. */
  batchEntries: 10,
  /** Sum of the bodies per SendMessageBatch: the SQS limit of 1 MiB minus room for the entry ids. */
  batchBytes: 1_048_576 - 8_192,
  /** Concurrent calls of SendMessageBatch. */
  callsInFlight: 8,
  /** Memory of unsent items above which reading is paused, and below which it resumes. A task has at least 512 MiB. */
  highWaterBytes: 48 * 1_048_576,
  lowWaterBytes: 24 * 1_048_576,
  backoffBaseMs: 100,
  backoffCapMs: 5_000,
  /** The process gives up if SQS accepts no message for this long. */
  giveUpMs: 300_000,
} as const;
/** Limits of the batcher; tests and benches use narrower ones. */
export type BatcherLimits = { readonly [K in keyof typeof BATCHER_LIMITS]: number };

/** Sends one SendMessageBatch; throws when its outcome is unknown or the whole call was refused. */
export type SendBatch = (entries: SendMessageBatchRequestEntry[]) => Promise<SendMessageBatchCommandOutput>;

/** What the batcher reports to its owner. */
export interface BatcherHandlers {
  /** The buffer has risen above the high-water mark: stop reading. */
  onPause(): void;
  /** The buffer has fallen below the low-water mark: resume reading. */
  onResume(): void;
  /** SQS has accepted every item up to and including this position. */
  onAccepted(position: number): void;
  /** SQS refuses an item because of its content. Returns the item to send instead, or undefined to drop it. */
  onRefused(json: string, reason: string): Item | undefined;
  /** Nothing was accepted for `giveUpMs`, or an item could not be made: the process should end. */
  onGiveUp(error: unknown): void;
}

/** Counts since the start. */
export interface BatcherTotals {
  itemsSent: number;
  messagesSent: number;
  calls: number;
  failedCalls: number;
  failedEntries: number;
}

/**
 * Turns items (events, rejected frames) into envelopes and sends them to SQS: many events per message, ten messages per
 * call, several concurrent calls. Nothing is dropped: items that were not accepted are sent again, on their own, in an
 * envelope with a new id, so a send whose outcome is unknown cannot race with its own retry (P1, P3). Items have
 * positions, counted from 1, so the owner knows what SQS has accepted.
 */
export class Batcher {
  readonly totals: BatcherTotals = {
    itemsSent: 0,
    messagesSent: 0,
    calls: 0,
    failedCalls: 0,
    failedEntries: 0,
  };
  private readonly send: SendBatch;
  private readonly handlers: BatcherHandlers;
  private readonly log: Log;
  private readonly limits: BatcherLimits;
  private readonly buffer: ItemBuffer;
  private callsInFlight = 0;
  private reportedPosition = 0;
  private paused = false;
  private lingerTimer: NodeJS.Timeout | undefined;
  private backoffTimer: NodeJS.Timeout | undefined;
  private failures = 0;
  private failingSinceTick: number | undefined;
  private drained: (() => void)[] = [];

  constructor(send: SendBatch, handlers: BatcherHandlers, log: Log, limits: Partial<BatcherLimits> = {}) {
    this.send = send;
    this.handlers = handlers;
    this.log = log;
    this.limits = { ...BATCHER_LIMITS, ...limits };
    this.buffer = new ItemBuffer(this.limits);
  }

  /** Memory of the items that SQS has not accepted yet, in bytes. */
  get bufferedBytes(): number {
    return this.buffer.memoryBytes;
  }

  /** Position of the item that was added last; 0 before the first. */
  get lastPosition(): number {
    return this.buffer.lastPosition;
  }

  /** SQS has accepted every item up to this position. */
  get acceptedPosition(): number {
    return this.buffer.acceptedPosition;
  }

  /** Epoch milliseconds at which the oldest item not yet accepted by SQS was received; undefined if there is none. */
  get oldestUnsentMs(): number | undefined {
    return this.buffer.oldestMs;
  }

  /** Milliseconds for which SQS has accepted none of the messages sent; 0 while it accepts them. */
  get failingForMs(): number {
    return this.failingSinceTick === undefined ? 0 : performance.now() - this.failingSinceTick;
  }

  /**
   * Add one item. It is sent within `lingerMs` while SQS accepts messages.
   *
   * @param receivedAtMs - epoch milliseconds; defaults to now, and is earlier if the item was held back
   */
  add(item: Item, receivedAtMs?: number): void {
    this.buffer.add(item, receivedAtMs);
    this.lingerTimer ??= setTimeout(() => this.linger(), this.limits.lingerMs);
    this.pump(false);
    this.pauseIfFull();
  }

  /**
   * Add an item that will be ready later. It takes its position now.
   *
   * @param bytes - memory that it takes until then
   * @param make - if this fails, the position stays taken and the process ends
   */
  addLater(bytes: number, make: () => Promise<Item>, receivedAtMs?: number): void {
    const reservation = this.buffer.reserve(bytes, receivedAtMs);
    this.pauseIfFull();
    make().then(
      (item) => {
        this.buffer.fill(reservation, item);
        this.afterCall();
      },
      (error: unknown) => this.handlers.onGiveUp(error),
    );
  }

  /** Send everything and wait until SQS has accepted it; bounded by `giveUpMs` through `onGiveUp`. */
  async drain(): Promise<void> {
    this.linger();
    if (this.buffer.memoryBytes === 0) return;
    await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  private pauseIfFull(): void {
    if (this.paused || this.buffer.memoryBytes < this.limits.highWaterBytes) return;
    this.paused = true;
    this.handlers.onPause();
  }

  private linger(): void {
    clearTimeout(this.lingerTimer);
    this.lingerTimer = undefined;
    this.buffer.seal();
    this.pump(true);
  }

  /** Start calls while there are items to send and free capacity. `all` also starts calls that are not full. */
  private pump(all: boolean): void {
    if (this.backoffTimer) return;
    const { callsInFlight, batchEntries } = this.limits;
    while (this.callsInFlight < callsInFlight && this.buffer.readyParcels > 0) {
      if (!all && this.buffer.readyParcels < batchEntries) return;
      void this.call(this.buffer.take());
    }
  }

  private async call(parcels: readonly Parcel[]): Promise<void> {
    this.callsInFlight++;
    this.totals.calls++;
    const outcome = await this.send(parcels.map(toEntry)).catch((error: unknown) => ({ error }));
    if ('error' in outcome) {
      this.totals.failedCalls++;
      this.retry(parcels, outcome.error);
    } else {
      this.settle(parcels, outcome);
    }
    this.callsInFlight--;
    this.afterCall();
  }

  private settle(parcels: readonly Parcel[], output: SendMessageBatchCommandOutput): void {
    const accepted = new Set(output.Successful?.map((entry) => entry.Id));
    const again: Parcel[] = [];
    for (const [index, parcel] of parcels.entries()) {
      if (accepted.has(String(index))) {
        this.accept(parcel);
        continue;
      }
      this.totals.failedEntries++;
      const failure = output.Failed?.find((entry) => entry.Id === String(index));
      if (failure?.SenderFault && failure.Code?.match(ITEM_FAULT))
        this.divide(parcel, failure.Message ?? failure.Code);
      else again.push(parcel);
    }
    if (accepted.size > 0) {
      this.failures = 0;
      this.failingSinceTick = undefined;
    }
    const codes = new Set(output.Failed?.map((entry) => entry.Code));
    if (again.length > 0)
      this.retry(again, new Error(`SQS did not accept every entry: ${[...codes].join()}`));
  }

  private accept(parcel: Parcel): void {
    this.totals.messagesSent++;
    this.totals.itemsSent += parcel.items.length;
    this.buffer.accept(parcel);
  }

  /** SQS refuses this message because of its content. Find the item that causes it, and send the others. */
  private divide(parcel: Parcel, reason: string): void {
    if (parcel.items.length > 1) this.buffer.divide(parcel);
    else for (const item of parcel.items) this.buffer.replace(parcel, this.handlers.onRefused(item, reason));
  }

  private retry(parcels: readonly Parcel[], error: unknown): void {
    this.buffer.putBack(parcels);
    this.failingSinceTick ??= performance.now();
    if (this.failingForMs >= this.limits.giveUpMs)
      this.handlers.onGiveUp(new Error('SQS accepts no messages', { cause: error }));
    const { backoffBaseMs, backoffCapMs } = this.limits;
    const delayMs = Math.random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** this.failures++);
    this.log.warn('SQS did not accept messages; they are sent again', {
      messages: parcels.length,
      delayMs: Math.round(delayMs),
      reason: String(error),
    });
    this.backoffTimer ??= setTimeout(() => {
      this.backoffTimer = undefined;
      this.pump(true);
    }, delayMs);
  }

  private afterCall(): void {
    if (this.paused && this.buffer.memoryBytes <= this.limits.lowWaterBytes) {
      this.paused = false;
      this.handlers.onResume();
    }
    // Send full batches, and everything that became due while all calls were in use.
    this.pump(this.lingerTimer === undefined);
    this.reportAccepted();
    if (this.buffer.memoryBytes > 0) return;
    for (const resolve of this.drained.splice(0)) resolve();
  }

  private reportAccepted(): void {
    const { acceptedPosition } = this.buffer;
    if (acceptedPosition === this.reportedPosition) return;
    this.reportedPosition = acceptedPosition;
    this.handlers.onAccepted(acceptedPosition);
  }
}

/**
 * Codes with which SQS refuses a message because of its content. Other sender faults (a throttled KMS key, a full
 * queue) are not caused by the message, so it is sent again.
 */
const ITEM_FAULT = /InvalidMessageContents|InvalidParameterValue|TooLong/;
