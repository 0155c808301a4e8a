import type { EventGroup, LedgerEntry } from './ledger-entry.ts';

/** Contents that are remembered. Events with the same content are sent within seconds. */
const MAX_CONTENTS = 5_000;

/**
 * Events with the same topic and body that are sent over two paths. Their copies can be distinguished only if one path
 * delivers several of them. So there must be at least as many on the bus as that path has delivered.
 */
export class EqualEvents implements EventGroup {
  readonly open = new Set<LedgerEntry>();
  private readonly members = new Set<LedgerEntry>();
  private readonly ids = new Set<string>();

  get isSatisfied(): boolean {
    let bySocket = 0;
    let byIntegration = 0;
    for (const { flushed, accepted } of this.members) {
      if (flushed > accepted) bySocket += 1;
      if (accepted > 0) byIntegration += 1;
    }
    return this.ids.size >= Math.max(bySocket, byIntegration);
  }

  add(entry: LedgerEntry): void {
    this.members.add(entry);
    this.open.add(entry);
  }

  arrived(id: string | undefined): void {
    if (id !== undefined) this.ids.add(id);
  }
}

/** The groups of recent contents. */
export class RecentContents {
  private readonly groups = new Map<string, EqualEvents>();

  /** The group of events with this content. */
  groupOf(topicName: string, bodyText: string): EqualEvents {
    const content = `${topicName}\n${bodyText}`;
    const known = this.groups.get(content);
    if (known) return known;
    const group = new EqualEvents();
    const oldest = this.groups.keys().next();
    if (this.groups.size >= MAX_CONTENTS && oldest.done !== true) this.groups.delete(oldest.value);
    this.groups.set(content, group);
    return group;
  }
}
