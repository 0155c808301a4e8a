import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { redact } from '../../lib/events/redaction.ts';
import type { MessageAge } from './retry-delay.ts';

/** Longest visibility timeout that SQS accepts, counted from the receive. */
const MAX_VISIBILITY_SECONDS = 43_200;
/** Time that an invocation can already have held the message. */
const MAX_HELD_SECONDS = 900;
/** Longer texts are truncated. */
const MAX_REASON_CHARACTERS = 500;
const MAX_ANSWER_CHARACTERS = 1_024;
/** A truncated answer can lack this many bytes, because half of a character is left out. */
const MAX_CHARACTER_BYTES = 4;

/** Why a message is not delivered. */
export interface Undeliverable {
  readonly reason: string;
  readonly status?: number | undefined;
  readonly answer?: string | undefined;
}

/** The ways in which a message leaves the function other than to its destination. */
export class MessageExits {
  private readonly client: SQSClient;
  private readonly destination: string;
  private readonly urls: {
    readonly queueUrl: string;
    readonly deadLetterQueueUrl: string;
    readonly quarantineQueueUrl: string;
  };

  constructor(client: SQSClient, destination: string, urls: MessageExits['urls']) {
    this.client = client;
    this.destination = destination;
    this.urls = urls;
  }

  /** Makes the message visible again after some time. The caller reports it as failed, so that it is not deleted. */
  async returnAfter({ receiptHandle }: SQSRecord, delayMs: number): Promise<void> {
    await this.client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.urls.queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.min(
          Math.max(0, Math.ceil(delayMs / 1000)),
          MAX_VISIBILITY_SECONDS - MAX_HELD_SECONDS,
        ),
      }),
    );
  }

  /** Moves the message to the dead-letter queue of the destination, with the reason. */
  async deadLetter(record: SQSRecord, { reason, status, answer }: Undeliverable): Promise<void> {
    await this.send(this.urls.deadLetterQueueUrl, record, {
      reason: attribute(reason, MAX_REASON_CHARACTERS),
      ...(status === undefined ? {} : { status: { DataType: 'Number', StringValue: String(status) } }),
      ...(answer ? { answer: attribute(withoutCutWord(answer), MAX_ANSWER_CHARACTERS) } : {}),
      deadLetteredAt: attribute(new Date().toISOString()),
    });
  }

  /** Moves a message that does not fit the mapping of the destination to the quarantine queue. */
  async quarantine(record: SQSRecord, reason: string): Promise<void> {
    await this.send(this.urls.quarantineQueueUrl, record, {
      reason: attribute(`delivery to ${this.destination}: ${reason}`, MAX_REASON_CHARACTERS),
      sourceMessageId: attribute(record.messageId),
      quarantinedAt: attribute(new Date().toISOString()),
    });
  }

  private async send(
    QueueUrl: string,
    { body, attributes: { MessageGroupId } }: SQSRecord,
    attributes: Record<string, MessageAttributeValue>,
  ): Promise<void> {
    const isFifo = QueueUrl.endsWith('.fifo');
    await this.client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: body,
        MessageAttributes: { destination: attribute(this.destination), ...attributes },
        ...(isFifo
          ? { MessageGroupId: MessageGroupId ?? this.destination, MessageDeduplicationId: randomUUID() }
          : {}),
      }),
    );
  }
}

/** Age of a message now. */
export function ageOf({
  attributes: { SentTimestamp, ApproximateFirstReceiveTimestamp },
}: SQSRecord): MessageAge {
  const nowMs = Date.now();
  const since = (timestamp: string) => Math.max(0, nowMs - Number(timestamp));
  return { queuedMs: since(SentTimestamp), receivedMs: since(ApproximateFirstReceiveTimestamp) };
}

/** Half of a secret at the end of a truncated answer would not be recognized, so its last word is left out. */
function withoutCutWord(answer: string): string {
  return Buffer.byteLength(answer) < MAX_ANSWER_CHARACTERS - MAX_CHARACTER_BYTES
    ? answer
    : answer.replace(/[\w\-.~+/=%]+$/, '');
}

/** An attribute without secrets, and without characters that SQS does not accept. */
function attribute(text: string, maxCharacters = MAX_REASON_CHARACTERS): MessageAttributeValue {
  const printable = redact(text).replace(/[^\x20-\x7e]/g, '?');
  return { DataType: 'String', StringValue: printable.slice(0, maxCharacters) || '-' };
}
