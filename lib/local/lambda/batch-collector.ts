import type { SQSRecord } from 'aws-lambda';
import type { Queue } from '../emulator/sqs/sqs-queue.ts';
import { MAX_PAYLOAD_BYTES, PAYLOAD_FRAME_BYTES, recordBytes, toRecord } from './payload.ts';

/** Duration of a long poll in ms: the maximum of SQS. */
const POLL_WAIT_MS = 20_000;
/** Messages per receive: the maximum of SQS. */
const MESSAGES_PER_RECEIVE = 10;

export interface CollectorOptions {
  readonly queue: Queue;
  readonly region: string;
  readonly batchSize: number;
  /** Maximum time to collect a batch, in ms from its first message. */
  readonly windowMs: number;
  readonly signal: AbortSignal;
}

/** Collects messages into batches, which end at the batch size, the window or 6 MB, whichever is first. */
export class BatchCollector {
  private readonly options: CollectorOptions;
  /** Received messages that did not fit into the last batch. All are from one receive. */
  private carried: SQSRecord[] = [];

  constructor(options: CollectorOptions) {
    this.options = options;
  }

  /** Waits for the next batch; empty only when the signal aborts. */
  async next(): Promise<SQSRecord[]> {
    const { batchSize, windowMs, signal } = this.options;
    const batch: SQSRecord[] = [];
    let bytes = PAYLOAD_FRAME_BYTES;
    let deadlineMs = Number.POSITIVE_INFINITY;
    while (batch.length < batchSize) {
      const leftMs = Math.min(deadlineMs - Date.now(), POLL_WAIT_MS);
      if (signal.aborted || (batch.length > 0 && leftMs <= 0)) break;
      for (const record of await this.receive(batchSize - batch.length, leftMs)) {
        if (batch.length === 0) deadlineMs = Date.now() + windowMs;
        const size = recordBytes(record);
        if (this.carried.length > 0 || bytes + size > MAX_PAYLOAD_BYTES) {
          this.carried.push(record);
          continue;
        }
        batch.push(record);
        bytes += size;
      }
      if (this.carried.length > 0) break;
    }
    // The next batch of a FIFO queue may begin before this one ends, so it must not contain messages of its groups.
    if (this.options.queue.settings.fifo) this.release();
    return batch;
  }

  /** Releases received messages that are not in a batch. They become visible again at once. */
  release(): void {
    const released = this.carried.splice(0);
    for (const { receiptHandle } of released) {
      if (!this.options.queue.closed) this.options.queue.changeVisibility(receiptHandle, 0);
    }
  }

  private async receive(max: number, waitMs: number): Promise<SQSRecord[]> {
    if (this.carried.length > 0) return this.carried.splice(0);
    const { queue, region, signal } = this.options;
    const deliveries = await queue.receive({ max: Math.min(max, MESSAGES_PER_RECEIVE), waitMs, signal });
    return deliveries.map((delivery) => toRecord(delivery, queue.arn, region));
  }
}
