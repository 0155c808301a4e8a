import { sqsError } from './sqs-errors.ts';

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
