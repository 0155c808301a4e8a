import { sqsError } from './sqs-errors.ts';
import type { Delivery, StoredMessage } from './sqs-queue-types.ts';

/** The content of a receipt handle: the stored message, and which of its receives it is. */
export interface Receipt {
  readonly key: number;
  readonly receive: number;
}

const RECEIPT = /^(\d{1,15}) (\d{1,9}) (\S+)$/;

/** A receipt handle, opaque to callers as in AWS. */
export function formatReceipt(queueName: string, receipt: Receipt): string {
  return Buffer.from(`${receipt.key} ${receipt.receive} ${queueName}`).toString('base64');
}

/** Reads a receipt handle of this queue. @throws ReceiptHandleIsInvalid for anything else. */
export function parseReceipt(queueName: string, handle: string): Receipt {
  const match = RECEIPT.exec(Buffer.from(handle, 'base64').toString());
  if (match === null || match[3] !== queueName)
    throw sqsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${handle}" is not a valid receipt handle.`,
    );
  return { key: Number(match[1]), receive: Number(match[2]) };
}

/** The latest receive of a message, without the data that only its queue uses. */
export function toDelivery(
  message: StoredMessage,
  queueName: string,
  receive: Pick<Delivery, 'receiveCount' | 'firstReceivedAtMs'>,
): Delivery {
  const { messageId, body, md5OfBody, attributes, sentAtMs } = message;
  const { groupId, deduplicationId, sequenceNumber, deadLetterSourceArn } = message;
  return {
    ...{ messageId, body, md5OfBody, attributes, sentAtMs, ...receive },
    receiptHandle: formatReceipt(queueName, { key: message.key, receive: message.receives }),
    ...(groupId !== undefined && { groupId }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(sequenceNumber !== undefined && { sequenceNumber }),
    ...(deadLetterSourceArn !== undefined && { deadLetterSourceArn }),
  };
}
