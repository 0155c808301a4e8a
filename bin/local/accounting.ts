import type { Fault } from 'switchboard-local/emulator/emulator-faults.ts';
import type { PublishedEvent } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { fingerprint } from '../../functions/consumer/mark.ts';

const PUT_EVENTS = 'AWSEvents.PutEvents';
const UPDATE_ITEM = 'DynamoDB_20120810.UpdateItem';
/** Event ids hit by a stall that are remembered until their events are published. */
const STALLED_LIMIT = 500_000;
/** An event id is the base64url of a SHA-256. */
const EVENT_ID = /(?<![\w-])[\w-]{43}(?![\w-])/g;

interface PublishedDetail {
  topicName: string;
  eventBody: unknown;
  metadata: { eventId: string };
}

/**
 * Tells the ledger what happened to events on their way: which reached the bus, which were hit by an injected
 * stall, and of which the outcome of a publish is unknown, so that one more may follow.
 */
export class Accounting {
  /** Arrivals on the bus, repeats included. */
  published = 0;
  private firstAtMs = 0;
  private lastAtMs = 0;
  private readonly ledger: Ledger;
  private readonly stalled = new Set<string>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** Events that reached the bus a second, from the first to the last. */
  get eventsPerSecond(): number {
    const ms = this.lastAtMs - this.firstAtMs;
    return ms > 0 ? Math.round((this.published * 1000) / ms) : 0;
  }

  /** An event has reached the bus. */
  onPublished({ event }: PublishedEvent): void {
    this.lastAtMs = performance.now();
    if (this.published++ === 0) this.firstAtMs = this.lastAtMs;
    const detail = event.detail as unknown as PublishedDetail;
    const key = this.ledger.keyOf(detail);
    if (this.stalled.delete(detail.metadata.eventId)) this.ledger.touch(key);
    this.ledger.received(key);
  }

  /** The local AWS let a call go wrong. */
  onAwsFault({ kind, target, body }: Fault): void {
    this.stall(body);
    // Published, but the consumer cannot know.
    if (target === PUT_EVENTS && kind === 'timeout_after_commit')
      for (const { key } of this.entries(body)) this.ledger.excuse(key);
  }

  /** The consumer was killed, or ran out of time: what it published and did not mark may be published again. */
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
        if (!marked.has(fingerprint(eventId))) this.ledger.excuse(key);
    }
  }

  /** Messages that came back without a fault of their own, such as a delivery that met its twin. */
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
      if (this.stalled.size < STALLED_LIMIT) this.stalled.add(id);
    }
  }
}

function markedFingerprints(body: string): string[] {
  const values = (JSON.parse(body) as { ExpressionAttributeValues?: Record<string, { BS?: string[] }> })
    .ExpressionAttributeValues;
  return (values?.[':settled']?.BS ?? []).map((one) => Buffer.from(one, 'base64').toString('base64url'));
}
