import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import type { AuditEntry } from '../../lib/events/audit-record.ts';
import { ConnectionAudit } from './connection-audit.ts';
import type { Subscription } from './protocols/stream-protocol.ts';

/** Topics per record. More of them make several records. */
const MAX_TOPICS_PER_RECORD = 100;

/** Topics of a subscription that were recorded, and its connections so far. */
interface Known {
  topics: ReadonlySet<string>;
  rejected: ReadonlyMap<string, string>;
  connections: number;
}

/** Records what happens to the subscriptions of one protocol. Without a trail it does nothing. */
export class SubscriptionAudit {
  private readonly trail: AuditTrail | undefined;
  private readonly protocol: string;
  private readonly known = new Map<string, Known>();

  constructor(trail: AuditTrail | undefined, protocol: string) {
    this.trail = trail;
    this.protocol = protocol;
  }

  /** These are the subscriptions from now on. */
  assigned(wanted: ReadonlyMap<string, Subscription>): void {
    if (!this.trail) return;
    for (const [subscription, { topics }] of this.known) {
      if (wanted.has(subscription)) continue;
      this.record({ action: 'subscription.removed', subscription, topics: [...topics] });
      this.known.delete(subscription);
    }
    for (const [subscription, { topics }] of wanted) {
      const known = this.of(subscription);
      const now = new Set(topics);
      const removed = [...known.topics].filter((topic) => !now.has(topic));
      const added = topics.filter((topic) => !known.topics.has(topic));
      known.topics = now;
      this.record({ action: 'subscription.removed', subscription, topics: removed });
      this.record({ action: 'subscription.added', subscription, topics: added });
    }
  }

  /** The audit of a new connection. */
  connection(subscription: string): ConnectionAudit | undefined {
    if (!this.trail) return undefined;
    const known = this.of(subscription);
    known.connections += 1;
    const { connections: connection } = known;
    return new ConnectionAudit(this.trail, { protocol: this.protocol, subscription, connection });
  }

  /** A connection became ready, so that it is known which topics the server refuses. */
  connected(subscription: string, { rejected = new Map() }: Subscription): void {
    if (!this.trail) return;
    const known = this.of(subscription);
    const added = [...rejected].filter(([topic]) => !known.rejected.has(topic));
    known.rejected = new Map(rejected);
    for (const [reason, topics] of Map.groupBy(added, ([, why]) => why))
      this.record({
        action: 'subscription.rejected',
        subscription,
        reason,
        topics: topics.map(([topic]) => topic),
      });
  }

  /** The subscription has a live connection, for the first time or again. */
  covered(subscription: string): void {
    this.trail?.record({ action: 'coverage.started', protocol: this.protocol, subscription });
  }

  /** It has none; everything sent before `fromMs` (epoch milliseconds) has been read. */
  uncovered(subscription: string, fromMs: number, reason: string): void {
    const since = new Date(fromMs).toISOString();
    this.trail?.record({ action: 'coverage.ended', protocol: this.protocol, subscription, since, reason });
  }

  private record({ topics, ...entry }: AuditEntry & { topics: readonly string[] }): void {
    const { protocol } = this;
    for (let from = 0; from < topics.length; from += MAX_TOPICS_PER_RECORD)
      this.trail?.record({ ...entry, protocol, topics: topics.slice(from, from + MAX_TOPICS_PER_RECORD) });
  }

  private of(subscription: string): Known {
    const known = this.known.get(subscription) ?? { topics: new Set(), rejected: new Map(), connections: 0 };
    this.known.set(subscription, known);
    return known;
  }
}
