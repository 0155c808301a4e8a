import type { Random } from '../random.ts';
import { anyOf, type Clocks, type Organization } from './clocks.ts';
import { seededUuid } from './identifiers.ts';
import { PERSONAL_DATA } from './personal-data.ts';
import { type Conversation, type MediaType, type Participant, snapshotBody } from './shapes/conversation.ts';
import { CONVERSATION_METRICS_TOPIC, correctedMetricsBodies } from './shapes/conversation-metrics.ts';
import { attributesBody, type DetailEventType, detailBody, detailTopic } from './shapes/detail-events.ts';
import type { FrameSink } from './shapes/frame-sink.ts';
import { TRANSCRIPTION_TOPIC, transcriptionBodies } from './shapes/transcription.ts';
import { ROUTING_STATUS_TOPIC, type RoutingStatus, routingStatusBody } from './shapes/user-events.ts';

export const USER_CONVERSATIONS_TOPIC = 'v2.users.{id}.conversations';
export const QUEUE_CONVERSATIONS_TOPIC = 'v2.routing.queues.{id}.conversations';

/** What all conversations of a generator share. */
export interface LifeContext {
  readonly random: Random;
  readonly sink: FrameSink;
  readonly organization: Organization;
  readonly organizationId: string;
  readonly divisionId: string;
  readonly clocks: Clocks;
}

/** The state of a conversation, the frames it causes, and the clock that its events share. */
export class ConversationLife {
  readonly conversation: Conversation;
  readonly customer: Participant;
  readonly context: LifeContext;
  queueId: string | undefined;
  /** The agents so far, the current one last. */
  readonly agents: Participant[] = [];

  constructor(context: LifeContext, mediaType: MediaType) {
    const { random } = context;
    this.context = context;
    const id = seededUuid(random);
    this.conversation = {
      id,
      correlationId: seededUuid(random),
      mediaType,
      divisionId: context.divisionId,
      externalContactId: seededUuid(random),
      externalOrganizationId: seededUuid(random),
      ani:
        mediaType === 'voice'
          ? `tel:${PERSONAL_DATA.phoneNumber}${1_000_000 + random.int(9_000_000)}`
          : `${PERSONAL_DATA.messagingAddress}-${id.slice(0, 8)}`,
      dnis: mediaType === 'voice' ? `tel:${PERSONAL_DATA.serviceNumber}` : PERSONAL_DATA.email,
      participants: [],
    };
    const atMs = this.now();
    this.customer = this.join('customer', PERSONAL_DATA.customerName, atMs, {});
    this.customer.connectedMs = atMs;
  }

  /** The current or most recent agent. */
  get agent(): Participant | undefined {
    return this.agents.at(-1);
  }

  get random(): Random {
    return this.context.random;
  }

  /** Time of the conversation's next event. */
  now(): number {
    return this.context.clocks.next(this.conversation.id);
  }

  /** Adds a participant. */
  join(
    purpose: Participant['purpose'],
    name: string,
    startMs: number,
    ids: { readonly userId?: string; readonly queueId?: string },
  ): Participant {
    const { random } = this;
    const participant: Participant = {
      id: seededUuid(random),
      sessionId: seededUuid(random),
      purpose,
      name,
      startMs,
      attributes: {},
      ...ids,
    };
    this.conversation.participants.push(participant);
    return participant;
  }

  /** A random user of the organization, or undefined if it has none. */
  anyUser(): string | undefined {
    return anyOf(this.context.organization.userIds, this.random);
  }

  anyQueue(): string | undefined {
    return anyOf(this.context.organization.queueIds, this.random);
  }

  detail(
    type: DetailEventType,
    participant: Participant,
    atMs: number,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const topic = detailTopic(type);
    if (!this.context.sink.wants(topic)) return;
    const body =
      type === 'attributes'
        ? attributesBody(this.conversation, participant, atMs)
        : detailBody(this.conversation, participant, atMs, more);
    this.push(topic, this.conversation.id, body);
  }

  routingStatus(agent: Participant, status: RoutingStatus): void {
    const { userId } = agent;
    if (userId === undefined || !this.context.sink.wants(ROUTING_STATUS_TOPIC)) return;
    const atMs = this.context.clocks.next(userId);
    this.push(ROUTING_STATUS_TOPIC, userId, routingStatusBody(userId, status, atMs));
  }

  transcription(agent: Participant, atMs: number): void {
    const { sink, organizationId, random } = this.context;
    if (!sink.wants(TRANSCRIPTION_TOPIC)) return;
    for (const body of transcriptionBodies(this.conversation, agent, organizationId, random, atMs))
      this.push(TRANSCRIPTION_TOPIC, this.conversation.id, body);
  }

  /** A metric, and its correction. */
  metrics(atMs: number): void {
    const { sink, random } = this.context;
    if (!sink.wants(CONVERSATION_METRICS_TOPIC)) return;
    for (const body of correctedMetricsBodies(this.conversation, random, atMs))
      this.push(CONVERSATION_METRICS_TOPIC, this.conversation.id, body);
  }

  /** Emits the current state to the queue and to each agent so far. It can equal an earlier one. */
  snapshot(): void {
    const { sink } = this.context;
    const forQueue = this.queueId !== undefined && sink.wants(QUEUE_CONVERSATIONS_TOPIC);
    const forUsers = this.agents.length > 0 && sink.wants(USER_CONVERSATIONS_TOPIC);
    if (!forQueue && !forUsers) return;
    const body = snapshotBody(this.conversation);
    if (forQueue && this.queueId !== undefined) this.push(QUEUE_CONVERSATIONS_TOPIC, this.queueId, body);
    if (!forUsers) return;
    for (const userId of new Set(this.agents.map((agent) => agent.userId))) {
      if (userId !== undefined) this.push(USER_CONVERSATIONS_TOPIC, userId, body);
    }
  }

  private push(topic: string, id: string, body: object): void {
    this.context.sink.push(topic, id, body, this.conversation.correlationId);
  }
}
