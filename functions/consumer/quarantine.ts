import { randomUUID } from 'node:crypto';
import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { batches } from '../../lib/aws/batches.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { withoutRefusedCharacters } from '../../lib/events/item.ts';
import { redact } from '../../lib/events/redaction.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import type { Deadline } from './deadline.ts';

/** Entries and bytes per SendMessageBatch; SQS limits. */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;
/** Longer reasons are truncated. */
const MAX_REASON_CHARACTERS = 500;
/** Upper estimate of the size of a message's attributes, which count toward the size limit. */
const ATTRIBUTES_BYTES = 2_048;

/** An item that failed permanently. When the cause is fixed, `body` can be sent to the events queue again. */
export interface Quarantined {
  body: string;
  reason: string;
  /** SQS id of the message that contained the item. */
  messageId: string;
  /** What the body contains. Undefined if it is a message that could not be read. */
  item?: { readonly event?: QueuedEvent | undefined; readonly content: unknown };
}

/** A message body for items that are split off from an envelope. It has the same owner, so it owns the same claims. */
export function splitOff(owner: string, items: readonly unknown[]): string {
  const body = { v: 1, id: randomUUID(), owner, sentAt: new Date().toISOString(), events: items };
  return withoutRefusedCharacters(JSON.stringify(body));
}

/** Sends items that failed permanently to the quarantine queue, complete and with the reason. */
export class Quarantine {
  private readonly client: SQSClient;
  private readonly queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.client = client;
    this.queueUrl = queueUrl;
  }

  /**
   * Sends items and retries until the deadline. An item that is too large for one message together with its reason is
   * not sent. Its source message ends up in the dead-letter queue.
   *
   * @returns the items that the queue did not accept, and an error that retrying cannot fix
   */
  async put(
    all: readonly Quarantined[],
    deadline: Deadline,
  ): Promise<{ left: Set<Quarantined>; error?: unknown }> {
    const left = new Set(all);
    try {
      for (let attempt = 1; ; attempt++) {
        const toSend = [...left].filter((one) => sizeBytes(one) <= MAX_BATCH_BYTES);
        for (const batch of batches(toSend, MAX_BATCH_ENTRIES, MAX_BATCH_BYTES, sizeBytes))
          for (const accepted of await this.send(batch, deadline)) left.delete(accepted);
        if (toSend.every((one) => !left.has(one)) || !(await deadline.allowsRetry(attempt))) return { left };
      }
    } catch (error) {
      return { left, error };
    }
  }

  /** @returns the items that the queue accepted */
  private async send(batch: readonly Quarantined[], deadline: Deadline): Promise<readonly Quarantined[]> {
    const command = new SendMessageBatchCommand({ QueueUrl: this.queueUrl, Entries: batch.map(toEntry) });
    try {
      const { Successful } = await deadline.call((abortSignal) => this.client.send(command, { abortSignal }));
      const accepted = new Set(Successful?.map(({ Id }) => Id));
      return batch.filter((_, index) => accepted.has(String(index)));
    } catch (error) {
      // Stryker disable next-line ArrayDeclaration: deleting a string from a set of items changes nothing
      if (isTransient(error)) return [];
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
          .slice(0, MAX_REASON_CHARACTERS)
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
