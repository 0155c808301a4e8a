import { type DetailFact, detailRecord } from './detail-record.ts';
import type { Json } from './json-object.ts';
import { VisibleList } from './visible-list.ts';

/** Conversations that are kept. The oldest are dropped. */
const MAX_CONVERSATIONS = 50_000;
/** States of a conversation that are kept, because the analytics API learns the last one later. */
const MAX_SNAPSHOTS = 4;
/** The times in events differ this much at most from the times at which they are emitted. */
const CLOCK_SLACK_MS = 60_000;

const DETAIL_TOPIC = /^v2\.detail\.events\.conversation\.([^.]+)\.(.+)$/;
const SNAPSHOT_TOPIC = /^v2\.(?:users|routing\.queues)\.[^.]+\.conversations$/;

/** What is known about a conversation. */
interface KnownConversation {
  /** Bounds of its time, in epoch milliseconds. An event becomes visible after it happened. */
  readonly startedMs: number;
  endedMs: number;
  readonly facts: VisibleList<DetailFact>;
  readonly snapshots: VisibleList<Json>;
}

/** The conversations: their detail events, and their last states. */
export class ConversationHistory {
  private readonly conversations = new Map<string, KnownConversation>();

  record(topicName: string, body: Json, atMs: number, visibleAtMs: number): void {
    const [, id, type] = DETAIL_TOPIC.exec(topicName) ?? [];
    if (id !== undefined && type !== undefined) {
      this.known(id, atMs).facts.add({ type, body }, visibleAtMs);
    } else if (SNAPSHOT_TOPIC.test(topicName) && typeof body.id === 'string') {
      const known = this.known(body.id, atMs);
      const { snapshots } = known;
      known.endedMs = isOver(body) ? atMs + CLOCK_SLACK_MS : Number.POSITIVE_INFINITY;
      snapshots.add(body, visibleAtMs);
      snapshots.keepLast(MAX_SNAPSHOTS);
    }
  }

  /** The records of `POST /api/v2/analytics/conversations/details/query`: conversations that overlap the interval. */
  details(fromMs: number, toMs: number, nowMs: number): Json[] {
    const records = [...this.conversations].flatMap(([id, known]) => {
      // Avoids creating records of conversations that ended earlier.
      if (known.endedMs < fromMs || known.startedMs > toMs) return [];
      const record = detailRecord(id, known.facts.visible(nowMs), known.snapshots.visible(nowMs).at(-1));
      if (record === undefined) return [];
      const startMs = Date.parse(String(record.conversationStart));
      const end = record.conversationEnd;
      const endMs = end === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(end));
      return startMs < toMs && endMs >= fromMs ? [{ record, startMs }] : [];
    });
    return records.toSorted((a, b) => a.startMs - b.startMs).map(({ record }) => record);
  }

  /** The current state of a conversation that has not ended. When it has ended, every participant has ended. */
  open(id: string): Json | undefined {
    const body = this.conversations.get(id)?.snapshots.all().at(-1);
    return body === undefined || isOver(body) ? undefined : body;
  }

  private known(id: string, atMs: number): KnownConversation {
    const found = this.conversations.get(id);
    if (found) return found;
    const created = {
      startedMs: atMs - CLOCK_SLACK_MS,
      endedMs: Number.POSITIVE_INFINITY,
      facts: new VisibleList<DetailFact>(),
      snapshots: new VisibleList<Json>(),
    };
    this.conversations.set(id, created);
    const oldest = this.conversations.keys().next();
    if (this.conversations.size > MAX_CONVERSATIONS && oldest.done !== true)
      this.conversations.delete(oldest.value);
    return created;
  }
}

function isOver({ participants }: Json): boolean {
  return ((participants ?? []) as readonly Json[]).every(({ endTime }) => endTime !== undefined);
}
