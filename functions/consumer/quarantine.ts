import { randomUUID } from 'node:crypto';
import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { redact } from '../../lib/events/redaction.ts';
import type { Deadline } from './deadline.ts';

/** SQS limits of one SendMessageBatch. */
const BATCH_ENTRIES = 10;
const BATCH_BYTES = 1_048_576;
/** Characters of a reason that are kept. */
const REASON_LIMIT_CHARACTERS = 500;
/** What a message's attributes take of the size limit, generously. */
const ATTRIBUTES_BYTES = 2_048;
/** SQS refuses U+FFFE and U+FFFF, and JSON can write them as escapes. */
const NOT_IN_SQS = /[\uFFFE\uFFFF]/g;

/** Something that no retry can mend. `body` can be sent to the events queue again once its reason is gone. */
export interface Quarantined {
  body: string;
  reason: string;
  /** SQS id of the message it came in. */
  messageId: string;
}

/** The body for items of an envelope that are split off it: they keep its claims by keeping its owner. */
export function splitOff(owner: string, items: readonly unknown[]): string {
  const body = { v: 1, id: randomUUID(), owner, sentAt: new Date().toISOString(), events: items };
  return JSON.stringify(body).replace(NOT_IN_SQS, (one) => `\\u${one.charCodeAt(0).toString(16)}`);
}

/** Puts what cannot be mended into the quarantine queue, whole, with its reason. */
export class Quarantine {
  private readonly client: SQSClient;
  private readonly queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.client = client;
    this.queueUrl = queueUrl;
  }

  /**
   * Send; what SQS does not take is sent again while time lasts. What is too large for a message with its reason is
   * not sent: the message that it came in goes to the dead-letter queue in the end, whole.
   *
   * @returns those that the queue has not accepted
   */
  async put(all: readonly Quarantined[], deadline: Deadline): Promise<Quarantined[]> {
    const tooLarge = all.filter((one) => sizeBytes(one) > BATCH_BYTES);
    let left = all.filter((one) => !tooLarge.includes(one));
    for (let attempt = 1; left.length > 0; attempt++) {
      const refused: Quarantined[] = [];
      for (const batch of batches(left)) refused.push(...(await this.send(batch)));
      left = refused;
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return [...left, ...tooLarge];
  }

  private async send(batch: readonly Quarantined[]): Promise<readonly Quarantined[]> {
    try {
      const { Successful } = await this.client.send(
        new SendMessageBatchCommand({ QueueUrl: this.queueUrl, Entries: batch.map(toEntry) }),
      );
      const accepted = new Set(Successful?.map(({ Id }) => Id));
      return batch.filter((_, index) => !accepted.has(String(index)));
    } catch (error) {
      if (isTransient(error)) return batch;
      throw error;
    }
  }
}

function toEntry({ body, reason, messageId }: Quarantined, index: number): SendMessageBatchRequestEntry {
  const attribute = (value: string) => ({ DataType: 'String', StringValue: value });
  return {
    Id: String(index),
    MessageBody: body,
    MessageAttributes: {
      reason: attribute(
        redact(reason)
          .slice(0, REASON_LIMIT_CHARACTERS)
          .replace(/[^\x20-\x7e]/g, '?'),
      ),
      sourceMessageId: attribute(messageId),
      quarantinedAt: attribute(new Date().toISOString()),
    },
  };
}

function sizeBytes({ body }: Quarantined): number {
  return Buffer.byteLength(body) + ATTRIBUTES_BYTES;
}

function batches(all: readonly Quarantined[]): Quarantined[][] {
  const batches: Quarantined[][] = [];
  let bytes = 0;
  for (const one of all) {
    const last = batches.at(-1);
    bytes += sizeBytes(one);
    if (last && last.length < BATCH_ENTRIES && bytes <= BATCH_BYTES) last.push(one);
    else {
      batches.push([one]);
      bytes = sizeBytes(one);
    }
  }
  return batches;
}
