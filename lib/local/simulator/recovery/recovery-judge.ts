import type { Frame } from '../frame.ts';
import type { MissingEvent } from '../missing-events.ts';
import { templateOf } from '../topic-template-lookup.ts';
import type { Json } from './json-object.ts';
import { hasEveryParticipant, occurrenceOf, subjectOf } from './judged-occurrence.ts';

/** Events and subjects that are remembered. What belongs to older ones counts as not recovered. */
const MAX_REMEMBERED = 500_000;
const MAX_REPORTED_TOPICS = 5;

/** What the REST API of the platform still knows of the events of a gap: each of them, the state after them, nothing. */
type Knowledge = 'every' | 'last';

const DETAIL_TYPES = [
  ...['customer', 'acd', 'flow', 'voicemail', 'user'].flatMap((of) => [`${of}.start`, `${of}.end`]),
  'acw',
  'wrapup',
];
/** Of all other topics it knows nothing. */
const KNOWLEDGE: Readonly<Record<string, Knowledge>> = {
  ...Object.fromEntries(
    DETAIL_TYPES.map((type) => [`v2.detail.events.conversation.{id}.${type}`, 'every' as const]),
  ),
  'v2.users.{id}.presence': 'every',
  'v2.users.{id}.routingStatus': 'every',
  'v2.audits.entitytype.{id}.entityid.{id}': 'every',
  'v2.users.{id}.conversations': 'last',
  'v2.routing.queues.{id}.conversations': 'last',
  'v2.analytics.queues.{id}.observations': 'last',
  'v2.analytics.queues.{id}.activity': 'last',
  'v2.users.{id}.activity': 'last',
  'v2.users.{id}.conversationsummary': 'last',
  'v2.users.{id}.station': 'last',
  'v2.users.{id}.outofoffice': 'last',
};

/** An event of the cloud, or one on the bus. */
type Content = Pick<Frame, 'topicName' | 'eventBody'>;

/** A recovered event on the bus. */
export interface RecoveredArrival extends Content {
  /** A number that stands for its id on the bus. */
  readonly serial: number;
  readonly isWeak: boolean;
}

/** What became of the events that no connection provably received. */
export interface RecoveryVerdict {
  /** Missed events that are on the bus, flagged. */
  readonly recovered: number;
  /** Missed events of which nobody knows any more, by topic with `{id}`. */
  readonly unrecoverable: Readonly<Record<string, number>>;
  /** Missed events that are neither. */
  readonly unexplained: number;
  /** Their topics, most events first, at most 5. */
  readonly unexplainedTopics: readonly (readonly [topicName: string, events: number])[];
  /** Events that are on the bus both live and recovered, and say that they may be. */
  readonly doubledWeak: number;
  /** The same without saying so, and recovered events that were published again for no reason. */
  readonly doubled: number;
  /** Recovered events that were published again because a PutEvents call had an unknown outcome. */
  readonly doubledUnknown: number;
}

/**
 * Compares the events that no connection provably received with the recovered events on the bus. It knows what the cloud
 * emitted, and what its REST API can tell; it knows nothing of the product.
 */
export class RecoveryJudge {
  /** By serial number, until the event is on the bus. */
  private readonly emittedEvents = new Map<number, Content>();
  /** Serial number of the last event by topic and subject. */
  private readonly lastSerials = new Map<string, number>();
  private readonly liveOccurrences = new Set<string>();
  private readonly recoveredOccurrences = new Map<string, { isWeak: boolean; isState: boolean }>();
  private readonly recoveredStates = new Map<string, Json[]>();
  private readonly arrivals = new Map<number, number>();
  private readonly allowances = new Map<number, number>();

  /** The cloud emitted an event. */
  emitted(serial: number, event: Content): void {
    this.emittedEvents.set(serial, event);
    this.lastSerials.set(subjectOf(event), serial);
    dropOldest(this.emittedEvents);
    dropOldest(this.lastSerials);
  }

  /** An event reached the bus as it was emitted. */
  published(serial: number): void {
    const event = this.emittedEvents.get(serial);
    if (!event) return;
    this.emittedEvents.delete(serial);
    this.liveOccurrences.add(occurrenceOf(event));
    dropOldest(this.liveOccurrences);
  }

  /** A recovered event reached the bus. */
  arrived(event: RecoveredArrival): void {
    const count = this.arrivals.get(event.serial) ?? 0;
    this.arrivals.set(event.serial, count + 1);
    if (count > 0) return;
    const template = templateOf(event.topicName) ?? event.topicName;
    const isState = KNOWLEDGE[template] !== 'every';
    this.recoveredOccurrences.set(occurrenceOf(event), { isWeak: event.isWeak, isState });
    const states = this.recoveredStates.get(subjectOf(event)) ?? [];
    this.recoveredStates.set(subjectOf(event), [...states, event.eventBody as Json]);
  }

