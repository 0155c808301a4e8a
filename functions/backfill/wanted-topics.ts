import { detailType } from '../../lib/events/detail-type.ts';
import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import { type FamilyName, familyOf, NO_API, TOPIC_FAMILIES } from './topic-families.ts';

/** The topics of a gap. `{id}` in a topic stands for every id. */
export class WantedTopics {
  /** Single topics. */
  readonly topics: ReadonlySet<string>;
  /** Families of those topics that have one. */
  readonly families: ReadonlySet<FamilyName>;

  /** @param topics - may be combined */
  constructor(topics: readonly string[]) {
    this.topics = new Set(topics.flatMap(singleTopics));
    this.families = new Set([...this.topics].flatMap((topic) => familyOf(topic) ?? []));
  }

  /** Whether an event of this topic, which has ids, is wanted. */
  has(topicName: string): boolean {
    return this.topics.has(topicName) || this.topics.has(detailType(topicName));
  }

  /** Whether one of these families is wanted. */
  wants(...names: readonly FamilyName[]): boolean {
    return names.some((name) => this.families.has(name));
  }

  /** The ids in the topics of a template; undefined if every id is wanted. */
  idsOf(template: string): readonly string[] | undefined {
    if (this.topics.has(template)) return undefined;
    const [before = '', after = ''] = template.split('{id}');
    return [...this.topics].flatMap((topic) =>
      topic.startsWith(before) && topic.endsWith(after) && detailType(topic) === template
        ? topic.slice(before.length, topic.length - after.length)
        : [],
    );
  }

  /** Events that are not recovered, or only partly, and why, by topic with `{id}`. */
  notRecovered(): Record<string, string> {
    const types = new Set([...this.topics].map((topic) => detailType(topic)));
    return Object.fromEntries(
      [...types].toSorted().flatMap((type): [string, string][] => {
        const name = familyOf(type);
        if (name === undefined) return [[type, NO_API]];
        const { recovery, limits } = TOPIC_FAMILIES[name];
        if (recovery === 'events') return [];
        return [[type, recovery === 'none' ? limits : `present state only: ${limits}`]];
      }),
    );
  }
}
