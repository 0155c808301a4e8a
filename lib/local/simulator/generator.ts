import { Random } from '../random.ts';
import { Clocks, type Organization } from './clocks.ts';
import {
  ConversationLife,
  type LifeContext,
  QUEUE_CONVERSATIONS_TOPIC,
  USER_CONVERSATIONS_TOPIC,
} from './conversation-life.ts';
import { drawMediaType, planSteps, STEPS, type Step } from './conversation-steps.ts';
import type { Frame } from './frame.ts';
import { seededUuid } from './identifiers.ts';
import { CONVERSATION_METRICS_TOPIC } from './shapes/conversation-metrics.ts';
import { type DetailEventType, detailTopic } from './shapes/detail-events.ts';
import { FrameSink } from './shapes/frame-sink.ts';
import { QUEUE_ACTIVITY_TOPIC, QUEUE_MEMBERS_TOPIC } from './shapes/queue-events.ts';
import { OBSERVATIONS_TOPIC } from './shapes/queue-observations.ts';
import { TRANSCRIPTION_TOPIC } from './shapes/transcription.ts';
import { CONVERSATION_SUMMARY_TOPIC, PRESENCE_TOPIC, ROUTING_STATUS_TOPIC } from './shapes/user-events.ts';
import { UserAndQueueStates } from './user-and-queue-states.ts';

/** Topics that a client can subscribe to given the ids of users and queues. */
export const DEFAULT_TOPICS: readonly string[] = [
  PRESENCE_TOPIC,
  ROUTING_STATUS_TOPIC,
  USER_CONVERSATIONS_TOPIC,
  QUEUE_CONVERSATIONS_TOPIC,
  OBSERVATIONS_TOPIC,
  CONVERSATION_SUMMARY_TOPIC,
  QUEUE_ACTIVITY_TOPIC,
  QUEUE_MEMBERS_TOPIC,
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

/** All topics that can be generated. Topics of a conversation cannot be subscribed to before its id is known. */
export const GENERATED_TOPICS: readonly string[] = [
  ...DEFAULT_TOPICS,
  TRANSCRIPTION_TOPIC,
  CONVERSATION_METRICS_TOPIC,
  ...DETAIL_TYPES.map(detailTopic),
];

/** Concurrent conversations. */
const MAX_CONVERSATIONS = 200;
/** After this many steps without a frame for the chosen topics, the generator gives up. */
const MAX_EMPTY_STEPS = 10_000;

type Advance = (states: UserAndQueueStates) => void;
/** Shares of the changes of users and queues. The rest are steps of conversations. */
const STATE_CHANGES: readonly (readonly [share: number, change: Advance])[] = [
  [0.24, (states) => states.changePresence()],
  [0.2, (states) => states.changeRoutingStatus()],
  [0.15, (states) => states.observeQueue()],
  [0.06, (states) => states.changeSummary()],
  [0.06, (states) => states.changeQueueActivity()],
  [0.05, (states) => states.changeMembership()],
];

export interface GeneratorOptions {
  readonly seed: number;
  /** Topic templates with `{id}` from {@link GENERATED_TOPICS}. Default {@link DEFAULT_TOPICS}. */
  readonly topics?: readonly string[];
  /** Current time in epoch milliseconds. Set it to make bodies depend on the seed only. Default `Date.now`. */
  readonly now?: () => number;
}

/** The requested topics cannot be generated. */
export class GeneratorError extends Error {
  readonly code = 'GENERATOR';
  constructor(message: string) {
    super(message);
    this.name = 'GeneratorError';
  }
}

/**
 * Generates the frames of a contact center from a seed: conversations from start to wrap-up, presence and routing
 * status of agents, and the state of queues. States recur as in real life, so two events of a topic can have the same
 * body, or the same time but different bodies. Frames average about 1.3 KB; a few are 100 KB.
 */
export class Generator {
  private readonly random: Random;
  private readonly sink: FrameSink;
  private readonly states: UserAndQueueStates;
  private readonly context: LifeContext;
  private readonly lives: { readonly life: ConversationLife; readonly plan: Step[] }[] = [];

  /**
   * @param organization users and queues, such as those of a `Simulator`; changes to its lists take effect
   * @throws GeneratorError if a topic is not in {@link GENERATED_TOPICS}
   */
  constructor(organization: Organization, options: GeneratorOptions) {
    const topics = options.topics ?? DEFAULT_TOPICS;
    const unknown = topics.filter((topic) => !GENERATED_TOPICS.includes(topic));
    if (unknown.length > 0 || topics.length === 0) {
      throw new GeneratorError(
        `Cannot generate the topics [${unknown.join(', ')}]. Choose from ${GENERATED_TOPICS.join(', ')}.`,
      );
    }
    this.random = new Random(options.seed).fork('generator');
    this.sink = new FrameSink(topics);
    const clocks = new Clocks(options.now ?? Date.now);
    const { random, sink } = this;
    this.states = new UserAndQueueStates({ random, sink, clocks, organization });
    this.context = {
      random,
      sink,
      organization,
      organizationId: seededUuid(this.random),
      divisionId: seededUuid(this.random),
      clocks,
    };
  }

  /**
   * The next frame. Its body does not change later.
   *
   * @throws GeneratorError if the organization has no users or queues for any of the topics
   */
  next(): Frame {
    for (let step = 0; step < MAX_EMPTY_STEPS; step += 1) {
      const frame = this.sink.shift();
      if (frame !== undefined) return frame;
      this.step();
    }
    throw new GeneratorError('The organization has no users or queues for these topics: add some.');
  }

  private step(): void {
    let draw = this.random.next();
    for (const [share, change] of STATE_CHANGES) {
      if (draw < share) {
        change(this.states);
        return;
      }
      draw -= share;
    }
    this.advanceConversation();
  }

  private advanceConversation(): void {
    const index = this.random.int(MAX_CONVERSATIONS);
    let active = this.lives[index];
    if (active === undefined) {
      const life = new ConversationLife(this.context, drawMediaType(this.random));
      active = { life, plan: planSteps(this.random) };
      this.lives.push(active);
    }
    const step = active.plan.shift();
    if (step !== undefined) STEPS[step](active.life, active.life.now());
    if (active.plan.length > 0) return;
    // The last conversation replaces the finished one.
    const last = this.lives.pop();
    const place = this.lives.indexOf(active);
    if (last !== undefined && place >= 0) this.lives[place] = last;
  }
}
