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

/** Attributes that only FIFO queues have: their values, the default first. */
const FIFO = {
  FifoQueue: ['true'],
  ContentBasedDeduplication: ['false', 'true'],
  DeduplicationScope: ['queue', 'messageGroup'],
  // Without effect: the emulator does not limit throughput.
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
} as const satisfies Record<string, readonly string[]>;
const FIFO_SUFFIX = '.fifo';
/** Finds the queue of an ARN. */
type FindQueue = (arn: string) => Pick<Queue, 'settings'> | undefined;

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
const MAX_NAME_CHARACTERS = 80;

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
    const isKnown = Object.hasOwn(NUMERIC, name) || Object.hasOwn(FIFO, name) || INERT.includes(name);
    // As in AWS, a standard queue is created without FifoQueue, not with the value false.
    if ((!isKnown && name !== 'RedrivePolicy') || (name === 'FifoQueue' && String(given) === 'false'))
      throw unknownAttribute(name);
    if (typeof given !== 'string' && typeof given !== 'number') throw invalidAttribute(name, given);
    attributes[name] = String(given);
  }
  return attributes;
}

/** Checks attributes and converts them to settings. Absent ones have their defaults. */
export function toSettings(attributes: QueueAttributes, findQueue: FindQueue): QueueSettings {
  const fifo = fifoSettings(attributes);
  const seconds = (name: keyof typeof NUMERIC) => numeric(name, attributes[name]) * 1_000;
  const redrive = parseRedrive(attributes.RedrivePolicy, fifo !== undefined, findQueue);
  return {
    visibilityTimeoutMs: seconds('VisibilityTimeout'),
    retentionMs: seconds('MessageRetentionPeriod'),
    delayMs: seconds('DelaySeconds'),
    waitMs: seconds('ReceiveMessageWaitTimeSeconds'),
    maxMessageBytes: numeric('MaximumMessageSize', attributes.MaximumMessageSize),
    ...(fifo && { fifo }),
    ...(redrive && { redrive }),
  };
}

/** Checks the name of a new queue, which shows its type. */
export function checkQueueName(name: string, { FifoQueue }: QueueAttributes): void {
  const base = FifoQueue === undefined ? name : name.slice(0, -FIFO_SUFFIX.length);
  const hasSuffix = FifoQueue === undefined || name.endsWith(FIFO_SUFFIX);
  if (/^[A-Za-z0-9_-]{1,80}$/.test(base) && name.length <= MAX_NAME_CHARACTERS && hasSuffix) return;
  throw invalidValue(
    name,
    'QueueName',
    FifoQueue === undefined
      ? 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.'
      : 'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.',
  );
}

function fifoSettings(attributes: QueueAttributes): QueueSettings['fifo'] {
  for (const [name, values] of Object.entries<readonly string[]>(FIFO)) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (!values.includes(value)) throw invalidAttribute(name, value);
    if (attributes.FifoQueue === undefined)
      throw sqsError(
        'InvalidAttributeName',
        `You can specify the ${name} only when FifoQueue is set to true.`,
      );
  }
  if (attributes.FifoQueue === undefined) return undefined;
  const scope = attributes.DeduplicationScope === 'messageGroup' ? 'messageGroup' : 'queue';
  if (attributes.FifoThroughputLimit === 'perMessageGroupId' && scope === 'queue')
    throw invalidAttribute('FifoThroughputLimit', attributes.FifoThroughputLimit);
  return {
    contentBasedDeduplication: attributes.ContentBasedDeduplication === 'true',
    deduplicationScope: scope,
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
    ...(queue.settings.fifo &&
      Object.fromEntries(Object.entries(FIFO).map(([name, [first]]) => [name, first]))),
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
  const known = [...Object.keys(NUMERIC), ...Object.keys(FIFO), ...INERT, ...COMPUTED, 'RedrivePolicy'];
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
  isFifo: boolean,
  findQueue: FindQueue,
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
  const target = findQueue(deadLetterTargetArn);
  if (target === undefined) throw refuse('Dead letter target does not exist.');
  if ((target.settings.fifo !== undefined) !== isFifo)
    throw refuse('Dead-letter queue must be same type of queue as the source.');
  return { deadLetterTargetArn, maxReceiveCount: receives };
}

function unknownAttribute(name: string): Error {
  return sqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

function invalidAttribute(name: string, value: unknown): Error {
  return sqsError(
    'InvalidAttributeValue',
    `Invalid value ${JSON.stringify(value)} for the parameter ${name}.`,
  );
}
