import { createHash } from 'node:crypto';
import { isJsonObject, optionalString } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { invalidValue, missingParameter, sqsError } from './sqs-errors.ts';

/** Maximum size of a message and of all messages of a batch, attributes included (SQS quotas). */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** SQS quota. */
const MAX_ATTRIBUTES_PER_MESSAGE = 10;

/** One message attribute. A binary value is kept in base64, as on the wire. */
export interface MessageAttribute {
  readonly dataType: string;
  readonly stringValue?: string;
  readonly binaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** A message to send, checked. */
export interface NewMessage {
  readonly body: string;
  readonly attributes?: MessageAttributes;
  /** `MessageGroupId`, which FIFO queues require. */
  readonly groupId?: string;
  /** `MessageDeduplicationId`, for FIFO queues only. */
  readonly deduplicationId?: string;
  /** UTF-8 bytes of body and attributes together; those of the body if absent. */
  readonly bytes?: number;
  /** In hex; computed if absent. */
  readonly md5OfBody?: string;
}

/** A message from the wire, with its size and checksum. */
export type ParsedMessage = NewMessage & Required<Pick<NewMessage, 'bytes' | 'md5OfBody'>>;

// SQS accepts the characters of XML 1.0. With the u flag an unpaired surrogate is a code point outside these ranges.
const ILLEGAL_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** MD5 in hex, which SQS returns for bodies. */
export function md5Hex(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/**
 * MD5 of message attributes as SQS defines it: for each attribute in the order of names, the name, the data type and
 * the value, each preceded by its length in four bytes, and a byte 1 (string) or 2 (binary) before the value. Undefined
 * if there are no attributes.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    add(Buffer.from(name));
    add(Buffer.from(attribute.dataType));
    const binary = attribute.binaryValue !== undefined;
    hash.update(Buffer.from([binary ? 2 : 1]));
    add(binary ? Buffer.from(attribute.binaryValue, 'base64') : Buffer.from(attribute.stringValue ?? ''));
  }
  return hash.digest('hex');
}

/** Reads and checks the members of SendMessage, or of an entry of SendMessageBatch. */
export function parseNewMessage(input: JsonObject): ParsedMessage {
  const body = optionalString(input, 'MessageBody');
  if (body === undefined || body === '') throw missingParameter('MessageBody');
  if (ILLEGAL_CHARACTER.test(body))
    throw sqsError('InvalidMessageContents', 'Invalid binary character was found in the message body.');
  const attributes = parseAttributes(input.MessageAttributes);
  const groupId = parseFifoId(input, 'MessageGroupId');
  const deduplicationId = parseFifoId(input, 'MessageDeduplicationId');
  return {
    body,
    ...(groupId !== undefined && { groupId }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(attributes && { attributes }),
    bytes: Buffer.byteLength(body) + attributeBytes(attributes ?? {}),
    md5OfBody: md5Hex(body),
  };
}

function parseFifoId(
  input: JsonObject,
  name: 'MessageGroupId' | 'MessageDeduplicationId',
): string | undefined {
  const id = optionalString(input, name);
  // Letters, digits and punctuation: the visible characters of ASCII.
  if (id !== undefined && !/^[!-~]{1,128}$/.test(id))
    throw invalidValue(
      id,
      name,
      `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
  return id;
}

function attributeBytes(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, attribute] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.dataType);
    bytes +=
      Buffer.byteLength(attribute.stringValue ?? '') +
      Buffer.byteLength(attribute.binaryValue ?? '', 'base64');
  }
  return bytes;
}

function parseAttributes(value: unknown): MessageAttributes | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw invalidValue(value, 'MessageAttributes', 'It must be an object.');
  const names = Object.keys(value);
  if (names.length === 0) return undefined;
  if (names.length > MAX_ATTRIBUTES_PER_MESSAGE)
    throw invalidValue(
      names.length,
      'MessageAttributes',
      `A message has at most ${MAX_ATTRIBUTES_PER_MESSAGE} attributes.`,
    );
  return Object.fromEntries(names.map((name) => [name, parseAttribute(name, value[name])]));
}

function parseAttribute(name: string, value: unknown): MessageAttribute {
  const refuse = (reason: string) =>
    sqsError(
      'InvalidParameterValueException',
      `The message attribute '${name}' is invalid. Reason: ${reason}`,
    );
  if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name))
    throw refuse('Its name may have letters, digits, "_", "-" and ".".');
  if (!isJsonObject(value)) throw refuse('It must be an object.');
  const dataType = optionalString(value, 'DataType');
  const stringValue = optionalString(value, 'StringValue');
  const binaryValue = optionalString(value, 'BinaryValue');
  if (dataType === undefined || !/^(String|Number|Binary)(\..+)?$/.test(dataType))
    throw refuse('DataType must begin with String, Number or Binary.');
  if (dataType.startsWith('Binary')) {
    if (!binaryValue) throw refuse('It must contain a non-empty BinaryValue.');
    return { dataType, binaryValue };
  }
  if (!stringValue) throw refuse('It must contain a non-empty StringValue.');
  if (ILLEGAL_CHARACTER.test(stringValue))
    throw refuse('StringValue contains a character that SQS does not accept.');
  if (dataType.startsWith('Number') && !Number.isFinite(Number(stringValue)))
    throw refuse(`Could not cast "${stringValue}" to a number.`);
  return { dataType, stringValue };
}
