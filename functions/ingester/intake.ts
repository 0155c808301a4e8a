import type { Log } from '../../lib/aws/logger.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { lastsSinceMs } from '../../lib/events/identity.ts';
import {
  eventItem,
  type Item,
  identify,
  type ReceivedEvent,
  rejectedItem,
  weakIdentity,
} from '../../lib/events/item.ts';
import type { RejectionReason } from '../../lib/events/schema.ts';
import { CursorCommits } from './cursor-commits.ts';
import type { IntakeHandlers } from './intake-handlers.ts';
import { type IntakeTotals, noTotals, type ProtocolTotals, sumOfTotals } from './intake-totals.ts';
import type { IdentifiedEvent, ItemQueue, Origin } from './item-queue.ts';
import { KeyHistory } from './key-history.ts';
import type { LargeItems } from './large-items.ts';
import { OneSpeaker } from './one-speaker.ts';
import type { Session } from './protocols/stream-protocol.ts';
import { RecentIds } from './recent-ids.ts';
import { rejectedFrameItem } from './rejected-frame-item.ts';
import type { SignalSink } from './signal-sink.ts';

/** The name under which items are counted if they do not name their protocol. */
const UNKNOWN_PROTOCOL = 'unknown';

/**
 * Turns the signals of sessions into items for the batcher: each event once, with its id, and rejected frames in full.
 * Copies are recognized by their id. Events without a stable id are taken from one connection at a time. Cursors are
 * committed once SQS has accepted everything before them.
 */
export class Intake {
  private readonly counts = new Map<string, ProtocolTotals>();
  private readonly queue: ItemQueue;
  private readonly handlers: IntakeHandlers;
  private readonly log: Log;
  private readonly recent: RecentIds;
  private readonly large: LargeItems | undefined;
  private readonly redaction: ContentRedaction | undefined;
  /** By subscription. */
  private readonly cursors = new Map<string, CursorCommits>();

  constructor(
    queue: ItemQueue,
    handlers: IntakeHandlers,
    log: Log,
    options: {
      recent?: RecentIds;
      large?: LargeItems | undefined;
      redaction?: ContentRedaction | undefined;
    } = {},
  ) {
    this.queue = queue;
    this.handlers = handlers;
    this.log = log;
    this.recent = options.recent ?? new RecentIds();
    this.large = options.large;
    this.redaction = options.redaction;
  }

  /** Counts since the start. */
  get totals(): IntakeTotals {
    return { ...sumOfTotals(this.counts.values()), protocols: Object.fromEntries(this.counts) };
  }

  /** The sink of one subscription. */
  sink(protocol: string, subscription: string): SignalSink {
    const totals = this.of(protocol);
    const origin = { protocol, subscription };
    const cursors = this.cursors.get(subscription) ?? new CursorCommits(this.log);
    this.cursors.set(subscription, cursors);
    const speaker = new OneSpeaker<IdentifiedEvent>();
    const histories = new WeakMap<Session, KeyHistory>();
    let lastHistory: KeyHistory | undefined;
    return {
      open: (session) => {
        const previous = (speaker.current && histories.get(speaker.current)) ?? lastHistory;
        histories.set(session, previous?.inherit() ?? new KeyHistory());
        speaker.open(session);
      },
      end: (session, end) => {
        if (session === speaker.current) lastHistory = histories.get(session) ?? lastHistory;
        const { released, copies } = speaker.end(session, end);
        totals.copies += copies;
        for (const weak of released) this.addWeakEvent(origin, weak);
      },
      take: (session, signal, frame) => {
        switch (signal.kind) {
          case 'event':
            this.takeEvent(origin, signal.event, frame, {
              history: histories.get(session),
              passing: (weak) => {
                const { topicName } = weak.event.frame;
                return speaker.take(session, { value: weak, topicName, bytes: frame.length });
              },
            });
            return;
          case 'rejected':
            this.reject(origin, signal.reason, frame);
            return;
          case 'cursor':
            cursors.add(session, signal.value, this.queue.lastPosition);
            cursors.commitUpTo(this.queue.acceptedPosition);
            return;
          case 'gap':
            this.handlers.onSequenceGap(subscription, signal.from, signal.to, signal.sinceMs);
            return;
          case 'sequence':
            totals.sequence[signal.outcome]++;
            return;
          case 'oversized':
            totals.unpreserved++;
            this.log.error('a frame was larger than the limit; it is lost', { protocol, subscription });
            return;
          case 'filtered':
            totals.filtered++;
            return;
          case 'notice':
            totals.notices[signal.about ?? 'other']++;
            this.log.info(signal.message, { protocol, subscription, ...this.quoted(signal) });
        }
      },
    };
  }

  /** SQS has accepted every item up to a position. */
  onAccepted(position: number): void {
    for (const cursors of this.cursors.values()) cursors.commitUpTo(position);
  }

