import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { EventDetail, QueuedEvent } from '../../lib/events/schema.ts';
import { batches } from './batches.ts';
import type { Deadline } from './deadline.ts';
import type { Oversize } from './oversize.ts';

/** Entries per PutEvents; an EventBridge limit. */
const MAX_ENTRIES_PER_CALL = 10;
/** Bytes per PutEvents, and therefore per entry. */
export const MAX_PUT_EVENTS_BYTES = 1_048_576 - 1;
/** Bytes that EventBridge counts for the time of an entry. */
const ENTRY_TIME_BYTES = 14;
/** Concurrent calls to EventBridge or S3. */
const MAX_CONCURRENT_CALLS = 8;
/** Error codes of entries that fail on every attempt. All other entries are retried. */
const PERMANENT_CODES: ReadonlySet<string> = new Set([
  'MalformedDetail',
  'InvalidArgument',
  'NotAuthorizedForSourceException',
  'NotAuthorizedForDetailTypeException',
]);

/** An event that EventBridge will never accept. */
export interface RefusedEvent {
  readonly event: QueuedEvent;
  readonly reason: string;
}

/** The outcome of publishing events. */
export interface PublishOutcome {
  readonly published: readonly QueuedEvent[];
  readonly refused: readonly RefusedEvent[];
  /** Events that were not accepted in time. */
  readonly left: readonly QueuedEvent[];
  /** An error that retrying cannot fix; the events of that call are in `left`. */
  readonly error?: unknown;
}

/** Options of the publisher. */
export interface PublisherOptions {
  /** Name or ARN. */
  busName: string;
  /** `source` of the events. */
  source: string;
  /** Entries larger than this are published as a reference; at most {@link MAX_PUT_EVENTS_BYTES}. */
  oversizeBytes?: number;
  /** Stores events that are too large; without it such events are refused. */
  oversize?: Oversize | undefined;
}

interface Entry {
  event: QueuedEvent;
  entry: PutEventsRequestEntry & { Detail: string };
  bytes: number;
}

/** The result of one call. */
interface CallResult extends Partial<PublishOutcome> {
  /** Entries for the next PutEvents. */
  readonly toPut: readonly Entry[];
}

/** Publishes events to the bus, in the shape of Genesys Cloud's own EventBridge integration. */
export class Publisher {
  private readonly client: EventBridgeClient;
  private readonly busName: string;
  private readonly source: string;
  private readonly oversizeBytes: number;
  private readonly oversize: Oversize | undefined;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);

  constructor(client: EventBridgeClient, options: PublisherOptions) {
    this.client = client;
    this.oversizeBytes = options.oversizeBytes ?? MAX_PUT_EVENTS_BYTES;
    this.oversize = options.oversize;
    this.busName = options.busName;
    this.source = options.source;
  }

  /** Publishes events in concurrent batches. Only failed entries are retried, until the deadline. */
  async publish(events: readonly QueuedEvent[], deadline: Deadline): Promise<PublishOutcome> {
    const entries = events.map((event) => this.toEntry(event, toDetail(event)));
    const large = entries.filter(({ bytes }) => bytes > this.oversizeBytes);
    const results = await this.limit.map(large, (one) => this.store(one, deadline));
    let toPut = [
      ...entries.filter(({ bytes }) => bytes <= this.oversizeBytes),
      ...results.flatMap((result) => result.toPut),
    ];
    for (let attempt = 1; toPut.length > 0; attempt++) {
      const calls = batches(toPut, MAX_ENTRIES_PER_CALL, MAX_PUT_EVENTS_BYTES, ({ bytes }) => bytes);
      const round = await this.limit.map(calls, (batch) => this.put(batch));
      results.push(...round);
      toPut = round.flatMap((result) => result.toPut);
      if (results.some(({ error }) => error !== undefined)) break;
      if (toPut.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return {
      published: results.flatMap(({ published }) => published ?? []),
      refused: results.flatMap(({ refused }) => refused ?? []),
      left: [...toPut.map(({ event }) => event), ...results.flatMap(({ left }) => left ?? [])],
      error: results.find(({ error }) => error !== undefined)?.error,
    };
  }

  /** Puts a batch; after a timeout some of its entries may have been published (P2). */
  private async put(batch: readonly Entry[]): Promise<CallResult> {
    try {
      const { Entries } = await this.client.send(
        new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) }),
      );
      return putResult(batch, Entries);
    } catch (error) {
      // Other calls may have published events, which must be marked before the error is thrown.
      return isTransient(error) ? { toPut: batch } : { toPut: batch, error };
    }
  }

  /** Stores an event that is too large. */
  private async store({ event, entry }: Entry, deadline: Deadline): Promise<CallResult> {
    const reason = `larger than the ${this.oversizeBytes} bytes of PutEvents`;
    if (!this.oversize) return { refused: [{ event, reason }], toPut: [] };
    try {
      const reference = await this.oversize.put(toDetail(event), entry.Detail, deadline);
      return reference ? { toPut: [this.toEntry(event, reference)] } : { left: [event], toPut: [] };
    } catch (error) {
      return { left: [event], toPut: [], error };
    }
  }

  private toEntry(event: QueuedEvent, detail: EventDetail): Entry {
    const Detail = JSON.stringify(detail);
    const bytes =
      ENTRY_TIME_BYTES + this.source.length + Buffer.byteLength(event.type) + Buffer.byteLength(Detail);
    const entry = {
      EventBusName: this.busName,
      Source: this.source,
      DetailType: event.type,
      Time: new Date(detail.timestamp),
      Detail,
    };
    return { event, entry, bytes };
  }
}

function putResult(batch: readonly Entry[], results: readonly PutEventsResultEntry[] = []): CallResult {
  const published: QueuedEvent[] = [];
  const refused: RefusedEvent[] = [];
  const toPut: Entry[] = [];
  for (const [index, entry] of batch.entries()) {
    const { event } = entry;
    const { EventId, ErrorCode = '', ErrorMessage = '' } = results[index] ?? {};
    if (EventId) published.push(event);
    else if (PERMANENT_CODES.has(ErrorCode))
      refused.push({ event, reason: `EventBridge: ${ErrorCode} ${ErrorMessage}` });
    else toPut.push(entry);
  }
  return { published, refused, toPut };
}