  /** Allows one repeat of a recovered event, because a publish of it had an unknown outcome. */
  allowRepeat(serial: number): void {
    this.allowances.set(serial, (this.allowances.get(serial) ?? 0) + 1);
  }

  /** @param missed events that a gap record names */
  judge(missed: readonly MissingEvent[]): RecoveryVerdict {
    let recovered = 0;
    const unrecoverable: Record<string, number> = {};
    const unexplained = new Map<string, number>();
    const missedOccurrences = new Set<string>();
    for (const { serial, topicName } of missed) {
      const event = this.emittedEvents.get(serial);
      const template = templateOf(topicName) ?? topicName;
      if (event) missedOccurrences.add(occurrenceOf(event));
      switch (event ? this.outcome(serial, event, template) : 'unexplained') {
        case 'recovered':
          recovered += 1;
          break;
        case 'unrecoverable':
          unrecoverable[template] = (unrecoverable[template] ?? 0) + 1;
          break;
        case 'unexplained':
          unexplained.set(topicName, (unexplained.get(topicName) ?? 0) + 1);
      }
    }
    return {
      recovered,
      unrecoverable,
      unexplained: [...unexplained.values()].reduce((sum, count) => sum + count, 0),
      unexplainedTopics: [...unexplained].toSorted(([, a], [, b]) => b - a).slice(0, MAX_REPORTED_TOPICS),
      ...this.doubles(missedOccurrences),
    };
  }

  private outcome(
    serial: number,
    event: Content,
    template: string,
  ): 'recovered' | 'unrecoverable' | 'unexplained' {
    const occurrence = occurrenceOf(event);
    if (this.recoveredOccurrences.has(occurrence)) return 'recovered';
    const knowledge = KNOWLEDGE[template];
    // A change that the API does not distinguish from another one that was delivered live, such as a message.
    if (knowledge === 'every') return this.liveOccurrences.has(occurrence) ? 'unrecoverable' : 'unexplained';
    const isLast = this.lastSerials.get(subjectOf(event)) === serial;
    if (knowledge === undefined || !isLast) return 'unrecoverable';
    return this.hasState(event) ? 'recovered' : 'unexplained';
  }

  /** Whether the bus has the state after this event, which was the last one of its subject. */
  private hasState(event: Content): boolean {
    const states = this.recoveredStates.get(subjectOf(event)) ?? [];
    if (!event.topicName.endsWith('.conversations')) return states.length > 0;
    return states.some((state) => hasEveryParticipant(state, event.eventBody as Json));
  }

  private doubles(missed: ReadonlySet<string>) {
    const doubled = [...this.recoveredOccurrences].filter(
      // A state at present is no copy of the event that led to it.
      ([occurrence, { isState }]) =>
        !isState && this.liveOccurrences.has(occurrence) && !missed.has(occurrence),
    );
    let repeats = 0;
    let allowed = 0;
    for (const [serial, count] of this.arrivals) {
      const allowedHere = Math.min(count - 1, this.allowances.get(serial) ?? 0);
      allowed += allowedHere;
      repeats += count - 1 - allowedHere;
    }
    return {
      doubledWeak: doubled.filter(([, { isWeak }]) => isWeak).length,
      doubled: doubled.filter(([, { isWeak }]) => !isWeak).length + repeats,
      doubledUnknown: allowed,
    };
  }
}

/** The verdicts of several clouds as one. */
export function joinedRecoveries(verdicts: readonly RecoveryVerdict[]): RecoveryVerdict {
  const sum = (count: (verdict: RecoveryVerdict) => number) =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    recovered: sum(({ recovered }) => recovered),
    unrecoverable: Object.assign({}, ...verdicts.map(({ unrecoverable }) => unrecoverable)),
    unexplained: sum(({ unexplained }) => unexplained),
    unexplainedTopics: verdicts.flatMap(({ unexplainedTopics }) => unexplainedTopics),
    doubledWeak: sum(({ doubledWeak }) => doubledWeak),
    doubled: sum(({ doubled }) => doubled),
    doubledUnknown: sum(({ doubledUnknown }) => doubledUnknown),
  };
}

/** The verdict for a cloud that knows nothing of the past. */
export function nothingRecovered(missed: readonly MissingEvent[]): RecoveryVerdict {
  const topics = Map.groupBy(missed, ({ topicName }) => templateOf(topicName) ?? topicName);
  return {
    recovered: 0,
    unrecoverable: Object.fromEntries([...topics].map(([topic, events]) => [topic, events.length])),
    unexplained: 0,
    unexplainedTopics: [],
    doubledWeak: 0,
    doubled: 0,
    doubledUnknown: 0,
  };
}

/** Keeps a collection within its limit. */
function dropOldest(entries: {
  readonly size: number;
  keys(): Iterator<unknown>;
  delete(key: never): boolean;
}): void {
  if (entries.size <= MAX_REMEMBERED) return;
  entries.delete(entries.keys().next().value as never);
}
