import { hash } from 'node:crypto';

/** Value of `version` in every event frame of the platform. */
export const FRAME_VERSION = '2';

/** An event as sent on the socket. It has no event id, sequence number or server time. */
export interface Frame {
  /** Topic with real ids, such as `v2.users.6f…e1.presence`. */
  readonly topicName: string;
  readonly version: string;
  readonly eventBody: unknown;
  readonly metadata: FrameMetadata;
}

/** `CorrelationId` identifies a conversation, not an event. */
export interface FrameMetadata {
  readonly CorrelationId?: string;
  readonly [name: string]: unknown;
}

/** The parts of a frame that identify an event: its topic and its body. */
export type KeyedFrame = Pick<Frame, 'topicName' | 'eventBody'>;

/** A text that was passed as a recorded frame is not a frame. */
export class FrameTextError extends Error {
  readonly code = 'FRAME_TEXT';
  constructor(problem: string, options?: ErrorOptions) {
    super(
      `Not a frame of the notification service: ${problem}. Pass the JSON text as it was recorded.`,
      options,
    );
    this.name = 'FrameTextError';
  }
}

/**
 * The ledger's key of an event: SHA-1 of the topic and the JSON text of the body, with its keys in the order sent. It
 * is independent of the product's event ids, so that a mistake in one does not go unnoticed because of the other.
 */
export function eventKey(topicName: string, bodyText: string): string {
  return hash('sha1', `${topicName}\n${bodyText}`, 'base64url');
}

/** The text of a frame, given the text of its body, so that a body is serialized only once. */
export function frameText(frame: Frame, bodyText: string): string {
  return (
    `{"topicName":${JSON.stringify(frame.topicName)},"version":${JSON.stringify(frame.version)},` +
    `"eventBody":${bodyText},"metadata":${JSON.stringify(frame.metadata)}}`
  );
}

/**
 * Parses a recorded frame.
 *
 * @throws FrameTextError if the text is not a JSON object with an `eventBody`
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
