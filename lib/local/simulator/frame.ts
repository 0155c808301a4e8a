/** Value of `version` in every event frame of the platform. */
export const FRAME_VERSION = '2';
/**
 * Name of the metadata field with the serial number of an event. Genesys Cloud has no such field. It is outside the
 * body, so it does not affect the identity of an event, and it arrives on the bus in `detail.metadata`.
 */
export const SERIAL_FIELD = 'SimulatorSerial';

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

/** The part of a frame, or of the `detail` of an event on the bus, that has the serial number. */
export interface SerialCarrier {
  readonly metadata?: unknown;
  /** Events of protocols without metadata have the serial number in their body. */
  readonly eventBody?: unknown;
}

/** The serial number of an event, or undefined if it has none. */
export function serialOf({ metadata, eventBody }: SerialCarrier): number | undefined {
  return serialIn(metadata) ?? serialIn(eventBody);
}

function serialIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const serial = (value as Readonly<Record<string, unknown>>)[SERIAL_FIELD];
  return Number.isSafeInteger(serial) ? (serial as number) : undefined;
}

/** The text of a frame, given the text of its body, so that a body is serialized only once. */
export function frameText(frame: Frame, bodyText: string): string {
  return (
    `{"topicName":${JSON.stringify(frame.topicName)},"version":${JSON.stringify(frame.version)},` +
    `"eventBody":${bodyText},"metadata":${JSON.stringify(frame.metadata)}}`
  );
}
