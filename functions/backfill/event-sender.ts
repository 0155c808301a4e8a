import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import type { Item } from '../../lib/events/item.ts';

/** Size and events of an envelope, as the ingester makes them. A larger item has its own envelope. */
const MAX_ENVELOPE_BYTES = 60_000;
const MAX_ENVELOPE_EVENTS = 200;
/** Limits of SendMessageBatch. */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576 - 16_384;
/** Attempts to send a batch, and the delays between them. */
const MAX_ATTEMPTS = 8;
const BASE_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;

/** SQS did not accept messages. The backfill is continued later. */
export class SendError extends Error {
  readonly code = 'not_sent';
  readonly retriable = true;

  constructor(options: ErrorOptions) {
    super('SQS did not accept recovered events; they are sent again later', options);
    this.name = 'SendError';
  }
}

/** Sends recovered events to the events queue, in the order in which they are given. */
export class EventSender {
  private readonly sqs: SQSClient;
  private readonly queueUrl: string;

  /** @param sqs - a client that does not retry by itself */
  constructor(sqs: SQSClient, queueUrl: string) {
    this.sqs = sqs;
    this.queueUrl = queueUrl;
  }

  /**
   * Sends items, and returns when SQS has accepted all of them.
   *
   * @throws {@link SendError} if SQS does not accept them, an `AbortError` if the signal is aborted
   */
  async send(items: readonly Item[], signal?: AbortSignal): Promise<void> {
    for (const batch of batchesOf(envelopesOf(items))) await this.sendBatch(batch, signal);
  }

  private async sendBatch(envelopes: readonly (readonly Item[])[], signal?: AbortSignal): Promise<void> {
    let left = envelopes;
    let cause: unknown;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      signal?.throwIfAborted();
      const Entries = left.map((items, index) => ({ Id: String(index), MessageBody: bodyOf(items) }));
      try {
        const command = new SendMessageBatchCommand({ QueueUrl: this.queueUrl, Entries });
        const { Successful = [] } = await this.sqs.send(command, signal ? { abortSignal: signal } : {});
        const accepted = new Set(Successful.map(({ Id }) => Id));
        left = left.filter((_, index) => !accepted.has(String(index)));
        if (left.length === 0) return;
      } catch (error) {
        cause = error;
      }
      const waitMs = Math.random() * Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * 2 ** attempt);
      await delay(waitMs, undefined, signal ? { signal } : {});
    }
    throw new SendError({ cause });
  }
}

/** An envelope has a new id in every attempt, because the outcome of the one before may be unknown (P3). */
function bodyOf(items: readonly Item[]): string {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  return encodeEnvelope(
    { id, owner: id, sentAt },
    items.map(({ json }) => json),
  );
}

function envelopesOf(items: readonly Item[]): Item[][] {
  return packed(items, ({ bytes }) => bytes, { maxBytes: MAX_ENVELOPE_BYTES, maxCount: MAX_ENVELOPE_EVENTS });
}

function batchesOf(envelopes: readonly Item[][]): Item[][][] {
  const bytesOf = (items: readonly Item[]) => items.reduce((sum, { bytes }) => sum + bytes + 1, 0);
  return packed(envelopes, bytesOf, { maxBytes: MAX_BATCH_BYTES, maxCount: MAX_BATCH_ENTRIES });
}

/** Groups of successive values within the limits. A value that exceeds them has its own group. */
function packed<T>(
  values: readonly T[],
  bytesOf: (value: T) => number,
  { maxBytes, maxCount }: { maxBytes: number; maxCount: number },
): T[][] {
  const groups: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const group = groups.at(-1);
    bytes += bytesOf(value);
    if (group && group.length < maxCount && bytes <= maxBytes) {
      group.push(value);
    } else {
      groups.push([value]);
      bytes = bytesOf(value);
    }
  }
  return groups;
}
