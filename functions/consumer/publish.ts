import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/errors.ts';
import { eventTime } from '../../lib/events/event-time.ts';
import type { EventDetail, QueuedEvent } from '../../lib/events/schema.ts';
import type { Deadline } from './deadline.ts';

/** EventBridge's limits of one PutEvents. */
const ENTRIES = 10;
const REQUEST_BYTES = 1_048_576 - 1;
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
}

interface Entry {
  event: QueuedEvent;
  entry: PutEventsRequestEntry;
  bytes: number;
}

/** Puts events on the bus, in the shape of Genesys Cloud's own EventBridge integration. */
export class Publisher {
  private readonly client: EventBridgeClient;
  private readonly busName: string;
  private readonly source: string;
  private readonly limit = pLimit(CONCURRENCY);

  constructor(client: EventBridgeClient, options: { busName: string; source: string }) {
    this.client = client;
    this.busName = options.busName;
    this.source = options.source;
  }

  /** Publish events, tens a call, several calls at once; failed entries alone are tried again while time lasts. */
  async publish(events: readonly QueuedEvent[], deadline: Deadline): Promise<PublishOutcome> {
    const outcome: PublishOutcome = { published: [], refused: [], left: [] };
    let left: Entry[] = [];
    for (const entry of events.map((event) => this.toEntry(event))) {
      if (entry.bytes <= REQUEST_BYTES) left.push(entry);
      else
        outcome.refused.push({
          event: entry.event,
          reason: `larger than the ${REQUEST_BYTES} bytes of PutEvents`,
        });
    }
    for (let attempt = 1; left.length > 0; attempt++) {
      const calls = batches(left).map((batch) => this.limit(() => this.put(batch, outcome)));
      left = (await Promise.all(calls)).flat();
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    outcome.left = left.map(({ event }) => event);
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
      if (isTransient(error)) return batch;
      throw error;
    }
  }

  private toEntry(event: QueuedEvent): Entry {
    const detail = toDetail(event);
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

function batches(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = [];
  let batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (batch.length === ENTRIES || (batch.length > 0 && bytes + entry.bytes > REQUEST_BYTES)) {
      all.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += entry.bytes;
  }
  if (batch.length > 0) all.push(batch);
  return all;
}
