import { Random } from '../../random.ts';
import type { Frame } from '../frame.ts';
import { ConversationHistory } from './conversation-history.ts';
import type { Json } from './json-object.ts';
import { UserHistory } from './user-history.ts';
import { VisibleList } from './visible-list.ts';

/** Audit records and subjects of states that are kept. The oldest are dropped. */
const MAX_AUDITS = 20_000;
const MAX_STATES = 50_000;

const AUDIT_TOPIC = /^v2\.audits\.entitytype\.([^.]+)\.entityid\.([^.]+)$/;
const USER_TOPIC = /^v2\.users\.([^.]+)\.(presence|routingStatus)$/;

/** Options of {@link EventHistory}. */
export interface EventHistoryOptions {
  readonly seed: number;
  /** Maximum time until the REST API returns an event. */
  readonly maxDelayMs: number;
}

/**
 * The cloud's bounded history of the events that it emitted, whether or not a connection received them. The REST API
 * responds from it.
 */
export class EventHistory {
  readonly users = new UserHistory();
  readonly conversations = new ConversationHistory();
  readonly audits = new VisibleList<Json>();
  /** The last body by topic. Current states are visible at once. */
  private readonly latest = new Map<string, Json>();
  private readonly random: Random;
  private readonly maxDelayMs: number;

  constructor({ seed, maxDelayMs }: EventHistoryOptions) {
    this.random = new Random(seed).fork('recovery');
    this.maxDelayMs = maxDelayMs;
  }

  /** Records an event that is emitted at `atMs`. */
  record({ topicName, eventBody }: Pick<Frame, 'topicName' | 'eventBody'>, atMs: number): void {
    if (typeof eventBody !== 'object' || eventBody === null) return;
    const body = eventBody as Json;
    const visibleAtMs = atMs + this.random.next() * this.maxDelayMs;
    const [, userId, kind] = USER_TOPIC.exec(topicName) ?? [];
    if (userId !== undefined)
      this.users.record(userId, kind === 'presence' ? 'presence' : 'routingStatus', body, visibleAtMs);
    else if (AUDIT_TOPIC.test(topicName)) this.recordAudit(body, visibleAtMs);
    else this.conversations.record(topicName, body, atMs, visibleAtMs);
    this.latest.delete(topicName);
    this.latest.set(topicName, body);
    const oldest = this.latest.keys().next();
    if (this.latest.size > MAX_STATES && oldest.done !== true) this.latest.delete(oldest.value);
  }

  /** The last body of a topic. */
  latestOf(topicName: string): Json | undefined {
    return this.latest.get(topicName);
  }

  private recordAudit(body: Json, visibleAtMs: number): void {
    this.audits.add(body, visibleAtMs);
    if (this.audits.size > 2 * MAX_AUDITS) this.audits.keepLast(MAX_AUDITS);
  }
}
