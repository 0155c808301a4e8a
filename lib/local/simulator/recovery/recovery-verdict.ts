import type { MissingEvent } from '../missing-events.ts';
import { templateOf } from '../topic-template-lookup.ts';

/** What became of the events that no connection provably received. */
export interface RecoveryVerdict {
  /** Missed events that are on the bus, flagged. */
  readonly recovered: number;
  /** Missed events that can no longer be recovered, by topic with `{id}`. */
  readonly unrecoverable: Readonly<Record<string, number>>;
  /** Missed events that are neither recovered nor unrecoverable. */
  readonly unexplained: number;
  /** Their topics, most events first, at most 5. */
  readonly unexplainedTopics: readonly (readonly [topicName: string, events: number])[];
  /** Recovered events on the bus that the platform cannot have told: it does not remember them, or they never happened. */
  readonly impossible: number;
  /** Their topics, most events first, at most 5. */
  readonly impossibleTopics: readonly (readonly [topicName: string, events: number])[];
  /** Events that are on the bus both live and recovered, and are flagged as possible copies. */
  readonly doubledWeak: number;
  /** The same without the flag, and recovered events that were published again for no reason. */
  readonly doubled: number;
  /** Recovered events that were published again because a PutEvents call had an unknown outcome. */
  readonly doubledUnknown: number;
}

/** The verdicts of several clouds as one. */
export function joinedRecoveries(verdicts: readonly RecoveryVerdict[]): RecoveryVerdict {
  const sum = (count: (verdict: RecoveryVerdict) => number) =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    recovered: sum(({ recovered }) => recovered),
    unrecoverable: sumOfTopics(verdicts.map(({ unrecoverable }) => unrecoverable)),
    unexplained: sum(({ unexplained }) => unexplained),
    unexplainedTopics: verdicts.flatMap(({ unexplainedTopics }) => unexplainedTopics),
    impossible: sum(({ impossible }) => impossible),
    impossibleTopics: verdicts.flatMap(({ impossibleTopics }) => impossibleTopics),
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
    impossible: 0,
    impossibleTopics: [],
    doubledWeak: 0,
    doubled: 0,
    doubledUnknown: 0,
  };
}

function sumOfTopics(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [topic, count] of counts.flatMap((one) => Object.entries(one)))
    total[topic] = (total[topic] ?? 0) + count;
  return total;
}
