import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { auditServices, queryAudits } from '../../lib/genesys/recovery/audits.ts';
import {
  CONVERSATION_DETAILS,
  type ConversationDetail,
} from '../../lib/genesys/recovery/conversation-details.ts';
import { queryInterval } from '../../lib/genesys/recovery/interval-query.ts';
import { USER_DETAILS, type UserDetail } from '../../lib/genesys/recovery/user-details.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';
import type { RecoveredEvent } from './recovered-event.ts';
import { auditEvent, wantedEntityTypes } from './recoverers/audit-events.ts';
import { leftAtMs, reconstructedState, stateTopics, streamEvent } from './recoverers/conversation-states.ts';
import { detailEvents } from './recoverers/recovered-detail-events.ts';
import { userEvents } from './recoverers/recovered-user-events.ts';
import type { WantedTopics } from './wanted-topics.ts';

/** Conversations and users in a window, which bounds the memory. More are read in parts. */
const MAX_CONVERSATIONS = 3_000;
const MAX_USERS = 10_000;
/** Presences and routing statuses in a window. */
const MAX_USER_STATES = 50_000;
/** A window is not divided further. */
const MIN_WINDOW_MS = 2_000;

/** A conversation that was open at the end of the gap, and the topics that have its state. */
export interface OpenConversation {
  readonly id: string;
  readonly topics: readonly string[];
  /**
   * Its last states for users and queues that left it in the gap, built from its record. They are sent if the conversation
   * has ended since, because its end is not an event of these users and queues.
   */
  readonly left: readonly RecoveredEvent[];
}

/** Data that the REST API returns for a window. */
export interface WindowContent {
  /** In order of time. */
  readonly events: readonly RecoveredEvent[];
  /** Conversations whose present state must be read, by id. */
  readonly open: readonly OpenConversation[];
  /** Missing permissions, by the content that could not be read. */
  readonly missingPermissions: Readonly<Record<string, string>>;
}

/** A part of the content: undefined if there is too much of it for one window. */
type Part = Partial<Pick<WindowContent, 'events' | 'open'>> | undefined;

/** Reads the data that the REST API returns for a part of a gap. */
export class WindowReader {
  private readonly rest: RestClient;
  private readonly wanted: WantedTopics;
  private services: Map<string, string> | undefined;

  constructor(rest: RestClient, wanted: WantedTopics) {
    this.rest = rest;
    this.wanted = wanted;
  }

  /**
   * Reads a window.
   *
   * @param gap - the interval that all windows cover: conversations that ended later were delivered live
   * @returns undefined if it has too many events: read it in parts
   * @throws {@link GenesysError} if a call fails for another reason than a missing permission
   */
  async read(window: Interval, gap: Interval, signal?: AbortSignal): Promise<WindowContent | undefined> {
    const { wanted } = this;
    const mayDivide = window.toMs - window.fromMs >= 2 * MIN_WINDOW_MS;
    const missingPermissions: Record<string, string> = {};
    const parts: Part[] = [];
    const sources: readonly [name: string, isWanted: boolean, read: () => Promise<Part>][] = [
      [
        'conversations',
        wanted.wants('detailEvents', 'conversationStates', 'conversationStream'),
        () => this.readConversations(window, gap, signal),
      ],
      ['users', wanted.wants('presence', 'routingStatus'), () => this.readUsers(window, signal)],
      ['audits', wanted.wants('audits'), () => this.readAudits(window, signal)],
    ];
    for (const [name, isWanted, read] of sources) {
      if (!isWanted) continue;
      try {
        const part = await read();
        if (part === undefined && mayDivide) return undefined;
        parts.push(part);
      } catch (error) {
        if (!(error instanceof GenesysError && error.code === 'missing_permission')) throw error;
        missingPermissions[name] = error.message;
      }
    }
    const events = parts
      .flatMap((part) => part?.events ?? [])
      .filter(({ topicName, atMs }) => wanted.has(topicName) && atMs >= window.fromMs && atMs < window.toMs)
      .toSorted((a, b) => a.atMs - b.atMs);
    const open = parts.flatMap((part) => part?.open ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return { events, open, missingPermissions };
  }

  private async readConversations(window: Interval, gap: Interval, signal?: AbortSignal): Promise<Part> {
    const limits = { maxResults: MAX_CONVERSATIONS, signal };
    const records = await queryInterval(this.rest, CONVERSATION_DETAILS, window, limits);
    if (records === undefined) return undefined;
    const isLastWindow = window.toMs >= gap.toMs;
    const hasEnded = ({ conversationEnd }: ConversationDetail) =>
      conversationEnd !== undefined && Date.parse(conversationEnd) < gap.toMs;
    return {
      events: [
        ...records.flatMap(detailEvents),
        ...records.filter(hasEnded).flatMap((record) => this.lastStates(record)),
      ],
      // A conversation that did not end in the gap overlaps its last window.
      open: isLastWindow
        ? records
            .filter((record) => !hasEnded(record))
            .map((record) => ({
              id: record.conversationId,
              topics: stateTopics(record, this.wanted),
              left: this.statesOfLeft(record, gap),
            }))
            .filter(({ topics }) => topics.length > 0)
        : [],
    };
  }

  /** The last states of a conversation that ended in the gap. */
  private lastStates(record: ConversationDetail): RecoveredEvent[] {
    const { conversationId: subject, conversationEnd } = record;
    const stream = streamEvent(record);
    return [
      ...(stream ? [stream] : []),
      ...stateTopics(record, this.wanted).map(
        (topicName): RecoveredEvent => ({
          topicName,
          eventBody: reconstructedState(record),
          atMs: Date.parse(conversationEnd ?? ''),
          kind: 'last_state',
          subject,
        }),
      ),
    ];
  }

  private statesOfLeft(record: ConversationDetail, { fromMs, toMs }: Interval): RecoveredEvent[] {
    return stateTopics(record, this.wanted).flatMap((topicName): RecoveredEvent | [] => {
      const atMs = leftAtMs(record, topicName);
      if (atMs === undefined || atMs < fromMs || atMs >= toMs) return [];
      const eventBody = reconstructedState(record);
      return { topicName, eventBody, atMs, kind: 'last_state', subject: record.conversationId };
    });
  }

  private async readUsers(window: Interval, signal?: AbortSignal): Promise<Part> {
    const users = await queryInterval(this.rest, USER_DETAILS, window, { maxResults: MAX_USERS, signal });
    const states = users?.reduce((sum, user) => sum + statesOf(user), 0) ?? 0;
    return users === undefined || states > MAX_USER_STATES
      ? undefined
      : { events: users.flatMap(userEvents) };
  }

  private async readAudits(window: Interval, signal?: AbortSignal): Promise<Part> {
    this.services ??= await auditServices(this.rest, signal);
    const types = wantedEntityTypes(this.wanted.topics);
    const names = [...this.services].flatMap(([type, name]) => (types?.has(type) === false ? [] : name));
    const events: RecoveredEvent[] = [];
    for (const name of new Set(names)) {
      const records = await queryAudits(this.rest, name, window, signal);
      if (records === undefined) return undefined;
      events.push(...records.map(auditEvent));
    }
    return { events };
  }
}

function statesOf({ primaryPresence, routingStatus }: UserDetail): number {
  return primaryPresence.length + routingStatus.length;
}
