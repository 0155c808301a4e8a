import { randomUUID } from 'node:crypto';
import { optionalObjects } from '../action-input.ts';
import type { Action, EmulatedService, JsonObject } from '../emulated-service.ts';
import {
  type Acceptance,
  type AcceptedEvent,
  acceptEntry,
  type BusEvent,
  type EventEntry,
  readEntry,
} from './bus-event.ts';
import { type EventBus, EventBuses } from './event-buses.ts';
import { validationError } from './eventbridge-input.ts';
import { ruleActions } from './rule-actions.ts';
import { type DeliverToQueue, type DeliveryFailure, deliver, type IsRepeated } from './rule-delivery.ts';
import { targetActions } from './target-actions.ts';

/** Maximum number of entries per PutEvents. */
export const MAX_ENTRIES = 10;
/** Maximum number of entries per PutPartnerEvents (API reference). */
export const MAX_PARTNER_ENTRIES = 20;
/** All entries of one PutEvents together must be smaller than 1 MB. */
export const MAX_ENTRIES_BYTES = 1_048_575;
/** AWS bills one event per started chunk of this many bytes. */
export const BILLED_CHUNK_BYTES = 65_536;

/** Settings of an {@link EventBridge}. */
export interface EventBridgeOptions {
  region: string;
  /** Twelve digits. */
  accountId: string;
  /** Puts a message on an SQS queue; a throw counts as a failed delivery. */
  deliverToQueue: DeliverToQueue;
  /** Whether a target gets an event twice. Default never. */
  isRepeated?: IsRepeated;
  /** Called for every delivery that fails. */
  onDeliveryFailure?: (failure: DeliveryFailure) => void;
}

/** An event that a bus has accepted. */
export interface PublishedEvent {
  busName: string;
  event: BusEvent;
}

/** Called with accepted events. Its exceptions reach the publisher, because they are bugs of the program. */
export type PublishedEventListener = (published: PublishedEvent) => void;

/** What distinguishes PutEvents and PutPartnerEvents. */
interface Putting {
  readonly maxEntries: number;
  readonly isAllowedSource: (source: string) => boolean;
  /** The name or ARN of the bus of an entry. */
  readonly busOf: (entry: EventEntry) => string | undefined;
}

/**
 * Amazon EventBridge: buses, rules with content filtering, and SQS targets. It delivers each event immediately, and
 * exactly once unless a fault is injected. There are no schedules, archives, replays or other targets.
 */
export class EventBridge implements EmulatedService {
  readonly targetPrefix = 'AWSEvents';
  readonly contentType = 'application/x-amz-json-1.1';
  readonly actions: Readonly<Record<string, Action>>;
  /**
   * What AWS would bill: `events` is the number of custom events, one for each 64 KB, or part of it, of an accepted
   * entry.
   */
  readonly billed = { events: 0 };
  private readonly buses: EventBuses;
  private readonly deliver: (bus: EventBus, accepted: AcceptedEvent) => void;
  private readonly listeners = new Set<PublishedEventListener>();
  private readonly acceptance: Pick<Acceptance, 'id' | 'account' | 'region'>;

  constructor({
    region,
    accountId,
    deliverToQueue,
    isRepeated = () => false,
    onDeliveryFailure = () => {},
  }: EventBridgeOptions) {
    const arnPrefix = `arn:aws:events:${region}:${accountId}:`;
    this.acceptance = { id: randomUUID, account: accountId, region };
    this.buses = new EventBuses(arnPrefix);
    this.deliver = (bus, accepted) =>
      deliver(bus, accepted, { deliverToQueue, isRepeated, onFailure: onDeliveryFailure });
    this.actions = {
      ...this.buses.actions,
      ...ruleActions(this.buses, arnPrefix),
      ...targetActions(this.buses),
      PutEvents: (input) =>
        this.putEvents(input, {
          maxEntries: MAX_ENTRIES,
          isAllowedSource: (source) => !source.startsWith('aws.'),
          busOf: ({ busName }) => busName,
        }),
      PutPartnerEvents: (input) =>
        this.putEvents(input, {
          maxEntries: MAX_PARTNER_ENTRIES,
          isAllowedSource: (source) => this.buses.isPartnerSource(source),
          busOf: ({ source }) => source,
        }),
    };
  }

  /** Calls `listener` for each accepted event of an existing bus, before its delivery. @returns removes it. */
  onEvent(listener: PublishedEventListener): () => void {
    // A new wrapper, so that a listener that is added twice is called twice and removed once.
    const entry: PublishedEventListener = (published) => listener(published);
    this.listeners.add(entry);
    return () => {
      this.listeners.delete(entry);
    };
  }

  private putEvents(input: JsonObject, { maxEntries, isAllowedSource, busOf }: Putting): JsonObject {
    const inputs = optionalObjects(input, 'Entries') ?? [];
    if (inputs.length < 1 || inputs.length > maxEntries)
      throw validationError(`Entries must have 1 to ${maxEntries} elements, not ${inputs.length}.`);
    const entries = inputs.map(readEntry);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes > MAX_ENTRIES_BYTES)
      throw validationError(
        `Total size of the entries in the request is over the limit: ${bytes} bytes, and at most ${MAX_ENTRIES_BYTES} are allowed.`,
      );
    const nowMs = Date.now();
    let failedEntries = 0;
    const results = entries.map((entry) => {
      const accepted = acceptEntry(entry, { ...this.acceptance, nowMs, isAllowedSource });
      if ('ErrorCode' in accepted) {
        failedEntries += 1;
        return accepted;
      }
      this.publish(entry, accepted, busOf(entry));
      return { EventId: accepted.event.id };
    });
    return { FailedEntryCount: failedEntries, Entries: results };
  }

  private publish(entry: EventEntry, accepted: AcceptedEvent, busName: string | undefined): void {
    const bus = this.buses.find(busName);
    // AWS accepts an entry for a bus that does not exist without an error, and drops it.
    if (bus === undefined) return;
    this.billed.events += Math.max(1, Math.ceil(entry.bytes / BILLED_CHUNK_BYTES));
    for (const listener of this.listeners) listener({ busName: bus.name, event: accepted.event });
    this.deliver(bus, accepted);
  }
}
