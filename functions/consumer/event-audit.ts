import { hash } from 'node:crypto';
import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import { payloadHash } from '../../lib/events/audit-record.ts';
import { type EventDetail, type QueuedEvent, rejectedFrameSchema } from '../../lib/events/schema.ts';
import type { Quarantined } from './quarantine.ts';

/** Time limit for writing the audit records of an invocation. */
const MAX_WRITE_MS = 3_000;
/** Maximum share of the invocation's remaining time that writing them may take. */
const MAX_WRITE_SHARE = 0.5;

/** Records the outcome of events. Without a trail, it does nothing. */
export class EventAudit {
  private readonly trail: AuditTrail | undefined;

  constructor(trail: AuditTrail | undefined) {
    this.trail = trail;
  }

  /** EventBridge accepted an event with this `detail`. */
  published({ id, protocol, receivedAt, sequence }: QueuedEvent, detail: EventDetail): void {
    this.trail?.record({
      action: 'event.published',
      protocol,
      eventId: id,
      sequence,
      latencyMs: Math.max(0, Date.now() - Date.parse(receivedAt)),
      sha256: payloadHash(detail),
    });
  }

  /** The quarantine queue accepted an item. */
  quarantined({ body, reason, item }: Quarantined): void {
    this.trail?.record({
      action: 'event.quarantined',
      protocol: item?.event?.protocol ?? rejectedFrameSchema.safeParse(item?.content).data?.rejected.protocol,
      eventId: item?.event?.id,
      sequence: item?.event?.sequence,
      reason,
      sha256: item ? payloadHash(item.content) : hash('sha256', body),
    });
  }

  /**
   * Writes the records before the invocation ends. Records that cannot be written in time count as lost, because this
   * environment may not be invoked again. If it is, that invocation writes them. Never rejects.
   *
   * @returns how many more records count as lost
   */
  async write(remainingMs: number): Promise<number | undefined> {
    const { trail } = this;
    if (!trail) return undefined;
    const before = trail.lost;
    await trail.flush(Math.min(MAX_WRITE_MS, remainingMs * MAX_WRITE_SHARE));
    trail.presumeLost();
    return trail.lost - before;
  }
}
