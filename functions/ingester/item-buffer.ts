import { randomUUID } from 'node:crypto';
import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import type { Item } from '../../lib/events/item.ts';

/** Bytes that an envelope takes in a call in addition to its items. */
export const ENVELOPE_HEAD_BYTES = 256;

/** Limits of envelopes and calls. */
export interface ParcelLimits {
  readonly envelopeBytes: number;
  readonly envelopeEvents: number;
  readonly batchEntries: number;
  readonly batchBytes: number;
}

/** Items that are sent in one message. */
export interface Parcel {
  readonly items: readonly string[];
  readonly bytes: number;
  /** Bytes of memory. */
  readonly memoryBytes: number;
  /** Epoch milliseconds at which the oldest item was received. */
  readonly oldestMs: number;
  /** Position of the first item; the others follow without a gap. */
  readonly firstPosition: number;
}

/** A position reserved for an item that is not ready yet. */
export interface Reservation {
  readonly position: number;
  readonly bytes: number;
  readonly oldestMs: number;
}

/** Items between `add` and their acceptance by SQS, packed into parcels. Positions are counted from 1. */
export class ItemBuffer {
  private readonly limits: ParcelLimits;
  private items: string[] = [];
  private itemBytes = 0;
  private itemMemoryBytes = 0;
  private itemsOldestMs = 0;
  private position = 0;
  private unsentMemoryBytes = 0;
  private ready: Parcel[] = [];
  /** Parcels that were taken and that SQS has not accepted, including those that were put back. */
  private readonly taken = new Set<Parcel>();
  private readonly reserved = new Set<Reservation>();

  constructor(limits: ParcelLimits) {
    this.limits = limits;
  }

  /** Bytes of memory of what SQS has not accepted yet. */
  get memoryBytes(): number {
    return this.unsentMemoryBytes;
  }

  /** Parcels that are waiting to be sent. */
  get readyParcels(): number {
    return this.ready.length;
  }

  /** Position of the item that was added last; 0 before the first. */
  get lastPosition(): number {
    return this.position;
  }

  /** SQS has accepted every item up to this position. */
  get acceptedPosition(): number {
    let first = this.position - this.items.length + 1;
    for (const { firstPosition } of this.parcels()) first = Math.min(first, firstPosition);
    for (const { position } of this.reserved) first = Math.min(first, position);
    return first - 1;
  }

  /** Epoch milliseconds at which the oldest item was received; undefined if there is none. */
  get oldestMs(): number | undefined {
    let oldest = this.items.length > 0 ? this.itemsOldestMs : undefined;
    for (const { oldestMs } of [...this.parcels(), ...this.reserved])
      oldest = Math.min(oldest ?? oldestMs, oldestMs);
    return oldest;
  }

  /** Add one item, received at `receivedAtMs`. A full parcel is closed first. */
  add({ json, bytes }: Item, receivedAtMs = Date.now()): void {
    const { envelopeBytes, envelopeEvents } = this.limits;
    if (this.itemBytes + bytes > envelopeBytes || this.items.length >= envelopeEvents) this.seal();
    this.itemsOldestMs = this.items.length === 0 ? receivedAtMs : Math.min(this.itemsOldestMs, receivedAtMs);
    this.items.push(json);
    this.position++;
    this.itemBytes += bytes + 1;
    const memoryBytes = memoryBytesOf({ json, bytes });
    this.itemMemoryBytes += memoryBytes;
    this.unsentMemoryBytes += memoryBytes;
  }

  /** Reserve a position and memory for an item that will be ready later, received at `receivedAtMs`. */
  reserve(bytes: number, receivedAtMs = Date.now()): Reservation {
    this.seal();
    const reservation = { position: ++this.position, bytes, oldestMs: receivedAtMs };
    this.reserved.add(reservation);
    this.unsentMemoryBytes += bytes;
    return reservation;
  }

  /** Put the item of a reservation into its position. */
  fill(reservation: Reservation, item: Item): void {
    this.reserved.delete(reservation);
    this.unsentMemoryBytes -= reservation.bytes;
    const { position, oldestMs } = reservation;
    const parcel = { ...parcelOf(item), oldestMs, firstPosition: position };
    this.ready.push(parcel);
    this.unsentMemoryBytes += parcel.memoryBytes;
  }

  /** Close the open parcel, so that it can be taken. */
  seal(): void {
    const { items, itemBytes: bytes, itemMemoryBytes: memoryBytes, itemsOldestMs: oldestMs } = this;
    if (items.length === 0) return;
    const firstPosition = this.position - items.length + 1;
    this.ready.push({ items, bytes, memoryBytes, oldestMs, firstPosition });
    this.items = [];
    this.itemBytes = 0;
    this.itemMemoryBytes = 0;
  }

  /** Take the parcels of one call. */
  take(): readonly Parcel[] {
    let bytes = 0;
    let count = 0;
    for (const parcel of this.ready) {
      bytes += parcel.bytes + ENVELOPE_HEAD_BYTES;
      if (count === this.limits.batchEntries || (count > 0 && bytes > this.limits.batchBytes)) break;
      count++;
    }
    const taken = this.ready.splice(0, count);
    for (const parcel of taken) this.taken.add(parcel);
    return taken;
  }

  /** Remove a parcel that SQS has accepted. */
  accept(parcel: Parcel): void {
    this.taken.delete(parcel);
    this.unsentMemoryBytes -= parcel.memoryBytes;
  }

  /** Put parcels back, before all others. */
  putBack(parcels: readonly Parcel[]): void {
    this.ready.unshift(...parcels);
  }

  /** Put the items of a parcel back, one parcel per item. */
  divide(parcel: Parcel): void {
    const { items, oldestMs, firstPosition } = parcel;
    this.taken.delete(parcel);
    this.ready.unshift(
      ...items.map((json, index) => ({
        ...parcelOf({ json, bytes: Buffer.byteLength(json) }),
        oldestMs,
        firstPosition: firstPosition + index,
      })),
    );
  }

  /** Replace a parcel of one item. The replacement keeps the position, so no cursor is committed past it. */
  replace(parcel: Parcel, item: Item | undefined): void {
    this.accept(parcel);
    if (!item) return;
    const replacement = { ...parcel, ...parcelOf(item) };
    this.ready.unshift(replacement);
    this.unsentMemoryBytes += replacement.memoryBytes;
  }

  private *parcels(): Iterable<Parcel> {
    yield* this.ready;
    yield* this.taken;
  }
}

/**
 * Bytes of memory of an item. V8 stores a string with one byte per code unit, or with two if any of them is outside of
 * Latin-1.
 */
export function memoryBytesOf({ json, bytes }: Item): number {
  return bytes === json.length ? bytes : 2 * json.length;
}

function parcelOf(item: Item): Pick<Parcel, 'items' | 'bytes' | 'memoryBytes'> {
  return { items: [item.json], bytes: item.bytes + 1, memoryBytes: memoryBytesOf(item) };
}

/** The entry of a parcel: an envelope with a new id. */
export function toEntry({ items }: Parcel, index: number): SendMessageBatchRequestEntry {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  return { Id: String(index), MessageBody: encodeEnvelope({ id, owner: id, sentAt }, items) };
}
