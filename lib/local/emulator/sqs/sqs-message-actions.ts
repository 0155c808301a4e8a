import { optionalNumber, optionalString, optionalStrings } from '../action-input.ts';
import { type Action, type ActionCall, AwsError, type JsonObject } from '../emulated-service.ts';
import { MAX_DELAY_SECONDS, MAX_VISIBILITY_SECONDS, MAX_WAIT_SECONDS } from './sqs-attributes.ts';
import { parseBatch, runBatch } from './sqs-batch.ts';
import { invalidValue, missingParameter, sqsError } from './sqs-errors.ts';
import { checkQueueType } from './sqs-fifo.ts';
import { MAX_MESSAGE_BYTES, md5OfAttributes, type ParsedMessage, parseNewMessage } from './sqs-message.ts';
import type { Queue } from './sqs-queue.ts';
import { MAX_IN_FLIGHT_MESSAGES } from './sqs-queue-types.ts';
import type { QueueRegistry } from './sqs-registry.ts';
import { toWireMessage } from './sqs-wire.ts';

/** Maximum number of messages per ReceiveMessage. */
const MAX_RECEIVE_MESSAGES = 10;

/** The actions on messages: send, receive, delete, change visibility. */
export function messageActions(registry: QueueRegistry): Record<string, Action> {
  const queueOf = (input: JsonObject) => registry.byUrl(optionalString(input, 'QueueUrl')).queue;
  return {
    SendMessage: (input) => send(queueOf(input), input),
    SendMessageBatch: (input) => sendBatch(queueOf(input), input),
    ReceiveMessage: (input, call) => receive(queueOf(input), input, call),
    DeleteMessage: (input) => deleteMessage(queueOf(input), input),
    DeleteMessageBatch: (input) => {
      const queue = queueOf(input);
      const entries = parseBatch(input, 'DeleteMessageBatchRequestEntry', ['ReceiptHandle']);
      return runBatch(entries, (entry) => deleteMessage(queue, entry));
    },
    ChangeMessageVisibility: (input) => changeVisibility(queueOf(input), input),
    ChangeMessageVisibilityBatch: (input) => {
      const queue = queueOf(input);
      const entries = parseBatch(input, 'ChangeMessageVisibilityBatchRequestEntry', [
        'ReceiptHandle',
        'VisibilityTimeout',
      ]);
      return runBatch(entries, (entry) => changeVisibility(queue, entry));
    },
  };
}

function send(queue: Queue, input: JsonObject, message: ParsedMessage = parseNewMessage(input)): JsonObject {
  const { maxMessageBytes } = queue.settings;
  if (message.bytes > maxMessageBytes)
    throw sqsError(
      'InvalidParameterValueException',
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxMessageBytes} bytes.`,
    );
  const delaySeconds = integer(input, 'DelaySeconds', 0, MAX_DELAY_SECONDS);
  checkQueueType(queue.settings, message, delaySeconds);
  // A FIFO queue accepts a delay of 0, which does not replace its own.
  const delayMs = delaySeconds === undefined || queue.settings.fifo ? undefined : delaySeconds * 1_000;
  const { messageId, sequenceNumber } = queue.accept(message, delayMs);
  const attributesMd5 = md5OfAttributes(message.attributes ?? {});
  return {
    MessageId: messageId,
    MD5OfMessageBody: message.md5OfBody,
    ...(attributesMd5 !== undefined && { MD5OfMessageAttributes: attributesMd5 }),
    ...(sequenceNumber !== undefined && { SequenceNumber: sequenceNumber }),
  };
}

function sendBatch(queue: Queue, request: JsonObject): JsonObject {
  const members = [
    'MessageBody',
    'DelaySeconds',
    'MessageAttributes',
    'MessageGroupId',
    'MessageDeduplicationId',
  ];
  const entries = parseBatch(request, 'SendMessageBatchRequestEntry', members);
  const parsed = new Map(entries.map(({ input }) => [input, attempt(() => parseNewMessage(input))]));
  let bytes = 0;
  for (const message of parsed.values()) if (!(message instanceof AwsError)) bytes += message.bytes;
  if (bytes > MAX_MESSAGE_BYTES)
    throw sqsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  return runBatch(entries, (entry) => {
    const message = parsed.get(entry);
    if (message instanceof AwsError) throw message;
    return send(queue, entry, message);
  });
}

function attempt<T>(run: () => T): T | AwsError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

async function receive(queue: Queue, input: JsonObject, call: ActionCall = {}): Promise<JsonObject> {
  const max = integer(input, 'MaxNumberOfMessages', 1, MAX_RECEIVE_MESSAGES) ?? 1;
  const waitSeconds = integer(input, 'WaitTimeSeconds', 0, MAX_WAIT_SECONDS);
  const visibilitySeconds = integer(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
  const systemNames = [
    ...optionalStrings(input, 'AttributeNames'),
    ...optionalStrings(input, 'MessageSystemAttributeNames'),
  ];
  const attributeNames = optionalStrings(input, 'MessageAttributeNames');
  const waitMs = waitSeconds === undefined ? queue.settings.waitMs : waitSeconds * 1_000;
  // At the limit, a long poll waits and a short poll is refused (SQS quota).
  if (waitMs === 0 && queue.counts().inFlight >= MAX_IN_FLIGHT_MESSAGES)
    throw sqsError('OverLimit', `Too many messages in flight: ${MAX_IN_FLIGHT_MESSAGES}. Delete some first.`);
  const deliveries = await queue.receive({
    max,
    waitMs,
    ...(visibilitySeconds !== undefined && { visibilityTimeoutMs: visibilitySeconds * 1_000 }),
    ...(call.signal && { signal: call.signal }),
  });
  if (deliveries.length === 0) return {};
  return { Messages: deliveries.map((delivery) => toWireMessage(delivery, systemNames, attributeNames)) };
}

function deleteMessage(queue: Queue, input: JsonObject): undefined {
  const handle = receiptHandleOf(input);
  if (queue.delete(handle).expired)
    throw invalidValue(handle, 'ReceiptHandle', 'The receipt handle has expired.');
}

function changeVisibility(queue: Queue, input: JsonObject): undefined {
  const seconds = integer(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
  if (seconds === undefined) throw missingParameter('VisibilityTimeout');
  queue.changeVisibility(receiptHandleOf(input), seconds * 1_000);
}

function receiptHandleOf(input: JsonObject): string {
  const handle = optionalString(input, 'ReceiptHandle');
  if (handle === undefined || handle === '') throw missingParameter('ReceiptHandle');
  return handle;
}

function integer(input: JsonObject, name: string, min: number, max: number): number | undefined {
  const value = optionalNumber(input, name);
  if (value !== undefined && (!Number.isInteger(value) || value < min || value > max))
    throw invalidValue(value, name, `Must be an integer between ${min} and ${max}.`);
  return value;
}
