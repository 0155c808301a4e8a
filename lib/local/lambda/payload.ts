import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { Delivery } from '../emulator/sqs/sqs-queue-types.ts';
import { systemAttributes } from '../emulator/sqs/sqs-wire.ts';

/** Maximum payload of an invocation in bytes (Lambda quota: 6 MB). */
export const MAX_PAYLOAD_BYTES = 6 * 1_024 * 1_024;
/** Bytes of the payload around its records: `{"Records":[]}`. */
export const PAYLOAD_FRAME_BYTES = 14;

/** A message as Lambda passes it to a function. */
export function toRecord(delivery: Delivery, queueArn: string, region: string): SQSRecord {
  return {
    messageId: delivery.messageId,
    receiptHandle: delivery.receiptHandle,
    body: delivery.body,
    attributes: systemAttributes(delivery),
    messageAttributes: Object.fromEntries(
      Object.entries(delivery.attributes).map(([name, { dataType, stringValue, binaryValue }]) => [
        name,
        {
          ...(stringValue !== undefined && { stringValue }),
          ...(binaryValue !== undefined && { binaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType,
        },
      ]),
    ),
    md5OfBody: delivery.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

/** Bytes that a record takes in the payload, with the comma after it. */
export function recordBytes(record: SQSRecord): number {
  return Buffer.byteLength(JSON.stringify(record)) + 1;
}

/**
 * The messages that a response leaves on the queue, by Lambda's rules for ReportBatchItemFailures. A null or empty
 * response or list means that all messages succeeded. An invalid response, or an item that is empty, null, unknown or
 * repeated, means that the whole batch is redelivered.
 */
export function failedMessageIds(response: unknown, messageIds: ReadonlySet<string>): ReadonlySet<string> {
  const value = asJson(response);
  if (value === null) return new Set();
  if (typeof value !== 'object' || Array.isArray(value)) return messageIds;
  const { batchItemFailures } = value as Partial<SQSBatchResponse>;
  if (batchItemFailures === undefined || batchItemFailures === null) return new Set();
  if (!Array.isArray(batchItemFailures)) return messageIds;
  const failed = new Set<string>();
  for (const item of batchItemFailures as unknown[]) {
    const id = (item as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof id !== 'string' || !messageIds.has(id) || failed.has(id)) return messageIds;
    failed.add(id);
  }
  return failed;
}

/** The JSON of a response. Undefined becomes null, and a value without JSON becomes an invalid response. */
function asJson(response: unknown): unknown {
  if (response === undefined) return null;
  try {
    return JSON.parse(JSON.stringify(response) ?? 'null');
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
