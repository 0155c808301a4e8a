import { SERIAL_FIELD } from './frame.ts';
import { memberSpan } from './json-span.ts';

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
 * Checks that a string is a recorded frame.
 *
 * @throws FrameTextError if the string is not a JSON object with an `eventBody` whose `metadata`, if any, is an object
 */
export function checkFrameText(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FrameTextError('it is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || !('eventBody' in value)) {
    throw new FrameTextError('it has no eventBody');
  }
  if ('metadata' in value && !isObject(value.metadata)) {
    throw new FrameTextError('its metadata is not an object');
  }
}

/** The text of a recorded frame with a serial number in its metadata. All other characters remain as they are. */
export function textWithSerial(text: string, serial: number): string {
  const field = `"${SERIAL_FIELD}":${serial}`;
  const metadata = memberSpan(text, ['metadata']);
  if (metadata === undefined) {
    const end = text.lastIndexOf('}');
    return `${text.slice(0, end)},"metadata":{${field}}${text.slice(end)}`;
  }
  // At the end, because the last of several fields with the same name counts.
  const end = metadata.end - 1;
  const isEmpty = text.slice(metadata.start + 1, end).trim() === '';
  return `${text.slice(0, end)}${isEmpty ? '' : ','}${field}${text.slice(end)}`;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
