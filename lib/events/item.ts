import { isUtf8 } from 'node:buffer';
import { hash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { TooDeepError } from './canonical-json.ts';
import { detailType } from './detail-type.ts';
import { assertFrameDepth, contentIdentity, protocolIdentity, recoveryKey } from './identity.ts';
import type { Frame, RejectedFrame, RejectionReason, StoredObject } from './schema.ts';

/**
 * Largest item (one event or rejected frame, as JSON) that a message can carry: the 1 MiB of an SQS message minus
 * room for the envelope and for the attributes that the quarantine queue adds.
 */
export const MAX_ITEM_BYTES = 1_048_576 - 16_384;
/** A rejected body up to this size is not compressed; a larger one is. */
const MAX_PLAIN_BODY_BYTES = 32_768;

/** An event as received over a protocol. */
export interface ReceivedEvent {
  readonly frame: Frame;
  /** The frame's original JSON text. If undefined, the frame is serialized. */
  readonly text?: string;
  /** Id assigned by the protocol, if any. */
  readonly id?: string;
  /** Sequence number within the subscription, if the protocol numbers events. */
  readonly sequence?: number;
  /** Whether it arrived after an event with a higher sequence number. */
  readonly late?: boolean;
}

/** What is known about a rejected frame. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly protocol: string;
  /** ISO 8601. */
  readonly receivedAt: string;
  /** Content was redacted. The size is that of the remaining content. */
  readonly redacted?: true;
}

/** One item of an envelope: its JSON and size. */
export interface Item {
  readonly json: string;
  readonly bytes: number;
}

/** How an event is distinguished from all others. */
export interface EventIdentity {
  readonly id: string;
  /**
   * The id identifies this delivery, because nothing in the event distinguishes a copy from a recurring state. Copies
   * of such an event have different ids.
   */
  readonly isWeak: boolean;
  /** The {@link recoveryKey} of an event that is identified by its content. */
  readonly key?: string;
}

/**
 * The identity of an event: the id that the protocol assigned, if any; the id derived from its content, if the content
 * identifies the occurrence; otherwise a new id.
 *
 * @returns undefined if the frame is nested too deeply to be compared or serialized
 */
export function identify(protocol: string, event: ReceivedEvent): EventIdentity | undefined {
  try {
    const key = event.id === undefined ? recoveryKey(event.frame) : undefined;
    if (key !== undefined) return { id: contentIdentity(event.frame), isWeak: false, key };
    assertFrameDepth(event.frame);
    return event.id === undefined
      ? weakIdentity()
      : { id: protocolIdentity(protocol, event.id), isWeak: false };
  } catch (error) {
    if (error instanceof TooDeepError) return undefined;
    throw error;
  }
}

/** The identity of a delivery. */
export function weakIdentity(): EventIdentity {
  return { id: randomUUID(), isWeak: true };
}

/**
 * The item of an event. The frame's original text is inserted unchanged, so it is not serialized again.
 *
 * @param about - `identity` from {@link identify}; `receivedAt` in ISO 8601
 * @returns undefined if the item is larger than {@link MAX_ITEM_BYTES}
 */
export function eventItem(
  event: ReceivedEvent,
  about: {
    identity: EventIdentity;
    protocol: string;
    receivedAt: string;
    oversize?: StoredObject;
    backfill?: { readonly gapId: string; readonly reconstructed?: boolean };
  },
): Item | undefined {
  const { frame, sequence, late } = event;
  const head = JSON.stringify({
    id: about.identity.id,
    type: detailType(frame.topicName),
    protocol: about.protocol,
    receivedAt: about.receivedAt,
    sequence,
    ...(about.backfill ? { backfilled: true, ...about.backfill } : {}),
    ...(late ? { late } : {}),
    ...(about.identity.isWeak ? { weak: true } : {}),
    ...(about.oversize ? { oversize: about.oversize } : {}),
  });
  return sized(`${head.slice(0, -1)},"frame":${event.text ?? JSON.stringify(frame)}}`);
}

/**
 * The item of a frame that is not a valid event. It contains the complete frame for the quarantine queue.
 *
 * @param compression - `always` also compresses small bodies, so that no characters remain that SQS refuses
 * @returns undefined if it is larger than {@link MAX_ITEM_BYTES} even when compressed
 */
export function rejectedItem(data: Buffer, about: Rejection, compression?: 'always'): Item | undefined {
  const isCompressed = compression === 'always' || data.length > MAX_PLAIN_BODY_BYTES;
  const body = isCompressed ? compressed(data) : plain(data);
  const rejected: RejectedFrame['rejected'] = { ...about, bytes: data.length, ...body };
  return sized(JSON.stringify({ rejected }));
}

/** The item of a rejected frame whose content is withheld because it cannot be redacted. */
export function withheldItem(data: Buffer, about: Rejection): Item {
  const rejected: RejectedFrame['rejected'] = {
    ...about,
    bytes: data.length,
    encoding: 'withheld',
    body: '',
    sha256: hash('sha256', data),
  };
  return sizedText(JSON.stringify({ rejected }));
}

/** The item of a rejected frame that is stored in a bucket, because it does not fit into a message. */
export function storedRejectedItem(stored: StoredObject, about: Rejection): Item {
  const rejected: RejectedFrame['rejected'] = {
    ...about,
    bytes: stored.bytes,
    encoding: 's3',
    body: '',
    stored,
  };
  return sizedText(JSON.stringify({ rejected }));
}

/** The same JSON, with escapes for the two characters that SQS refuses. */
export function withoutRefusedCharacters(json: string): string {
  return json.replaceAll('\uFFFE', '\\ufffe').replaceAll('\uFFFF', '\\uffff');
}

function sized(text: string): Item | undefined {
  const item = sizedText(text);
  return item.bytes > MAX_ITEM_BYTES ? undefined : item;
}

function sizedText(text: string): Item {
  const json = withoutRefusedCharacters(text);
  return { json, bytes: Buffer.byteLength(json) };
}

type EncodedBody = Pick<RejectedFrame['rejected'], 'encoding' | 'body'>;

function compressed(data: Buffer): EncodedBody {
  return { encoding: 'gzip+base64', body: gzipSync(data).toString('base64') };
}

function plain(data: Buffer): EncodedBody {
  if (isUtf8(data)) return { encoding: 'utf8', body: data.toString('utf8') };
  return { encoding: 'base64', body: data.toString('base64') };
}
