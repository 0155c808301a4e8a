import type { Fault } from 'switchboard-local/emulator/emulator-faults.ts';
import type { PublishedEvent } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import { type SerialCarrier, serialOf } from 'switchboard-local/simulator/frame.ts';
import type { ProtocolAccount } from './protocol-account.ts';
import { References } from './references.ts';
import { unknownOutcomes } from './unknown-outcomes.ts';
import {
  PUT_EVENTS,
  type PublishedDetail,
  putEventsReferences,
  putEventsSerials,
  recoveredSerial,
} from './wire-facts.ts';

/** Maximum number of stalled events whose ids are kept until they are published. */
const MAX_STALLED_EVENTS = 500_000;
/** An event id is the base64url of a SHA-256. It is only used to find the latencies that a fault has increased. */
const EVENT_ID = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/** Reads a JSON object from the local S3. */
export type ReadObject = (bucket: string, key: string) => unknown;

/**
 * Reports to the ledger of each protocol what happened to its events: which reached the bus, which were stalled by an
 * injected fault, and which publishes had an unknown outcome, so that a repeat is allowed. Its only sources are the bus
 * and the calls that the local AWS received. The serial number of an event identifies the cloud that sent it.
 */
export class Accounting {
  private readonly accounts: readonly [ProtocolAccount, ...ProtocolAccount[]];
  private readonly stalled = new Set<string>();
  private readonly references = new References((serial) => this.allowRepeat(serial));

  constructor(accounts: readonly [ProtocolAccount, ...ProtocolAccount[]]) {
    this.accounts = accounts;
  }

  /** Arrivals on the bus, including repeats. */
  get published(): number {
    return this.accounts.reduce((sum, { published }) => sum + published, 0);
  }

  /**
   * An event reached the bus.
   *
   * @param readObject - reads the event that a reference points to
   */
  onPublished({ event }: PublishedEvent, readObject?: ReadObject): void {
    const detail = event.detail as unknown as PublishedDetail;
    const { eventId = '', identity, protocol = '', backfilled, oversize } = detail.metadata;
    // The object is the event. A reference without an object is an arrival without an event.
    const arrived = oversize ? readObject?.(oversize.bucket, oversize.key) : detail;
    const isWeak = identity === 'weak';
    if (backfilled) {
      const { topicName, eventBody } = (arrived ?? detail) as PublishedDetail;
      const recovered = { topicName, eventBody, serial: recoveredSerial(eventId), isWeak };
      for (const { recovery } of this.accounts) recovery?.arrived(recovered);
      return;
    }
    const serial = arrived ? serialOf(arrived as SerialCarrier) : undefined;
    const owner = serial === undefined ? undefined : this.ownerOf(serial);
    if (oversize && serial !== undefined) this.references.published(eventId, serial);
    if (this.stalled.delete(eventId) && serial !== undefined) owner?.ledger.markStalled(serial);
    // An event that no cloud has sent is unexpected, regardless of the protocol that counts it.
    const account = owner ?? this.accounts.find((one) => one.isNamed(protocol)) ?? this.accounts[0];
    account.arrived(serial, protocol, { id: eventId, isWeak });
  }

  /** The local AWS injected a fault into a call. */
  onAwsFault({ kind, target, body }: Fault): void {
    this.stall(body);
    // The events are published, but the consumer gets no response.
    if (target !== PUT_EVENTS || kind !== 'timeout_after_commit') return;
    for (const serial of putEventsSerials(body)) this.allowRepeat(serial);
    for (const eventId of putEventsReferences(body)) this.references.allowRepeat(eventId);
  }

  /**
   * An invocation of the consumer has ended. Events that it published but did not mark, because it was killed or reached
   * its time limit, may be published again.
   */
  onInvocation(invocation: Invocation, timeLimitMs: number): void {
    const { records, outcome, failedMessageIds } = invocation;
    const wasKilled = outcome.kind === 'crash' || outcome.kind === 'timeout';
    // A message can be returned without a fault, for example if it is delivered twice at the same time.
    for (const { messageId, body } of records)
      if (wasKilled || failedMessageIds.has(messageId)) this.stall(body);
    for (const serial of unknownOutcomes(invocation, timeLimitMs)) this.allowRepeat(serial);
    // A reference has no serial number, so that what a killed invocation recorded of it is not known.
    if (!wasKilled) return;
    for (const { target, body } of invocation.calls)
      if (target === PUT_EVENTS)
        for (const eventId of putEventsReferences(body)) this.references.allowRepeat(eventId);
  }

  private ownerOf(serial: number): ProtocolAccount | undefined {
    return this.accounts.find(({ ledger }) => ledger.owns(serial));
  }

  private allowRepeat(serial: number): void {
    // Recovered events have negative numbers.
    if (serial < 0) for (const { recovery } of this.accounts) recovery?.allowRepeat(serial);
    else this.ownerOf(serial)?.ledger.allowRepeat(serial);
  }

  private stall(body: string): void {
    for (const [id] of body.matchAll(EVENT_ID)) {
      if (this.stalled.size < MAX_STALLED_EVENTS) this.stalled.add(id);
    }
  }
}
