import type { Fault } from 'switchboard-local/emulator/emulator-faults.ts';
import type { PublishedEvent } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { fingerprint } from '../../functions/consumer/mark.ts';

const PUT_EVENTS = 'AWSEvents.PutEvents';
const UPDATE_ITEM = 'DynamoDB_20120810.UpdateItem';
/** Stalled events whose ids are kept until they are published. */
const MAX_STALLED_EVENTS = 500_000;
/** An event id is the base64url of a SHA-256. */
const EVENT_ID = /(?<![\w-])[\w-]{43}(?![\w-])/g;

interface PublishedDetail {
  topicName: string;
  eventBody: unknown;
  metadata: { eventId: string };
}

/**
 * Reports to the ledger what happened to events: which reached the bus, which were stalled by an injected fault, and
 * which publishes had an unknown outcome, so that a repeat is allowed.
 */
export class Accounting {
  /** Arrivals on the bus, including repeats. */
  published = 0;
  private firstAtMs = 0;
  private lastAtMs = 0;
  private readonly ledger: Ledger;
  private readonly stalled = new Set<string>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** Events that reached the bus per second, from the first to the last. */
  get eventsPerSecond(): number {
    const ms = this.lastAtMs - this.firstAtMs;
    return ms > 0 ? Math.round((this.published * 1000) / ms) : 0;
  }

  /** An event reached the bus. */
  onPublished({ event }: PublishedEvent): void {
    this.lastAtMs = performance.now();
    if (this.published++ === 0) this.firstAtMs = this.lastAtMs;
    const detail = event.detail as unknown as PublishedDetail;
    const key = this.ledger.keyOf(detail);
    if (this.stalled.delete(detail.metadata.eventId)) this.ledger.markStalled(key);
    this.ledger.received(key);
  }

  /** The local AWS injected a fault into a call. */
  onAwsFault({ kind, target, body }: Fault): void {
    this.stall(body);
    // The events are published, but the consumer gets no response.
    if (target === PUT_EVENTS && kind === 'timeout_after_commit')
      for (const { key } of this.entries(body)) this.ledger.allowRepeat(key);
  }

  /** The consumer was killed or timed out. Events that it published but did not mark may be published again. */
  onKilled({ records, calls }: Pick<Invocation, 'records' | 'calls'>): void {
    for (const { body } of records) this.stall(body);
    const marked = new Set(
      calls
        .filter(({ target, answered }) => target === UPDATE_ITEM && answered)
        .flatMap(({ body }) => markedFingerprints(body)),
    );
    for (const { target, body } of calls) {
      if (target !== PUT_EVENTS) continue;
      for (const { key, eventId } of this.entries(body))
        if (!marked.has(fingerprint(eventId))) this.ledger.allowRepeat(key);
    }
  }

  /** Messages returned to the queue without a fault of their own, such as one of two concurrent deliveries. */
  onReturned({ records, failedMessageIds }: Pick<Invocation, 'records' | 'failedMessageIds'>): void {
    for (const { messageId, body } of records) if (failedMessageIds.has(messageId)) this.stall(body);
  }

  private entries(body: string): { key: string; eventId: string }[] {
    const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
    return Entries.map(({ Detail }) => {
      const detail = JSON.parse(Detail) as PublishedDetail;
      return { key: this.ledger.keyOf(detail), eventId: detail.metadata.eventId };
    });
  }

  private stall(body: string): void {
    for (const [id] of body.matchAll(EVENT_ID)) {
      if (this.stalled.size < MAX_STALLED_EVENTS) this.stalled.add(id);
    }
  }
}

function markedFingerprints(body: string): string[] {
  const values = (JSON.parse(body) as { ExpressionAttributeValues?: Record<string, { BS?: string[] }> })
    .ExpressionAttributeValues;
  return (values?.[':done']?.BS ?? []).map((one) => Buffer.from(one, 'base64').toString('base64url'));
}
