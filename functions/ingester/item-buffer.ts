import { randomUUID } from 'node:crypto';
import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import type { Item } from '../../lib/events/item.ts';

/** Room for an envelope around its items, in a call. */
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
  /** Epoch milliseconds at which the oldest item was received. */
  readonly oldestMs: number;
  /** Position of the first item; the others follow without a gap. */
  readonly firstPosition: number;
}

/** A position that is taken by an item that is not ready yet. */
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
  private itemsOldestMs = 0;
  private position = 0;
  private unsentBytes = 0;
  private ready: Parcel[] = [];
  /** Parcels that were taken and that SQS has not accepted, among them those that were put back. */
  private readonly taken = new Set<Parcel>();
  private readonly reserved = new Set<Reservation>();

  constructor(limits: ParcelLimits) {
    this.limits = limits;
  }

  /** Bytes that SQS has not accepted yet. */
  get bytes(): number {
    return this.unsentBytes;
  }

  /** Parcels that wait to be sent. */
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
    this.unsentBytes += bytes + 1;
  }

  /** Take a position and memory for an item that is ready later, received at `receivedAtMs`. */
  reserve(bytes: number, receivedAtMs = Date.now()): Reservation {
    this.seal();
    const reservation = { position: ++this.position, bytes, oldestMs: receivedAtMs };
    this.reserved.add(reservation);
    this.unsentBytes += bytes;
    return reservation;
  }

  /** Put the item of a reservation into its position. */
  fill(reservation: Reservation, item: Item): void {
    this.reserved.delete(reservation);
    this.unsentBytes -= reservation.bytes;
    const { position, oldestMs } = reservation;
    this.ready.push({ items: [item.json], bytes: item.bytes + 1, oldestMs, firstPosition: position });
    this.unsentBytes += item.bytes + 1;
  }

  /** Close the open parcel, so that it can be taken. */
  seal(): void {
    const { items, itemBytes: bytes, itemsOldestMs: oldestMs } = this;
    if (items.length === 0) return;
    this.ready.push({ items, bytes, oldestMs, firstPosition: this.position - items.length + 1 });
    this.items = [];
    this.itemBytes = 0;
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
    this.unsentBytes -= parcel.bytes;
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
      ...items.map((item, index) => ({
        items: [item],
        bytes: Buffer.byteLength(item) + 1,
        oldestMs,
        firstPosition: firstPosition + index,
      })),
    );
  }

  /** Replace a parcel of one item. The replacement keeps the position, so that no cursor passes it. */
  replace(parcel: Parcel, item: Item | undefined): void {
    this.accept(parcel);
    if (!item) return;
    this.ready.unshift({ ...parcel, items: [item.json], bytes: item.bytes + 1 });
    this.unsentBytes += item.bytes + 1;
  }

  private *parcels(): Iterable<Parcel> {
    yield* this.ready;
    yield* this.taken;
  }
}

/** The entry of a parcel: an envelope with a new id. */
export function toEntry({ items }: Parcel, index: number): SendMessageBatchRequestEntry {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  return { Id: String(index), MessageBody: encodeEnvelope({ id, owner: id, sentAt }, items) };
}
