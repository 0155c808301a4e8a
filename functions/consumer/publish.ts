import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { eventTime } from '../../lib/events/event-time.ts';
import type { EventDetail, QueuedEvent } from '../../lib/events/schema.ts';
import type { Deadline } from './deadline.ts';
import type { Oversize } from './oversize.ts';

/** Entries of one PutEvents; an EventBridge limit. */
const ENTRIES = 10;
/** Most bytes of one PutEvents, and so of one entry. */
export const REQUEST_BYTES = 1_048_576 - 1;
/** What EventBridge counts for an entry's time. */
const TIME_BYTES = 14;
/** Calls of PutEvents at once. */
const CONCURRENCY = 8;
/** Refusals of an entry for what it is. All others are tried again. */
const PERMANENT_CODES: ReadonlySet<string> = new Set([
  'MalformedDetail',
  'InvalidArgument',
  'NotAuthorizedForSourceException',
  'NotAuthorizedForDetailTypeException',
]);

/** What became of events that were to be published. */
export interface PublishOutcome {
  published: QueuedEvent[];
  /** Refused for what they are; no retry can mend them. */
  refused: { event: QueuedEvent; reason: string }[];
  /** Not accepted in time. */
  left: QueuedEvent[];
  /** Why a whole call was refused, where a person must mend that; its events are `left`. */
  error?: unknown;
}

/** How the publisher publishes. */
export interface PublisherOptions {
  /** Name or ARN. */
  busName: string;
  /** `source` of the events. */
  source: string;
  /** Entries larger than this travel by reference; at most {@link REQUEST_BYTES}. */
  oversizeBytes?: number;
  /** Takes what is too large; without it such events are refused. */
  oversize?: Oversize | undefined;
}

interface Entry {
  event: QueuedEvent;
  entry: PutEventsRequestEntry & { Detail: string };
  bytes: number;
}

/** Puts events on the bus, in the shape of Genesys Cloud's own EventBridge integration. */
export class Publisher {
  private readonly client: EventBridgeClient;
  private readonly busName: string;
  private readonly source: string;
  private readonly oversizeBytes: number;
  private readonly oversize: Oversize | undefined;
  private readonly limit = pLimit(CONCURRENCY);

  constructor(client: EventBridgeClient, options: PublisherOptions) {
    this.client = client;
    this.oversizeBytes = options.oversizeBytes ?? REQUEST_BYTES;
    this.oversize = options.oversize;
    this.busName = options.busName;
    this.source = options.source;
  }

  /** Publish events, tens a call, several calls at once; failed entries alone are tried again while time lasts. */
  async publish(events: readonly QueuedEvent[], deadline: Deadline): Promise<PublishOutcome> {
    const outcome: PublishOutcome = { published: [], refused: [], left: [] };
    const entries = events.map((event) => this.toEntry(event, toDetail(event)));
    let left = entries.filter(({ bytes }) => bytes <= this.oversizeBytes);
    const large = entries.filter(({ bytes }) => bytes > this.oversizeBytes);
    const stored = await Promise.all(
      large.map((one) => this.limit(() => this.putAside(one, outcome, deadline))),
    );
    left.push(...stored.flatMap((one) => one ?? []));
    const untried = large.filter(({ event }, index) => !stored[index] && !isRefused(event, outcome));
    for (let attempt = 1; left.length > 0; attempt++) {
      const calls = batches(left).map((batch) => this.limit(() => this.put(batch, outcome)));
      left = (await Promise.all(calls)).flat();
      if (outcome.error !== undefined) break;
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    outcome.left = [...left, ...untried].map(({ event }) => event);
    return outcome;
  }

  /** @returns the entries to try again; after a timeout some of them may have been published (P2) */
  private async put(batch: readonly Entry[], outcome: PublishOutcome): Promise<readonly Entry[]> {
    try {
      const { Entries } = await this.client.send(
        new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) }),
      );
      return batch.filter(({ event }, index) => {
        const result = Entries?.[index];
        if (result?.EventId) outcome.published.push(event);
        else if (PERMANENT_CODES.has(result?.ErrorCode ?? '')) {
          outcome.refused.push({
            event,
            reason: `EventBridge: ${result?.ErrorCode} ${result?.ErrorMessage ?? ''}`,
          });
        } else return true;
        return false;
      });
    } catch (error) {
      // Other calls may have published, which is to be marked before anything is thrown.
      if (!isTransient(error)) outcome.error ??= error;
      return batch;
    }
  }

  /** @returns the entry that refers to one that is too large; undefined when there is none */
  private async putAside(
    { event, entry }: Entry,
    outcome: PublishOutcome,
    deadline: Deadline,
  ): Promise<Entry | undefined> {
    if (!this.oversize) {
      outcome.refused.push({ event, reason: `larger than the ${this.oversizeBytes} bytes of PutEvents` });
      return undefined;
    }
    try {
      const reference = await this.oversize.put(toDetail(event), entry.Detail, deadline);
      return reference && this.toEntry(event, reference);
    } catch (error) {
      outcome.error ??= error;
      return undefined;
    }
  }

  private toEntry(event: QueuedEvent, detail: EventDetail): Entry {
    const Detail = JSON.stringify(detail);
    const bytes = TIME_BYTES + this.source.length + Buffer.byteLength(event.type) + Buffer.byteLength(Detail);
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

/** `detail` of the published event. */
export function toDetail({
  id,
  protocol,
  receivedAt,
  sequence,
  backfilled,
  late,
  frame,
}: QueuedEvent): EventDetail {
  const { topicName, version, timestamp: _, eventBody, metadata, ...unknown } = frame;
  return {
    topicName,
    ...(version === undefined ? {} : { version }),
    timestamp: eventTime(frame, receivedAt),
    eventBody,
    metadata: {
      ...metadata,
      eventId: id,
      protocol,
      ...(sequence === undefined ? {} : { sequence }),
      receivedAt,
      backfilled: backfilled ?? false,
      late: late ?? false,
    },
    ...unknown,
  };
}

function isRefused(event: QueuedEvent, { refused }: PublishOutcome): boolean {
  return refused.some((one) => one.event === event);
}

function batches(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = all.at(-1);
    bytes += entry.bytes;
    if (last && last.length < ENTRIES && bytes <= REQUEST_BYTES) last.push(entry);
    else {
      all.push([entry]);
      bytes = entry.bytes;
    }
  }
  return all;
}
