import type { JsonObject } from '../emulated-service.ts';
import { type MessageAttributes, md5OfAttributes } from './sqs-message.ts';
import type { Delivery } from './sqs-queue-types.ts';

/** The sender of every message: a principal id in the format that AWS documents. */
export const SENDER_ID = 'AIDAIENQZJOLO23YVJ4VO';

/** The system attributes of a received message, by their names on the wire; times in ms since 1970. */
export function systemAttributes(delivery: Delivery): Record<string, string> & {
  ApproximateReceiveCount: string;
  SentTimestamp: string;
  SenderId: string;
  ApproximateFirstReceiveTimestamp: string;
} {
  const { deadLetterSourceArn, groupId, deduplicationId, sequenceNumber } = delivery;
  return {
    ApproximateReceiveCount: String(delivery.receiveCount),
    SentTimestamp: String(delivery.sentAtMs),
    SenderId: SENDER_ID,
    ApproximateFirstReceiveTimestamp: String(delivery.firstReceivedAtMs),
    ...(groupId !== undefined && { MessageGroupId: groupId }),
    ...(deduplicationId !== undefined && { MessageDeduplicationId: deduplicationId }),
    ...(sequenceNumber !== undefined && { SequenceNumber: sequenceNumber }),
    ...(deadLetterSourceArn !== undefined && { DeadLetterQueueSourceArn: deadLetterSourceArn }),
  };
}

/** A message in the response of ReceiveMessage, with the requested attributes. */
export function toWireMessage(
  delivery: Delivery,
  systemNames: readonly string[],
  attributeNames: readonly string[],
): JsonObject {
  const all = systemNames.includes('All');
  const system = Object.entries(systemAttributes(delivery)).filter(
    ([name]) => all || systemNames.includes(name),
  );
  const attributes = selectAttributes(delivery.attributes, attributeNames);
  const md5 = md5OfAttributes(attributes);
  return {
    MessageId: delivery.messageId,
    ReceiptHandle: delivery.receiptHandle,
    MD5OfBody: delivery.md5OfBody,
    Body: delivery.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(md5 !== undefined && {
      MD5OfMessageAttributes: md5,
      MessageAttributes: toWireAttributes(attributes),
    }),
  };
}

/** `All` and `.*` select every attribute, `prefix.*` those with the prefix. */
function selectAttributes(attributes: MessageAttributes, names: readonly string[]): MessageAttributes {
  if (names.length === 0) return {};
  const wanted = (name: string) =>
    names.some(
      (pattern) =>
        pattern === 'All' ||
        pattern === name ||
        (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -2))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wanted(name)));
}

function toWireAttributes(attributes: MessageAttributes): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      binaryValue === undefined
        ? { DataType: dataType, StringValue: stringValue }
        : { DataType: dataType, BinaryValue: binaryValue },
    ]),
  );
}