  /** Settles when the commits in progress are done. */
  async settled(): Promise<void> {
    await Promise.all([...this.cursors.values()].map((cursors) => cursors.settled()));
  }

  /**
   * The replacement for an item that SQS refuses because of its content: the same content in an encoding that SQS
   * accepts.
   *
   * @returns undefined if there is no replacement that SQS would accept
   */
  replacementOf(json: string, reason: string): Item | undefined {
    const { protocol } = JSON.parse(json) as { protocol?: string };
    this.log.error('SQS refused an item', { reason, bytes: json.length, protocol });
    // A rejected frame has no protocol at its top level: it is already a replacement.
    if (protocol === undefined) {
      this.of(UNKNOWN_PROTOCOL).unpreserved++;
      return undefined;
    }
    this.of(protocol).rejected.refused_by_queue++;
    const about = { reason: 'refused_by_queue', protocol, receivedAt: new Date().toISOString() } as const;
    // An item fits into a message, and so does its compressed form.
    return rejectedItem(Buffer.from(json), about, 'always');
  }

  private of(protocol: string): ProtocolTotals {
    const known = this.counts.get(protocol) ?? noTotals();
    this.counts.set(protocol, known);
    return known;
  }

  private takeEvent(
    origin: Origin,
    event: ReceivedEvent,
    frame: Buffer,
    {
      history,
      passing,
    }: {
      history: KeyHistory | undefined;
      passing: (weak: IdentifiedEvent) => readonly IdentifiedEvent[];
    },
  ): void {
    const { protocol } = origin;
    this.of(protocol).received++;
    const identity = identify(protocol, event);
    const receivedAtMs = Date.now();
    if (identity === undefined) {
      this.reject(origin, 'too_deep', frame);
      return;
    }
    const { id, isWeak, key } = identity;
    if (key !== undefined) this.handlers.onKeyedEvent?.(event.frame, key);
    const hasRecurred = key !== undefined && history?.add(key, id, lastsSinceMs(event.frame));
    if (isWeak || hasRecurred) {
      const weak = isWeak ? { identity } : { identity: weakIdentity(), copiedId: id };
      for (const one of passing({ event, frame, receivedAtMs, ...weak })) this.addWeakEvent(origin, one);
    } else if (this.recent.add(id)) {
      this.addEvent(origin, { event, identity, frame, receivedAtMs });
    } else {
      this.of(protocol).copies++;
    }
  }

  /** A string from the server can have any content. */
  private quoted({ quote }: { quote?: string }): { quote?: string } {
    return quote === undefined || this.redaction ? {} : { quote };
  }

  /**
   * An event that was only held must not mark its stable id: another connection may deliver the same event with that id.
   */
  private addWeakEvent(origin: Origin, weak: IdentifiedEvent): void {
    if (weak.copiedId !== undefined) this.recent.add(weak.copiedId);
    this.addEvent(origin, weak);
  }

  private addEvent(origin: Origin, { event: whole, identity, frame, receivedAtMs }: IdentifiedEvent): void {
    const { protocol, subscription } = origin;
    const event = this.redaction ? this.redaction.event(whole) : whole;
    const receivedAt = new Date(receivedAtMs).toISOString();
    const about = { identity, protocol, receivedAt };
    const item = eventItem(event, about);
    if (item) {
      this.queue.add(item, receivedAtMs, subscription);
      return;
    }
    const make = this.large?.eventItem(event, about);
    if (make) this.addLater(origin, make, frame.length, receivedAtMs);
    else this.reject(origin, 'too_large', frame, receivedAtMs);
  }

  /** Queue an item whose content has to be stored. If that fails, the process ends and records a gap. */
  private addLater(
    { protocol, subscription }: Origin,
    make: () => Promise<Item>,
    bytes: number,
    receivedAtMs: number,
  ): void {
    const makeOrCount = () =>
      make().catch((error: unknown) => {
        this.of(protocol).unpreserved++;
        this.log.error('a large frame could not be stored; it is lost', { bytes, error });
        throw error;
      });
    this.queue.addLater(bytes, makeOrCount, receivedAtMs, subscription);
  }

  private reject(origin: Origin, reason: RejectionReason, frame: Buffer, receivedAtMs = Date.now()): void {
    const { protocol, subscription } = origin;
    this.of(protocol).rejected[reason]++;
    const about = { reason, protocol, receivedAt: new Date(receivedAtMs).toISOString() };
    const item = rejectedFrameItem(frame, about, { redaction: this.redaction, large: this.large });
    if (typeof item === 'function') {
      this.addLater(origin, item, frame.length, receivedAtMs);
    } else if (item) {
      this.queue.add(item, receivedAtMs, subscription);
    } else {
      this.of(protocol).unpreserved++;
      const message = 'a frame is too large for the quarantine queue even when compressed; it is lost';
      this.log.error(message, { protocol, reason, bytes: frame.length });
    }
  }
}
