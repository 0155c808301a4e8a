import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import pLimit from 'p-limit';
import { batches } from '../../lib/aws/batches.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { EventDetail, QueuedEvent } from '../../lib/events/schema.ts';
import type { Deadline } from './deadline.ts';
import type { EventAudit } from './event-audit.ts';
import type { Oversize } from './oversize.ts';

/** Entries per PutEvents; an EventBridge limit. */
const MAX_ENTRIES_PER_CALL = 10;
/** Bytes per PutEvents, and therefore per entry. */
export const MAX_PUT_EVENTS_BYTES = 1_048_576 - 1;
/** Bytes that EventBridge counts for the time of an entry. */
const ENTRY_TIME_BYTES = 14;
/** Concurrent calls to EventBridge or S3. */
const MAX_CONCURRENT_CALLS = 8;
/** Error codes of entries that would fail on every attempt. Entries with any other code are retried. */
const PERMANENT_CODES: ReadonlySet<string> = new Set([
  'MalformedDetail',
  'InvalidArgument',
  'NotAuthorizedForSourceException',
  'NotAuthorizedForDetailTypeException',
]);

/** What happened to an event. `left`: it was not accepted in time. */
export type Publication =
  | { readonly state: 'published' }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'left' /** An error that retrying cannot fix. */; readonly error?: unknown };

/** What happened to the events of one call. */
export type Publications = ReadonlyMap<QueuedEvent, Publication>;

/** Options of the publisher. */
export interface PublisherOptions {
  /** Name or ARN. */
  busName: string;
  /** `source` of the events. */
  source: string;
  /** Events larger than this are published as a reference; at most {@link MAX_PUT_EVENTS_BYTES}. */
  oversizeBytes?: number;
  /** Stores events that are too large. If undefined, such events are refused. */
  oversize?: Oversize | undefined;
  /** Called for every event that EventBridge accepted. */
  audit?: EventAudit;
}

interface Entry {
  event: QueuedEvent;
  detail: EventDetail;
  entry: PutEventsRequestEntry & { Detail: string };
  bytes: number;
}

/** Publishes events to the bus, in the format of Genesys Cloud's own EventBridge integration. */
export class Publisher {
  private readonly client: EventBridgeClient;
  private readonly busName: string;
  private readonly source: string;
  private readonly oversizeBytes: number;
  private readonly oversize: Oversize | undefined;
  private readonly audit: EventAudit | undefined;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);
  /** A separate limit, so that a bucket that does not respond does not delay other events. */
  private readonly storeLimit = pLimit(MAX_CONCURRENT_CALLS);

  constructor(client: EventBridgeClient, options: PublisherOptions) {
    this.client = client;
    this.oversizeBytes = options.oversizeBytes ?? MAX_PUT_EVENTS_BYTES;
    this.oversize = options.oversize;
    this.audit = options.audit;
    this.busName = options.busName;
    this.source = options.source;
  }

  /**
   * Publishes events, and retries until the deadline.
   *
   * @returns for each event, the result of the call that contains it; never rejects
   */
  publish(events: readonly QueuedEvent[], deadline: Deadline): Map<QueuedEvent, Promise<Publications>> {
    const entries = events.map((event) => this.toEntry(event, toDetail(event)));
    // A reference is not stored again, because it would replace the object that it refers to.
    const isSent = ({ bytes, event }: Entry) => bytes <= this.oversizeBytes || event.oversize !== undefined;
    const small = entries.filter(isSent);
    const results = new Map<QueuedEvent, Promise<Publications>>();
    for (const batch of batches(small, MAX_ENTRIES_PER_CALL, MAX_PUT_EVENTS_BYTES, ({ bytes }) => bytes)) {
      const result = this.put(batch, deadline);
      for (const { event } of batch) results.set(event, result);
    }
    for (const entry of entries) if (!isSent(entry)) results.set(entry.event, this.store(entry, deadline));
    return results;
  }

  private async put(batch: readonly Entry[], deadline: Deadline): Promise<Publications> {
    const results = new Map<QueuedEvent, Publication>();
    let left = batch;
    for (let attempt = 1; ; attempt++) {
      const round = await this.limit(() => this.putOnce(left, deadline));
      for (const [event, result] of round) results.set(event, result);
      for (const { event, detail } of left)
        if (results.get(event)?.state === 'published') this.audit?.published(event, detail);
      left = left.filter(({ event }) => isLeft(results.get(event)));
      if (left.length === 0 || !(await deadline.allowsRetry(attempt))) return results;
    }
  }

  /** Sends a batch once. After a timeout, some of its entries may have been published (P2). */
  private async putOnce(batch: readonly Entry[], deadline: Deadline): Promise<Publications> {
    const command = new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) });
    try {
      const { Entries } = await deadline.call((abortSignal) => this.client.send(command, { abortSignal }));
      return new Map(batch.map(({ event }, index) => [event, publication(Entries?.[index])]));
    } catch (error) {
      const left = isTransient(error) ? LEFT : ({ state: 'left', error } as const);
      return new Map(batch.map(({ event }) => [event, left]));
    }
  }

  /** Stores an event that is too large, and publishes a reference. */
  private async store({ event, entry }: Entry, deadline: Deadline): Promise<Publications> {
    const { oversize } = this;
    const reason = `larger than the ${this.oversizeBytes} bytes of PutEvents`;
    if (!oversize) return new Map([[event, { state: 'refused', reason }]]);
    try {
      const reference = await this.storeLimit(() => oversize.put(event, entry.Detail, deadline));
      if (reference) return await this.put([this.toEntry(event, toDetail(reference))], deadline);
      return new Map([[event, LEFT]]);
    } catch (error) {
      return new Map([[event, { state: 'left', error }]]);
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
    return { event, detail, entry, bytes };
  }
}

const LEFT = { state: 'left' } as const;

/** Whether another call may publish the event. */
function isLeft(result: Publication | undefined): boolean {
  // Stryker disable next-line OptionalChaining: required by the type of a Map; every event has a result
  return result?.state === 'left' && result.error === undefined;
}

// Stryker disable next-line StringLiteral: a missing code is never a permanent one
function publication({ EventId, ErrorCode = '', ErrorMessage = '' }: PutEventsResultEntry = {}): Publication {
  if (EventId) return { state: 'published' };
  if (!PERMANENT_CODES.has(ErrorCode)) return LEFT;
  return { state: 'refused', reason: `EventBridge: ${ErrorCode} ${ErrorMessage}` };
}
