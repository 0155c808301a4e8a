import type { Fault } from 'switchboard-local/emulator/emulator-faults.ts';
import type { PublishedEvent } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import type { SerialCarrier } from 'switchboard-local/simulator/frame.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { unknownOutcomes } from './unknown-outcomes.ts';
import { PUT_EVENTS, putEventsSerials } from './wire-facts.ts';

/** Stalled events whose ids are kept until they are published. */
const MAX_STALLED_EVENTS = 500_000;
/** An event id is the base64url of a SHA-256. It is only used to tell which latencies a fault has lengthened. */
const EVENT_ID = /(?<![\w-])[\w-]{43}(?![\w-])/g;

interface PublishedDetail extends SerialCarrier {
  readonly metadata: {
    readonly eventId?: string;
    readonly identity?: string;
    readonly oversize?: { readonly bucket: string; readonly key: string };
  };
}

/** Reads a JSON object from the local S3. */
export type ReadObject = (bucket: string, key: string) => unknown;

/**
 * Reports to the ledger what happened to events: which reached the bus, which were stalled by an injected fault, and
 * which publishes had an unknown outcome, so that a repeat is allowed. Its only sources are the bus and the calls that
 * the local AWS received.
 */
export class Accounting {
  /** Arrivals on the bus, including repeats. */
  published = 0;
  /** Time of the last arrival, on the clock of `performance.now()`. */
  lastAtMs = 0;
  private firstAtMs = 0;
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

  /**
   * An event reached the bus.
   *
   * @param readObject - reads the event that a reference names
   */
  onPublished({ event }: PublishedEvent, readObject?: ReadObject): void {
    this.lastAtMs = performance.now();
    if (this.published++ === 0) this.firstAtMs = this.lastAtMs;
    const detail = event.detail as unknown as PublishedDetail;
    const { eventId = '', identity, oversize } = detail.metadata;
    // The object is the event. A reference that leads nowhere is an arrival without an event.
    const arrived = oversize ? readObject?.(oversize.bucket, oversize.key) : detail;
    const serial = arrived ? this.ledger.keyOf(arrived as SerialCarrier) : undefined;
    if (this.stalled.delete(eventId) && serial !== undefined) this.ledger.markStalled(serial);
    this.ledger.received(serial, { id: eventId, isWeak: identity === 'weak' });
  }

  /** The local AWS injected a fault into a call. */
  onAwsFault({ kind, target, body }: Fault): void {
    this.stall(body);
    // The events are published, but the consumer gets no response.
    if (target === PUT_EVENTS && kind === 'timeout_after_commit')
      for (const serial of putEventsSerials(body)) this.ledger.allowRepeat(serial);
  }

  /**
   * An invocation of the consumer has ended. Events that it published but did not mark, because it was killed or reached
   * its time limit, may be published again.
   */
  onInvocation(invocation: Invocation, timeLimitMs: number): void {
    const { records, outcome, failedMessageIds } = invocation;
    const wasKilled = outcome.kind === 'crash' || outcome.kind === 'timeout';
    // A message can be returned without a fault of its own, such as one of two concurrent deliveries.
    for (const { messageId, body } of records)
      if (wasKilled || failedMessageIds.has(messageId)) this.stall(body);
    for (const serial of unknownOutcomes(invocation, timeLimitMs)) this.ledger.allowRepeat(serial);
  }

  private stall(body: string): void {
    for (const [id] of body.matchAll(EVENT_ID)) {
      if (this.stalled.size < MAX_STALLED_EVENTS) this.stalled.add(id);
    }
  }
}
