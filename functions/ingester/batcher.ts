import { randomUUID } from 'node:crypto';
import type { SendMessageBatchCommandOutput, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import { encodeEnvelope } from '../../lib/events/envelope.ts';

/** Limits of the batcher, in the units of their names. */
export const BATCHER_LIMITS = {
  /** An envelope is sealed before it grows past this: SQS bills by started 64 KB. */
  envelopeBytes: 60_000,
  envelopeEvents: 200,
  /** An event waits no longer than this for company. */
  lingerMs: 100,
  /** Entries a SendMessageBatch; an SQS limit. */
  batchEntries: 10,
  /** Sum of the bodies of a SendMessageBatch: the 1 MiB of SQS less room for the entries' ids. */
  batchBytes: 1_048_576 - 8_192,
  /** Calls of SendMessageBatch in flight at once. */
  callsInFlight: 8,
  /** Unsent bytes above which reading is paused, and below which it goes on. */
  highWaterBytes: 64 * 1_048_576,
  lowWaterBytes: 32 * 1_048_576,
  backoffBaseMs: 100,
  backoffCapMs: 5_000,
  /** With not one message accepted for this long, the process gives up. */
  giveUpMs: 300_000,
} as const;
/** Limits of the batcher; tests and benches narrow them. */
export type BatcherLimits = { readonly [K in keyof typeof BATCHER_LIMITS]: number };

/** Items that travel in one message. */
interface Parcel {
  readonly items: readonly string[];
  readonly bytes: number;
  readonly oldestMs: number;
}

/** Sends one SendMessageBatch; throws when its outcome is unknown or the whole call was refused. */
export type SendBatch = (entries: SendMessageBatchRequestEntry[]) => Promise<SendMessageBatchCommandOutput>;

/** What the batcher tells its owner. */
export interface BatcherHandlers {
  /** Above the high-water mark: stop reading. */
  onPause(): void;
  /** Below the low-water mark: read on. */
  onResume(): void;
  /** An item that SQS refuses for what it is; it cannot be sent as it stands. */
  onRefused(item: string, reason: string): void;
  /** Nothing was accepted for `giveUpMs`: the process should end. */
  onGiveUp(error: unknown): void;
}

/** Numbers of a batcher since it was made. */
export interface BatcherTotals {
  itemsSent: number;
  messagesSent: number;
  calls: number;
  failedCalls: number;
  failedEntries: number;
}

/**
 * Turns items (events, rejected frames) into envelopes and sends them to SQS: many events a message, ten messages a
 * call, several calls at once. Nothing is dropped: what was not accepted is sent again, alone, in an envelope with a
 * new id, so that a send whose outcome is unknown cannot race with its own repeat (P1, P3).
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
  private items: string[] = [];
  private itemBytes = 0;
  private itemsOldestMs = 0;
  private ready: Parcel[] = [];
  private unsentBytes = 0;
  private inFlight = 0;
  private readonly flying = new Set<Parcel>();
  private paused = false;
  private lingerTimer: NodeJS.Timeout | undefined;
  private backoffTimer: NodeJS.Timeout | undefined;
  private failures = 0;
  private failingSinceMs: number | undefined;
  private drained: (() => void)[] = [];

  constructor(send: SendBatch, handlers: BatcherHandlers, log: Log, limits: Partial<BatcherLimits> = {}) {
    this.send = send;
    this.handlers = handlers;
    this.log = log;
    this.limits = { ...BATCHER_LIMITS, ...limits };
  }

  /** Bytes that were added and not yet accepted by SQS. */
  get bufferedBytes(): number {
    return this.unsentBytes;
  }

  /** Epoch milliseconds of the oldest item not yet accepted; undefined when there is none. */
  get oldestUnsentMs(): number | undefined {
    const times = [...this.ready, ...this.flying].map((parcel) => parcel.oldestMs);
    if (this.items.length > 0) times.push(this.itemsOldestMs);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Take one item (JSON of at most `MAX_ITEM_BYTES`). It is sent within `lingerMs` while SQS accepts messages. */
  add(item: string, bytes: number): void {
    const full =
      this.itemBytes + bytes > this.limits.envelopeBytes || this.items.length >= this.limits.envelopeEvents;
    if (full && this.items.length > 0) this.seal();
    if (this.items.length === 0) this.itemsOldestMs = Date.now();
    this.items.push(item);
    this.itemBytes += bytes + 1;
    this.unsentBytes += bytes + 1;
    this.lingerTimer ??= setTimeout(() => this.linger(), this.limits.lingerMs);
    if (this.ready.length >= this.limits.batchEntries) this.pump(false);
    if (!this.paused && this.unsentBytes >= this.limits.highWaterBytes) {
      this.paused = true;
      this.handlers.onPause();
    }
  }

  /** Send all that is here and wait until SQS has accepted it; bounded by `giveUpMs` through `onGiveUp`. */
  async drain(): Promise<void> {
    this.linger();
    if (this.unsentBytes === 0) return;
    await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  private seal(): void {
    if (this.items.length === 0) return;
    this.ready.push({ items: this.items, bytes: this.itemBytes, oldestMs: this.itemsOldestMs });
    this.items = [];
    this.itemBytes = 0;
  }

  private linger(): void {
    clearTimeout(this.lingerTimer);
    this.lingerTimer = undefined;
    this.seal();
    this.pump(true);
  }

  /** Start calls while there is something to send and a free place; `all`: part-filled calls too. */
  private pump(all: boolean): void {
    if (this.backoffTimer) return;
    while (this.inFlight < this.limits.callsInFlight && this.ready.length > 0) {
      if (!all && this.ready.length < this.limits.batchEntries) return;
      void this.call(this.takeBatch());
    }
  }

  private takeBatch(): Parcel[] {
    let bytes = 0;
    let count = 0;
    for (const parcel of this.ready) {
      bytes += parcel.bytes + ENVELOPE_HEAD_BYTES;
      if (count === this.limits.batchEntries || (count > 0 && bytes > this.limits.batchBytes)) break;
      count++;
    }
    return this.ready.splice(0, count);
  }

  private async call(parcels: readonly Parcel[]): Promise<void> {
    this.inFlight++;
    for (const parcel of parcels) this.flying.add(parcel);
    this.totals.calls++;
    try {
      const output = await this.send(parcels.map(toEntry));
      this.settle(parcels, output);
    } catch (error) {
      this.totals.failedCalls++;
      this.retry(parcels, error);
    } finally {
      this.inFlight--;
      for (const parcel of parcels) this.flying.delete(parcel);
      this.afterCall();
    }
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
      if (failure?.SenderFault && ITEM_FAULT.test(failure.Code ?? ''))
        this.divide(parcel, failure.Message ?? failure.Code ?? 'refused by SQS');
      else again.push(parcel);
    }
    if (accepted.size > 0) {
      this.failures = 0;
      this.failingSinceMs = undefined;
    }
    if (again.length > 0) this.retry(again, new Error('SQS did not take every entry'));
  }

  private accept(parcel: Parcel): void {
    this.totals.messagesSent++;
    this.totals.itemsSent += parcel.items.length;
    this.unsentBytes -= parcel.bytes;
  }

  /** SQS refuses this message for what it is: find the item that is to blame, send the others. */
  private divide(parcel: Parcel, reason: string): void {
    const [first] = parcel.items;
    if (parcel.items.length === 1 && first !== undefined) {
      this.unsentBytes -= parcel.bytes;
      this.handlers.onRefused(first, reason);
      return;
    }
    for (const item of parcel.items) {
      this.ready.unshift({ items: [item], bytes: Buffer.byteLength(item) + 1, oldestMs: parcel.oldestMs });
    }
  }

  private retry(parcels: readonly Parcel[], error: unknown): void {
    this.ready.unshift(...parcels);
    const now = Date.now();
    this.failingSinceMs ??= now;
    if (now - this.failingSinceMs >= this.limits.giveUpMs) this.handlers.onGiveUp(error);
    const { backoffBaseMs, backoffCapMs } = this.limits;
    const delayMs = Math.random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** this.failures++);
    this.log.warn('SQS did not accept messages; sending them again', {
      messages: parcels.length,
      delayMs: Math.round(delayMs),
      reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
    this.backoffTimer ??= setTimeout(() => {
      this.backoffTimer = undefined;
      this.pump(true);
    }, delayMs);
  }

  private afterCall(): void {
    if (this.paused && this.unsentBytes <= this.limits.lowWaterBytes) {
      this.paused = false;
      this.handlers.onResume();
    }
    // Something is due: a full batch, or what has waited since the last time all places were taken.
    this.pump(this.lingerTimer === undefined || this.drained.length > 0);
    if (this.unsentBytes > 0) return;
    for (const resolve of this.drained.splice(0)) resolve();
  }
}

/**
 * Codes by which SQS refuses a message for what it holds. Its other sender faults (a key of KMS that is throttled, a
 * queue that is full) are not the message's: it is sent again.
 */
const ITEM_FAULT = /InvalidMessageContents|InvalidParameterValue|TooLong/;
/** Bytes of an envelope around its events. */
const ENVELOPE_HEAD_BYTES = 256;

function toEntry(parcel: Parcel, index: number): SendMessageBatchRequestEntry {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  return { Id: String(index), MessageBody: encodeEnvelope({ id, owner: id, sentAt }, parcel.items) };
}
