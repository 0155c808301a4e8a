import { isJsonObject } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { invalidValue, sqsError } from './sqs-errors.ts';
import { MAX_MESSAGE_BYTES } from './sqs-message.ts';
import type { Queue } from './sqs-queue.ts';
import type { QueueSettings } from './sqs-queue-types.ts';

/** Queue attributes in the wire format: names to strings. */
export type QueueAttributes = Readonly<Record<string, string>>;

/** Numeric attributes: minimum, maximum (SQS quotas) and default. In seconds, except the last, which is in bytes. */
const NUMERIC = {
  VisibilityTimeout: [0, 43_200, 30],
  MessageRetentionPeriod: [60, 1_209_600, 345_600],
  DelaySeconds: [0, 900, 0],
  ReceiveMessageWaitTimeSeconds: [0, 20, 0],
  MaximumMessageSize: [1_024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES],
} as const satisfies Record<string, readonly [min: number, max: number, initial: number]>;

/** Stored and returned, without effect. */
const INERT = [
  'Policy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'RedriveAllowPolicy',
];
const COMPUTED = [
  'QueueArn',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
];
const MAX_RECEIVES = 1_000;

/** Maximum visibility timeout in seconds (SQS quota: 12 h). */
export const MAX_VISIBILITY_SECONDS = NUMERIC.VisibilityTimeout[1];
/** Maximum delay of a message in seconds. */
export const MAX_DELAY_SECONDS = NUMERIC.DelaySeconds[1];
/** Maximum long poll in seconds. */
export const MAX_WAIT_SECONDS = NUMERIC.ReceiveMessageWaitTimeSeconds[1];

/** Reads `Attributes` of CreateQueue and SetQueueAttributes. Numbers are accepted too, because the CLI may send them. */
export function parseAttributes(value: unknown): QueueAttributes {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value))
    throw sqsError('InvalidAttributeValue', 'Attributes must be an object of strings.');
  const attributes: Record<string, string> = {};
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(NUMERIC, name) && !INERT.includes(name) && name !== 'RedrivePolicy')
      throw unknownAttribute(name);
    if (typeof given !== 'string' && typeof given !== 'number') throw invalidAttribute(name, given);
    attributes[name] = String(given);
  }
  return attributes;
}

/** Checks attributes and converts them to settings. Absent ones have their defaults. */
export function toSettings(
  attributes: QueueAttributes,
  queueExists: (arn: string) => boolean,
): QueueSettings {
  const seconds = (name: keyof typeof NUMERIC) => numeric(name, attributes[name]) * 1_000;
  const redrive = parseRedrive(attributes.RedrivePolicy, queueExists);
  return {
    visibilityTimeoutMs: seconds('VisibilityTimeout'),
    retentionMs: seconds('MessageRetentionPeriod'),
    delayMs: seconds('DelaySeconds'),
    waitMs: seconds('ReceiveMessageWaitTimeSeconds'),
    maxMessageBytes: numeric('MaximumMessageSize', attributes.MaximumMessageSize),
    ...(redrive && { redrive }),
  };
}

/** The answer of GetQueueAttributes. */
export function describeAttributes(
  queue: Queue,
  attributes: QueueAttributes,
  times: { createdAtMs: number; changedAtMs: number },
  names: readonly string[],
): JsonObject {
  const counts = queue.counts();
  const all: Record<string, string> = {
    ...Object.fromEntries(Object.entries(NUMERIC).map(([name, [, , initial]]) => [name, String(initial)])),
    SqsManagedSseEnabled: 'true',
    ...attributes,
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    CreatedTimestamp: String(Math.floor(times.createdAtMs / 1_000)),
    LastModifiedTimestamp: String(Math.floor(times.changedAtMs / 1_000)),
  };
  if (names.includes('All')) return all;
  const known = [...Object.keys(NUMERIC), ...INERT, ...COMPUTED, 'RedrivePolicy'];
  for (const name of names) if (!known.includes(name)) throw unknownAttribute(name);
  return Object.fromEntries(names.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]));
}

function numeric(name: keyof typeof NUMERIC, value: string | undefined): number {
  const [min, max, initial] = NUMERIC[name];
  if (value === undefined) return initial;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max) throw invalidAttribute(name, value);
  return number;
}

function parseRedrive(
  value: string | undefined,
  queueExists: (arn: string) => boolean,
): QueueSettings['redrive'] {
  if (value === undefined || value === '') return undefined;
  const refuse = (reason: string) => invalidValue(value, 'RedrivePolicy', reason);
  let policy: unknown;
  try {
    policy = JSON.parse(value);
  } catch (error) {
    throw refuse(`It is not JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
  if (!isJsonObject(policy)) throw refuse('It must be an object.');
  const { deadLetterTargetArn, maxReceiveCount } = policy;
  if (typeof deadLetterTargetArn !== 'string') throw refuse('deadLetterTargetArn is missing.');
  const receives = Number(maxReceiveCount);
  if (!Number.isInteger(receives) || receives < 1 || receives > MAX_RECEIVES)
    throw refuse(`maxReceiveCount must be an integer from 1 to ${MAX_RECEIVES}.`);
  if (!queueExists(deadLetterTargetArn)) throw refuse('Dead letter target does not exist.');
  return { deadLetterTargetArn, maxReceiveCount: receives };
}

function unknownAttribute(name: string): Error {
  if (name === 'FifoQueue')
    return sqsError('UnsupportedOperation', 'The emulator has standard queues only; leave out FifoQueue.');
  return sqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

function invalidAttribute(name: string, value: unknown): Error {
  return sqsError(
    'InvalidAttributeValue',
    `Invalid value ${JSON.stringify(value)} for the parameter ${name}.`,
  );
}
