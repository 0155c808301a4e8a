import type { Frame } from '../frame.ts';
import type { MissingEvent } from '../missing-events.ts';
import { templateOf } from '../topic-template-lookup.ts';
import type { Json } from './json-object.ts';
import { hasEveryParticipant, occurrenceOf, subjectOf } from './judged-occurrence.ts';
import { INDISTINCT_CHANGES, memoryOf, STREAM_STATE_TOPIC } from './platform-memory.ts';
import type { RecoveryVerdict } from './recovery-verdict.ts';

/** Events and subjects that are remembered. What belongs to older ones counts as not recovered. */
const MAX_REMEMBERED = 500_000;
const MAX_REPORTED_TOPICS = 5;

/** An event of the cloud, or one on the bus. */
type Content = Pick<Frame, 'topicName' | 'eventBody'>;

/** A recovered event on the bus. */
export interface RecoveredArrival extends Content {
  /** A number that stands for its id on the bus. */
  readonly serial: number;
  readonly isWeak: boolean;
}

/**
 * Compares the events that no connection provably received with the recovered events on the bus. It knows what the
 * cloud emitted and what its REST API can return, but nothing about the product.
 */
export class RecoveryJudge {
  /** By serial number, until the event is on the bus. */
  private readonly emittedEvents = new Map<number, Content>();
  /** Serial number of the last event by topic and subject. */
  private readonly lastSerials = new Map<string, number>();
  private readonly liveOccurrences = new Set<string>();
  private readonly recoveredOccurrences = new Map<string, RecoveredArrival>();
  private readonly recoveredStates = new Map<string, Json[]>();
  private readonly arrivals = new Map<number, number>();
  private readonly allowances = new Map<number, number>();

  private readonly owns: (topicName: string) => boolean;

  /** @param owns - whether a topic is of this cloud: the product may recover those of other clouds too. Default: known topics */
  constructor(owns = (topicName: string) => templateOf(topicName) !== undefined) {
    this.owns = owns;
  }

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
    if (!this.owns(event.topicName)) return;
    const count = this.arrivals.get(event.serial) ?? 0;
    this.arrivals.set(event.serial, count + 1);
    if (count > 0) return;
    this.recoveredOccurrences.set(occurrenceOf(event), event);
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
      unexplained: totalOf(unexplained),
      unexplainedTopics: mostOf(unexplained),
      ...this.impossibleEvents(),
      ...this.doubles(missedOccurrences),
    };
  }

  /** Recovered events that the platform cannot have told. */
  private impossibleEvents() {
    const missedOccurrences = new Set([...this.emittedEvents.values()].map(occurrenceOf));
    const topics = new Map<string, number>();
    for (const [occurrence, event] of this.recoveredOccurrences) {
      const memory = memoryOf(event);
      const happened = missedOccurrences.has(occurrence) || this.liveOccurrences.has(occurrence);
      const isPossible = memory === 'every' ? happened : this.lastSerials.has(subjectOf(event));
      if (memory === undefined || !isPossible)
        topics.set(event.topicName, (topics.get(event.topicName) ?? 0) + 1);
    }
    return { impossible: totalOf(topics), impossibleTopics: mostOf(topics) };
  }

  private outcome(
    serial: number,
    event: Content,
    template: string,
  ): 'recovered' | 'unrecoverable' | 'unexplained' {
    const occurrence = occurrenceOf(event);
    const memory = memoryOf(event);
    if (memory === undefined) return 'unrecoverable';
    if (this.recoveredOccurrences.has(occurrence)) return 'recovered';
    if (memory === 'every') {
      const isIndistinct = INDISTINCT_CHANGES.has(template) && this.liveOccurrences.has(occurrence);
      return isIndistinct ? 'unrecoverable' : 'unexplained';
    }
    if (this.lastSerials.get(subjectOf(event)) !== serial) return 'unrecoverable';
    return this.hasState(event) ? 'recovered' : 'unexplained';
  }

  /** Whether the bus has the state after this event, which was the last one of its subject. */
  private hasState(event: Content): boolean {
    const states = this.recoveredStates.get(subjectOf(event)) ?? [];
    if (event.topicName === STREAM_STATE_TOPIC)
      return states.some(({ state }) => state === (event.eventBody as Json).state);
    if (!event.topicName.endsWith('.conversations')) return states.length > 0;
    return states.some((state) => hasEveryParticipant(state, event.eventBody as Json));
  }

  private doubles(missed: ReadonlySet<string>) {
    const doubled = [...this.recoveredOccurrences].filter(
      // A current state is not a copy of the event that led to it.
      ([occurrence, event]) =>
        memoryOf(event) === 'every' && this.liveOccurrences.has(occurrence) && !missed.has(occurrence),
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

function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function mostOf(counts: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...counts].toSorted(([, a], [, b]) => b - a).slice(0, MAX_REPORTED_TOPICS);
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
