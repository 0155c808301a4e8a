import type { Random } from '../random.ts';
import { anyOf, type Clocks, type Organization } from './clocks.ts';
import { seededUuid } from './identifiers.ts';
import type { FrameSink } from './shapes/frame-sink.ts';
import {
  QUEUE_ACTIVITY_TOPIC,
  QUEUE_MEMBERS_TOPIC,
  queueActivityBody,
  queueMemberBody,
} from './shapes/queue-events.ts';
import { OBSERVATIONS_TOPIC, observationsBody } from './shapes/queue-observations.ts';
import {
  CONVERSATION_SUMMARY_TOPIC,
  conversationSummaryBody,
  newPresence,
  PRESENCE_TOPIC,
  type Presence,
  presenceBody,
  ROUTING_STATUS_TOPIC,
  type RoutingStatus,
  routingStatusBody,
  withNextMessage,
} from './shapes/user-events.ts';

const ROUTING_STATUSES: readonly RoutingStatus[] = ['OFF_QUEUE', 'IDLE', 'NOT_RESPONDING'];
/** Probability that a change of presence changes only the message. */
const MESSAGE_ONLY_CHANCE = 0.3;
/** Probability that a routing status is sent again with an error added. */
const ERROR_ADDED_CHANCE = 0.1;
/** With more users or queues, all states are dropped, and with them those of users and queues that no longer exist. */
const MAX_STATES = 100_000;

export interface StatesContext {
  readonly random: Random;
  readonly sink: FrameSink;
  readonly clocks: Clocks;
  readonly organization: Organization;
}

/**
 * The states of users and queues, and the frames of their changes. States recur as in real life: a count goes from 0 to
 * 1 and back, or a member joins, leaves and joins again. The bodies of such events are equal byte for byte.
 */
export class UserAndQueueStates {
  private readonly context: StatesContext;
  private readonly presences = new Map<string, Presence>();
  /** Topic and id of states that are 1 or true. All others are 0 or false. */
  private readonly on = new Set<string>();

  constructor(context: StatesContext) {
    this.context = context;
  }

  changePresence(): void {
    const userId = this.anyUserFor(PRESENCE_TOPIC);
    if (userId === undefined) return;
    const { random, clocks } = this.context;
    const before = this.presences.get(userId);
    const after =
      before !== undefined && random.chance(MESSAGE_ONLY_CHANCE)
        ? withNextMessage(before)
        : newPresence(random, clocks.next(userId));
    if (this.presences.size >= MAX_STATES) this.presences.clear();
    this.presences.set(userId, after);
    this.push(PRESENCE_TOPIC, userId, presenceBody(after));
  }

  changeRoutingStatus(): void {
    const userId = this.anyUserFor(ROUTING_STATUS_TOPIC);
    if (userId === undefined) return;
    const { random, clocks } = this.context;
    const status = random.pick(ROUTING_STATUSES);
    const atMs = clocks.next(userId);
    this.push(ROUTING_STATUS_TOPIC, userId, routingStatusBody(userId, status, atMs));
    if (random.chance(ERROR_ADDED_CHANCE))
      this.push(ROUTING_STATUS_TOPIC, userId, routingStatusBody(userId, status, atMs, true));
  }

  changeSummary(): void {
    const userId = this.anyUserFor(CONVERSATION_SUMMARY_TOPIC);
    if (userId === undefined) return;
    const activeCalls = this.toggle(`${CONVERSATION_SUMMARY_TOPIC} ${userId}`) ? 1 : 0;
    this.push(CONVERSATION_SUMMARY_TOPIC, userId, conversationSummaryBody(userId, activeCalls));
  }

  changeQueueActivity(): void {
    const queueId = this.anyQueueFor(QUEUE_ACTIVITY_TOPIC);
    if (queueId === undefined) return;
    const waiting = this.toggle(`${QUEUE_ACTIVITY_TOPIC} ${queueId}`) ? 1 : 0;
    this.push(QUEUE_ACTIVITY_TOPIC, queueId, queueActivityBody(queueId, waiting));
  }

  changeMembership(): void {
    const queueId = this.anyQueueFor(QUEUE_MEMBERS_TOPIC);
    const userId = anyOf(this.context.organization.userIds, this.context.random);
    if (queueId === undefined || userId === undefined) return;
    const joined = this.toggle(`${QUEUE_MEMBERS_TOPIC} ${queueId} ${userId}`);
    this.push(QUEUE_MEMBERS_TOPIC, queueId, queueMemberBody(queueId, userId, joined));
  }

  observeQueue(): void {
    const queueId = this.anyQueueFor(OBSERVATIONS_TOPIC);
    if (queueId === undefined) return;
    const { random, clocks } = this.context;
    const fromMs = clocks.last(queueId);
    this.push(OBSERVATIONS_TOPIC, queueId, observationsBody(queueId, random, fromMs, clocks.next(queueId)));
  }

  /** Toggles a state with two values. Returns the new value. */
  private toggle(state: string): boolean {
    if (this.on.delete(state)) return false;
    if (this.on.size >= MAX_STATES) this.on.clear();
    this.on.add(state);
    return true;
  }

  private anyUserFor(topic: string): string | undefined {
    const id = anyOf(this.context.organization.userIds, this.context.random);
    return this.context.sink.wants(topic) ? id : undefined;
  }

  private anyQueueFor(topic: string): string | undefined {
    const id = anyOf(this.context.organization.queueIds, this.context.random);
    return this.context.sink.wants(topic) ? id : undefined;
  }

  private push(topic: string, id: string, body: object): void {
    this.context.sink.push(topic, id, body, seededUuid(this.context.random));
  }
}
