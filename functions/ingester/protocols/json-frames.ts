import { isUtf8 } from 'node:buffer';
import { parseExactJson } from '../../../lib/events/exact-json.ts';
import type { DataSignal } from './stream-protocol.ts';

/** Why a frame is not a message of a protocol. */
export type Rejected = Extract<DataSignal, { kind: 'rejected' }>;
/** The JSON object in a frame. */
export type JsonMessage = { readonly kind: 'message'; readonly text: string; readonly value: object };

/** The JSON object in a text frame. */
export function readJsonFrame(data: Buffer, isBinary: boolean): JsonMessage | Rejected {
  if (isBinary) return { kind: 'rejected', reason: 'not_json' };
  if (!isUtf8(data)) return { kind: 'rejected', reason: 'invalid_utf8' };
  const text = data.toString('utf8');
  try {
    const value = parseExactJson(text);
    if (typeof value === 'object' && value !== null) return { kind: 'message', text, value };
    return { kind: 'rejected', reason: 'invalid_frame' };
  } catch {
    return { kind: 'rejected', reason: 'not_json' };
  }
}
