import type { MissingEvent } from './missing-events.ts';
import { expandTopic } from './topic-template-lookup.ts';

/** How long before the start of a record an event still counts as inside: the clocks are read at different moments. */
export const SLACK_BEFORE_MS = 250;
/** How long after the end of a record an event still counts as inside. */
export const SLACK_AFTER_MS = 250;
const MAX_REPORTED_TOPICS = 5;

/** An interval in which the product says that it may have missed events of these topics. */
export interface GapRecord {
  /** Epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  /** Subscriptions, such as `v2.users.<id>?presence&routingStatus`. Without any, the record explains nothing. */
  readonly topics: readonly string[];
  /** The protocol whose connection was lost. */
  readonly protocol?: string;
}

/** Which missing events the gap records explain. */
export interface GapVerdict {
  /** Missing events that a record explains. */
  readonly explained: number;
  readonly unexplained: number;
  /** Topics of unexplained events, with their number, at most 5, most events first. */
  readonly unexplainedTopics: readonly (readonly [topicName: string, events: number])[];
  /** The records that explain at least one event, with their number of events. */
  readonly used: readonly { readonly record: GapRecord; readonly events: number }[];
}

/** Compares the events that no connection provably received with the gaps that the product recorded. */
export function judgeGaps(
  missing: Iterable<Pick<MissingEvent, 'topicName' | 'atMs'>>,
  records: readonly GapRecord[],
): GapVerdict {
  const byTopic = recordsByTopic(records);
  const used = new Map<GapRecord, number>();
  const unexplained = new Map<string, number>();
  let explained = 0;
  for (const { topicName, atMs } of missing) {
    const record = byTopic.get(topicName)?.find((one) => contains(one, atMs));
    if (record === undefined) {
      unexplained.set(topicName, (unexplained.get(topicName) ?? 0) + 1);
      continue;
    }
    explained += 1;
    used.set(record, (used.get(record) ?? 0) + 1);
  }
  return {
    explained,
    unexplained: [...unexplained.values()].reduce((sum, events) => sum + events, 0),
    unexplainedTopics: [...unexplained].toSorted(([, a], [, b]) => b - a).slice(0, MAX_REPORTED_TOPICS),
    used: [...used].map(([record, events]) => ({ record, events })),
  };
}

/** The missing events that a gap record names. */
export function missedInGaps(missing: Iterable<MissingEvent>, records: readonly GapRecord[]): MissingEvent[] {
  const byTopic = recordsByTopic(records);
  return [...missing].filter(({ topicName, atMs }) =>
    byTopic.get(topicName)?.some((record) => contains(record, atMs)),
  );
}

function contains({ fromMs, toMs }: GapRecord, atMs: number): boolean {
  return atMs >= fromMs - SLACK_BEFORE_MS && atMs <= toMs + SLACK_AFTER_MS;
}

function recordsByTopic(records: readonly GapRecord[]): ReadonlyMap<string, readonly GapRecord[]> {
  const byTopic = new Map<string, GapRecord[]>();
  for (const record of records) {
    for (const topic of new Set(record.topics.flatMap(expandTopic))) {
      const list = byTopic.get(topic) ?? [];
      byTopic.set(topic, list);
      list.push(record);
    }
  }
  return byTopic;
}
