import { Unpackr } from 'msgpackr';
import { exactInteger } from '../../../lib/events/exact-json.ts';
import type { JsonMessage, Rejected } from './json-frames.ts';

/** Maps become objects. Definitions of records are not read from a server. */
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' });

/** The map in a binary frame, as JSON can express it: long integers keep their digits, bytes become base64. */
export function readMsgpackFrame(data: Buffer): JsonMessage | Rejected {
  try {
    const value = jsonValue(unpackr.unpack(data));
    if (typeof value === 'object' && value !== null)
      return { kind: 'message', text: JSON.stringify(value), value };
  } catch {
    // Not msgpack, or nested too deep.
  }
  return { kind: 'rejected', reason: 'invalid_frame' };
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return exactInteger(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, jsonValue(member)]));
}
