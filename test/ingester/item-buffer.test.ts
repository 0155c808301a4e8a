import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ENVELOPE_HEAD_BYTES,
  ItemBuffer,
  type Parcel,
  toEntry,
} from '../../functions/ingester/item-buffer.ts';
import { envelopeSchema } from '../../lib/events/schema.ts';

const LIMITS = { envelopeBytes: 100, envelopeEvents: 3, batchEntries: 2, batchBytes: 1_048_576 };
const item = (n: number) => ({ json: String(n), bytes: String(n).length });

function filled(count: number): ItemBuffer {
  const buffer = new ItemBuffer(LIMITS);
  for (let n = 1; n <= count; n++) buffer.add(item(n));
  buffer.seal();
  return buffer;
}

describe('an item buffer', () => {
  test('The parcels of a buffer have contiguous positions from 1', () => {
    const parcels = filled(8).take();
    expect(parcels.map(({ firstPosition }) => firstPosition)).toEqual([1, 4]);
    expect(parcels.map(({ items }) => items)).toEqual([
      ['1', '2', '3'],
      ['4', '5', '6'],
    ]);
  });

  test('Sealing a buffer without an open parcel adds no parcel', () => {
    const buffer = filled(3);
    buffer.seal();
    expect(buffer.readyParcels).toBe(1);
    expect(new ItemBuffer(LIMITS).readyParcels).toBe(0);
  });

  test('An empty buffer has accepted everything that was added', () => {
    const buffer = new ItemBuffer(LIMITS);
    expect(buffer.lastPosition).toBe(0);
    expect(buffer.acceptedPosition).toBe(0);
    expect(buffer.oldestMs).toBeUndefined();
  });

  test('A parcel is filled up to its last byte', () => {
    const buffer = new ItemBuffer(LIMITS);
    buffer.add({ json: '1', bytes: 49 });
    buffer.add({ json: '2', bytes: 50 });
    buffer.add({ json: '3', bytes: 1 });
    buffer.seal();
    expect(buffer.take().map(({ items }) => items)).toEqual([['1', '2'], ['3']]);
  });

  test('The bodies of a call are together at most as large as a call can be', () => {
    const batchBytes = 2_000;
    const buffer = new ItemBuffer({ ...LIMITS, envelopeEvents: 1, batchEntries: 10, batchBytes });
    for (let n = 10; n < 40; n++) buffer.add(item(n));
    buffer.seal();
    while (buffer.readyParcels > 0) {
      const bodies = buffer.take().map((parcel, index) => toEntry(parcel, index).MessageBody ?? '');
      expect(Buffer.byteLength(bodies.join(''))).toBeLessThanOrEqual(batchBytes);
      expect(bodies.length).toBeGreaterThan(1);
    }
  });

  test('Parcels that fill a call completely are taken together', () => {
    const parcelBytes = '1,'.length + ENVELOPE_HEAD_BYTES;
    const buffer = new ItemBuffer({ ...LIMITS, envelopeEvents: 1, batchBytes: 2 * parcelBytes });
    buffer.add(item(1));
    buffer.add(item(2));
    buffer.seal();
    expect(buffer.take()).toHaveLength(2);
  });

  test('A parcel that is larger than a call gets its own call', () => {
    const buffer = new ItemBuffer({ ...LIMITS, envelopeEvents: 1, batchBytes: 10 });
    buffer.add(item(1));
    buffer.add(item(2));
    buffer.seal();
    expect(buffer.take().map(({ items }) => items)).toEqual([['1']]);
    expect(buffer.take().map(({ items }) => items)).toEqual([['2']]);
  });

  test('The oldest item can be one that is being sent', () => {
    const buffer = new ItemBuffer(LIMITS);
    buffer.add(item(1), 5);
    buffer.seal();
    buffer.take();
    expect(buffer.oldestMs).toBe(5);
  });

  test('An item in the open parcel is not accepted', () => {
    const buffer = new ItemBuffer(LIMITS);
    buffer.add(item(1));
    expect(buffer.lastPosition).toBe(1);
    expect(buffer.acceptedPosition).toBe(0);
  });

  test('A later parcel that is accepted first does not move the accepted position', () => {
    const buffer = filled(6);
    const [first, second] = buffer.take() as [Parcel, Parcel];
    buffer.accept(second);
    expect(buffer.acceptedPosition).toBe(0);
    buffer.accept(first);
    expect(buffer.acceptedPosition).toBe(6);
    expect(buffer.memoryBytes).toBe(0);
  });

  test('A parcel that is put back is taken first', () => {
    const buffer = filled(9);
    const [first, second] = buffer.take() as [Parcel, Parcel];
    buffer.accept(second);
    buffer.putBack([first]);
    expect(buffer.take().map(({ firstPosition }) => firstPosition)).toEqual([1, 7]);
  });

  test('A divided parcel becomes one parcel per item, each with the position of its item', () => {
    const buffer = filled(3);
    const [parcel] = buffer.take() as [Parcel];
    const { memoryBytes } = buffer;
    buffer.divide(parcel);
    expect(buffer.memoryBytes).toBe(memoryBytes);
    expect(buffer.readyParcels).toBe(3);
    const [one, two] = buffer.take() as [Parcel, Parcel];
    expect(one).toMatchObject({ items: ['1'], firstPosition: 1, bytes: 2 });
    expect(two).toMatchObject({ items: ['2'], firstPosition: 2, bytes: 2 });
    buffer.accept(two);
    expect(buffer.acceptedPosition).toBe(0);
    buffer.accept(one);
    expect(buffer.acceptedPosition).toBe(2);
  });

  test('A replaced item keeps its position', () => {
    const buffer = filled(1);
    buffer.add(item(2));
    const [parcel] = buffer.take() as [Parcel];
    buffer.replace(parcel, { json: 'other', bytes: 5 });
    expect(buffer.acceptedPosition).toBe(0);
    expect(buffer.memoryBytes).toBe(5 + 1);
    const [replacement] = buffer.take() as [Parcel];
    expect(replacement).toMatchObject({ items: ['other'], firstPosition: 1, bytes: 6 });
    buffer.accept(replacement);
    expect(buffer.acceptedPosition).toBe(1);
  });

  test('A reserved position is as old as its item, and is not accepted before the item is', () => {
    const buffer = new ItemBuffer(LIMITS);
    const reservation = buffer.reserve(1_000, 7);
    buffer.add(item(2), 8);
    expect(buffer.oldestMs).toBe(7);
    expect(buffer.memoryBytes).toBe(1_000 + 1);
    buffer.fill(reservation, item(1));
    expect(buffer.acceptedPosition).toBe(0);
    const [first] = buffer.take() as [Parcel];
    expect(first).toMatchObject({ items: ['1'], firstPosition: 1, oldestMs: 7 });
    buffer.accept(first);
    expect(buffer.acceptedPosition).toBe(1);
    expect(buffer.memoryBytes).toBe(1);
  });

  test('An item with a letter outside of ASCII counts with two bytes per letter, because V8 stores it so', () => {
    const buffer = new ItemBuffer({ ...LIMITS, envelopeEvents: 1 });
    const mixed = { json: '"aж"', bytes: 5 };
    buffer.add(mixed);
    expect(buffer.memoryBytes).toBe(2 * 4);
    buffer.fill(buffer.reserve(100), mixed);
    expect(buffer.memoryBytes).toBe(2 * (2 * 4));
    const [first, second] = buffer.take() as [Parcel, Parcel];
    for (const parcel of [first, second]) expect(parcel).toMatchObject({ bytes: 6, memoryBytes: 8 });
    buffer.divide(first);
    const [again] = buffer.take() as [Parcel];
    buffer.replace(again, { json: '"ж"', bytes: 4 });
    expect(buffer.memoryBytes).toBe(2 * 3 + 2 * 4);
    for (const parcel of [second, ...buffer.take()]) buffer.accept(parcel);
    expect(buffer.memoryBytes).toBe(0);
  });

  test('Items around a reserved position keep their positions, and later items do not overtake it', () => {
    const buffer = new ItemBuffer(LIMITS);
    buffer.add(item(1));
    buffer.reserve(1_000);
    buffer.add(item(3));
    buffer.seal();
    const parcels = buffer.take();
    expect(parcels.map(({ firstPosition }) => firstPosition)).toEqual([1, 3]);
    for (const parcel of parcels) buffer.accept(parcel);
    expect(buffer.acceptedPosition).toBe(1);
  });

  test('An item without a replacement is dropped and counts as accepted', () => {
    const buffer = filled(1);
    const [parcel] = buffer.take() as [Parcel];
    buffer.replace(parcel, undefined);
    expect(buffer.acceptedPosition).toBe(1);
    expect(buffer.memoryBytes).toBe(0);
    expect(buffer.readyParcels).toBe(0);
  });

  test('An entry is an envelope with a new id at every attempt', () => {
    const [parcel] = filled(2).take() as [Parcel];
    const first = toEntry(parcel, 0);
    const second = toEntry(parcel, 7);
    expect(first.Id).toBe('0');
    expect(second.Id).toBe('7');
    const envelopes = [first, second].map(({ MessageBody = '' }) =>
      envelopeSchema.parse(JSON.parse(MessageBody)),
    );
    expect(envelopes.map(({ events }) => events)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(envelopes[0]?.id).not.toBe(envelopes[1]?.id);
    expect(envelopes[0]?.owner).toBe(envelopes[0]?.id);
  });
});

describe('the accepted position of a buffer', () => {
  type Outcome = 'accept' | 'put back' | 'divide' | 'replace' | 'drop';
  /** `parcel` selects one of the parcels that were taken. */
  interface Operation {
    readonly kind: 'add' | 'seal' | 'take' | Outcome;
    readonly parcel: number;
  }
  const parcel = fc.nat({ max: 20 });
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), parcel }) },
    fc.record({ kind: fc.constantFrom('seal', 'take'), parcel }),
    fc.record({ kind: fc.constantFrom('accept', 'put back', 'divide', 'replace', 'drop'), parcel }),
  );

  /** The positions of a parcel. */
  const positions = ({ firstPosition, items }: Parcel) => items.map((_, index) => firstPosition + index);

  /** Apply an operation to a buffer, and record in `done` which positions are accepted or dropped. */
  function apply(buffer: ItemBuffer, flying: Parcel[], done: Set<number>, step: Operation): void {
    if (step.kind === 'add') buffer.add(item(buffer.lastPosition + 1));
    else if (step.kind === 'seal') buffer.seal();
    else if (step.kind === 'take') flying.push(...buffer.take());
    else if (flying.length > 0)
      finish(buffer, flying.splice(step.parcel % flying.length, 1), done, step.kind);
  }

  function finish(buffer: ItemBuffer, parcels: readonly Parcel[], done: Set<number>, kind: Outcome): void {
    for (const parcel of parcels) {
      const isSingle = parcel.items.length === 1;
      if (kind === 'put back') buffer.putBack([parcel]);
      else if (kind === 'divide') buffer.divide(parcel);
      else if (kind === 'replace' && isSingle) buffer.replace(parcel, { json: '"replaced"', bytes: 10 });
      else if (kind === 'drop' && isSingle) buffer.replace(parcel, undefined);
      else buffer.accept(parcel);
      if (kind === 'accept' || kind === 'drop' || (kind === 'replace' && !isSingle))
        for (const position of positions(parcel)) done.add(position);
    }
  }

  test('The accepted position is the largest one up to which every item was accepted or dropped', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (steps) => {
        const buffer = new ItemBuffer(LIMITS);
        const flying: Parcel[] = [];
        const done = new Set<number>();
        let added = 0;
        let previous = 0;
        for (const step of steps) {
          if (step.kind === 'add') added++;
          apply(buffer, flying, done, step);
          let expected = 0;
          while (done.has(expected + 1)) expected++;
          expect(buffer.acceptedPosition).toBe(expected);
          expect(buffer.lastPosition).toBe(added);
          expect(buffer.acceptedPosition).toBeGreaterThanOrEqual(previous);
          previous = buffer.acceptedPosition;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('A buffer whose items were all accepted has no bytes and no oldest item', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80, size: 'max' }), (steps) => {
        const buffer = new ItemBuffer(LIMITS);
        const flying: Parcel[] = [];
        for (const step of steps) apply(buffer, flying, new Set(), step);
        buffer.seal();
        for (const parcel of flying) buffer.accept(parcel);
        while (buffer.readyParcels > 0) for (const parcel of buffer.take()) buffer.accept(parcel);
        expect(buffer.memoryBytes).toBe(0);
        expect(buffer.oldestMs).toBeUndefined();
        expect(buffer.acceptedPosition).toBe(buffer.lastPosition);
      }),
    );
  });
});
