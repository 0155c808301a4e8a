import { isUtf8 } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import type { ProtocolName, QueuedEvent, RejectedFrame, RejectionReason } from './schema.ts';

/**
 * Largest item (one event or rejected frame, as JSON) that a message can carry: the 1 MiB of an SQS message less
 * room for the envelope around it and for the attributes that the quarantine queue adds.
 */
export const MAX_ITEM_BYTES = 1_048_576 - 16_384;
/** A body up to this size travels as it is when rejected; a larger one is compressed. */
const PLAIN_BODY_BYTES = 32_768;
/** SQS refuses U+FFFE and U+FFFF, and JSON can write them as escapes. */
const NOT_IN_SQS = /[\uFFFE\uFFFF]/;

/**
 * The JSON of one event for the queue. `frameText` is the frame as it was received: valid JSON, so that it stands
 * in the message as it is and is not serialized again.
 */
export function encodeEvent(event: Omit<QueuedEvent, 'frame'>, frameText: string): string {
  const head = JSON.stringify(event);
  return sqsSafe(`${head.slice(0, -1)},"frame":${frameText}}`);
}

/** The JSON of a frame that could not become an event, whole; undefined when it does not fit even compressed. */
export function encodeRejectedFrame(
  data: Buffer,
  about: { reason: RejectionReason; protocol: ProtocolName; receivedAt: string },
): string | undefined {
  const { encoding, body } = encodeBody(data);
  const rejected: RejectedFrame['rejected'] = {
    reason: about.reason,
    protocol: about.protocol,
    receivedAt: about.receivedAt,
    bytes: data.length,
    encoding,
    body,
  };
  const item = sqsSafe(JSON.stringify({ rejected }));
  return Buffer.byteLength(item) <= MAX_ITEM_BYTES ? item : undefined;
}

/** The body of one message on the events queue. */
export function encodeEnvelope(
  envelope: { id: string; owner: string; sentAt: string },
  items: readonly string[],
): string {
  const { id, owner, sentAt } = envelope;
  return `{"v":1,"id":"${id}","owner":"${owner}","sentAt":"${sentAt}","events":[${items.join(',')}]}`;
}

function encodeBody(data: Buffer): Pick<RejectedFrame['rejected'], 'encoding' | 'body'> {
  if (data.length > PLAIN_BODY_BYTES)
    return { encoding: 'gzip+base64', body: gzipSync(data).toString('base64') };
  if (isUtf8(data)) return { encoding: 'utf8', body: data.toString('utf8') };
  return { encoding: 'base64', body: data.toString('base64') };
}

function sqsSafe(json: string): string {
  if (!NOT_IN_SQS.test(json)) return json;
  return json.replaceAll('\uFFFE', '\\ufffe').replaceAll('\uFFFF', '\\uffff');
}
