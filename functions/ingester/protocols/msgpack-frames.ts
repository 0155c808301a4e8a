import { Unpackr } from 'msgpackr';
import { exactInteger } from '../../../lib/events/exact-json.ts';
import type { Rejected } from './json-frames.ts';

/** The map in a msgpack frame. */
export type MsgpackMessage = { readonly kind: 'message'; readonly value: object };

/** Maps become objects. Record definitions from a server are not accepted. */
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' });

/** The map in a binary frame, in a form that JSON can express: long integers keep their digits, bytes become Base64. */
export function readMsgpackFrame(data: Buffer): MsgpackMessage | Rejected {
  try {
    const value = jsonValue(unpackr.unpack(data));
    if (typeof value === 'object' && value !== null) return { kind: 'message', value };
  } catch {
    // Not msgpack, or nested too deeply.
  }
  return { kind: 'rejected', reason: 'invalid_frame' };
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return exactInteger(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return Array.isArray(value) ? jsonArray(value) : jsonObject(value as Readonly<Record<string, unknown>>);
}

/** Nearly every array and object is valid JSON already. It is copied only if a member is not. */
function jsonArray(values: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < values.length; index++) {
    const member = jsonValue(values[index]);
    if (member === values[index]) continue;
    copy ??= [...values];
    copy[index] = member;
  }
  return copy ?? values;
}

function jsonObject(record: Readonly<Record<string, unknown>>): object {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    const member = jsonValue(record[key]);
    if (member === record[key]) continue;
    copy ??= { ...record };
    copy[key] = member;
  }
  return copy ?? record;
}
