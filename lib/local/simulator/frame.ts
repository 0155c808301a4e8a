import { hash } from 'node:crypto';

/** What the platform writes as `version` in every event frame. */
export const FRAME_VERSION = '2';

/** One event as it travels on the socket. There is no event id, sequence or server time in it. */
export interface Frame {
  /** Topic with real ids, such as `v2.users.6f…e1.presence`. */
  readonly topicName: string;
  readonly version: string;
  readonly eventBody: unknown;
  readonly metadata: FrameMetadata;
}

/** `CorrelationId` is one a conversation, not one an event. */
export interface FrameMetadata {
  readonly CorrelationId?: string;
  readonly [name: string]: unknown;
}

/** What makes an event that event: its topic and its body. */
export type KeyedFrame = Pick<Frame, 'topicName' | 'eventBody'>;

/** A text was given as a recorded frame that is none. */
export class FrameTextError extends Error {
  readonly code = 'FRAME_TEXT';
  constructor(problem: string, options?: ErrorOptions) {
    super(
      `Not a frame of the notification service: ${problem}. Give the JSON text as it was recorded.`,
      options,
    );
    this.name = 'FrameTextError';
  }
}

/**
 * The ledger's own key of an event: SHA-1 of the topic and the JSON text of the body, in the order of keys in
 * which it was sent. It shares nothing with the product's identities, so that one mistake cannot hide in both.
 */
export function eventKey(topicName: string, bodyText: string): string {
  return hash('sha1', `${topicName}\n${bodyText}`, 'base64url');
}

/** {@link eventKey} of a frame. */
export function keyOfFrame(frame: KeyedFrame): string {
  return eventKey(frame.topicName, JSON.stringify(frame.eventBody) ?? '');
}

/** The text of a frame around the text of its body, so that a body is turned to text once. */
export function frameText(frame: Frame, bodyText: string): string {
  return (
    `{"topicName":${JSON.stringify(frame.topicName)},"version":${JSON.stringify(frame.version)},` +
    `"eventBody":${bodyText},"metadata":${JSON.stringify(frame.metadata)}}`
  );
}

/**
 * Reads a recorded frame.
 * @throws FrameTextError when it is no JSON object with a body
 */
export function parseFrameText(text: string): { readonly eventBody: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FrameTextError('it is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || !('eventBody' in value)) {
    throw new FrameTextError('it has no eventBody');
  }
  return { eventBody: value.eventBody };
}
