import { Random } from '../random.ts';
import { anyOf, Clocks, type Organization } from './clocks.ts';
import {
  ConversationLife,
  type LifeContext,
  QUEUE_CONVERSATIONS_TOPIC,
  USER_CONVERSATIONS_TOPIC,
} from './conversation-life.ts';
import { drawMediaType, planSteps, STEPS, type Step } from './conversation-steps.ts';
import type { Frame } from './frame.ts';
import { seededUuid } from './identifiers.ts';
import { type DetailEventType, detailTopic } from './shapes/detail-events.ts';
import { FrameSink } from './shapes/frame-sink.ts';
import { OBSERVATIONS_TOPIC, observationsBody } from './shapes/queue-observations.ts';
import { TRANSCRIPTION_TOPIC } from './shapes/transcription.ts';
import {
  PRESENCE_TOPIC,
  presenceBody,
  ROUTING_STATUS_TOPIC,
  type RoutingStatus,
  routingStatusBody,
} from './shapes/user-events.ts';

/** What a socket can subscribe to for users and queues known beforehand. */
export const DEFAULT_TOPICS: readonly string[] = [
  PRESENCE_TOPIC,
  ROUTING_STATUS_TOPIC,
  USER_CONVERSATIONS_TOPIC,
  QUEUE_CONVERSATIONS_TOPIC,
  OBSERVATIONS_TOPIC,
];

const DETAIL_TYPES: readonly DetailEventType[] = [
  'customer.start',
  'flow.start',
  'flow.end',
  'attributes',
  'acd.start',
  'acd.end',
  'user.start',
  'user.end',
  'customer.end',
  'acw',
  'wrapup',
];

/** Everything it can generate. Topics of one conversation can only be subscribed once its id is known. */
export const GENERATED_TOPICS: readonly string[] = [
  ...DEFAULT_TOPICS,
  TRANSCRIPTION_TOPIC,
  ...DETAIL_TYPES.map(detailTopic),
];

/** Conversations that go on at once. */
const CONVERSATIONS_AT_ONCE = 200;
/** Steps without a frame that anyone wants, after which something is wrong. */
const EMPTY_STEPS_LIMIT = 10_000;
/** Shares of what happens next; the rest are conversations. */
const PRESENCE_SHARE = 0.35;
const ROUTING_STATUS_SHARE = 0.29;
const OBSERVATIONS_SHARE = 0.17;
const ROUTING_STATUSES: readonly RoutingStatus[] = ['OFF_QUEUE', 'IDLE', 'NOT_RESPONDING'];

export interface GeneratorOptions {
  readonly seed: number;
  /** Templates with `{id}`, out of {@link GENERATED_TOPICS}. Default {@link DEFAULT_TOPICS}. */
  readonly topics?: readonly string[];
  /** Epoch milliseconds; give one to make bodies, too, follow from the seed alone. Default `Date.now`. */
  readonly now?: () => number;
}

/** The generator cannot make what it was asked for. */
export class GeneratorError extends Error {
  readonly code = 'GENERATOR';
  constructor(message: string) {
    super(message);
    this.name = 'GeneratorError';
  }
}

/**
 * The life of a contact centre as frames: conversations from their start to the wrap-up, agents who come and go,
 * figures of queues. Seeded; no two frames of a topic have an equal body; they average about 1.3 KB, and a few of
 * them have 100 KB.
 */
export class Generator {
  private readonly organization: Organization;
  private readonly random: Random;
  private readonly sink: FrameSink;
  private readonly clocks: Clocks;
  private readonly context: LifeContext;
  private readonly lives: { readonly life: ConversationLife; readonly plan: Step[] }[] = [];

  /**
   * @param organization its users and queues; a simulator is one, and changes of its lists are followed
   * @throws GeneratorError for topics that it does not know
   */
  constructor(organization: Organization, options: GeneratorOptions) {
    const topics = options.topics ?? DEFAULT_TOPICS;
    const unknown = topics.filter((topic) => !GENERATED_TOPICS.includes(topic));
    if (unknown.length > 0 || topics.length === 0) {
      throw new GeneratorError(
        `Choose topics out of ${GENERATED_TOPICS.join(', ')}; not ${unknown.join(', ')}.`,
      );
    }
    this.organization = organization;
    this.random = new Random(options.seed).fork('generator');
    this.sink = new FrameSink(topics);
    this.clocks = new Clocks(options.now ?? Date.now);
    this.context = {
      random: this.random,
      sink: this.sink,
      organization,
      organizationId: seededUuid(this.random),
      divisionId: seededUuid(this.random),
      clocks: this.clocks,
    };
  }

  /**
   * The next frame, whose body is not changed later.
   * @throws GeneratorError when the organisation has nobody whom any of the topics could concern
   */
  next(): Frame {
    for (let step = 0; step < EMPTY_STEPS_LIMIT; step += 1) {
      const frame = this.sink.shift();
      if (frame !== undefined) return frame;
      this.happen();
    }
    throw new GeneratorError('There is no user and no queue for these topics: add some to the organisation.');
  }

  private happen(): void {
    const draw = this.random.next();
    if (draw < PRESENCE_SHARE) this.changePresence();
    else if (draw < PRESENCE_SHARE + ROUTING_STATUS_SHARE) this.changeRoutingStatus();
    else if (draw < PRESENCE_SHARE + ROUTING_STATUS_SHARE + OBSERVATIONS_SHARE) this.observeQueue();
    else this.advanceConversation();
  }

  private changePresence(): void {
    const userId = anyOf(this.organization.userIds, this.random);
    if (userId === undefined || !this.sink.wants(PRESENCE_TOPIC)) return;
    const body = presenceBody(this.random, this.clocks.next(userId));
    this.sink.push(PRESENCE_TOPIC, userId, body, seededUuid(this.random));
  }

  private changeRoutingStatus(): void {
    const userId = anyOf(this.organization.userIds, this.random);
    if (userId === undefined || !this.sink.wants(ROUTING_STATUS_TOPIC)) return;
    const status = this.random.pick(ROUTING_STATUSES);
    const body = routingStatusBody(userId, status, this.clocks.next(userId));
    this.sink.push(ROUTING_STATUS_TOPIC, userId, body, seededUuid(this.random));
  }

  private observeQueue(): void {
    const queueId = anyOf(this.organization.queueIds, this.random);
    if (queueId === undefined || !this.sink.wants(OBSERVATIONS_TOPIC)) return;
    const fromMs = this.clocks.last(queueId);
    const body = observationsBody(queueId, this.random, fromMs, this.clocks.next(queueId));
    this.sink.push(OBSERVATIONS_TOPIC, queueId, body, seededUuid(this.random));
  }

  private advanceConversation(): void {
    const index = this.random.int(CONVERSATIONS_AT_ONCE);
    let going = this.lives[index];
    if (going === undefined) {
      const life = new ConversationLife(this.context, drawMediaType(this.random));
      going = { life, plan: planSteps(this.random) };
      this.lives.push(going);
    }
    const step = going.plan.shift();
    if (step !== undefined) STEPS[step](going.life, going.life.now());
    if (going.plan.length > 0) return;
    // The last one takes its place.
    const last = this.lives.pop();
    const place = this.lives.indexOf(going);
    if (last !== undefined && place >= 0) this.lives[place] = last;
  }
}
