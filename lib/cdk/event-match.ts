import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { PARTNER_SOURCE_PREFIX } from '../events/native-event.ts';
import type { DetailType } from './detail-types.ts';

/** Selects published events for a rule. An event matches if it meets all the given conditions. */
export interface EventMatch {
  /**
   * Event types, for example `v2.users.{id}.presence` with the literal `{id}`. An event must have one of them.
   *
   * @default - all event types
   */
  readonly detailTypes?: readonly DetailType[];

  /**
   * Id of a queue. Matches the events of its topics, and events whose body or participants contain the queue id.
   *
   * @default - events of all queues
   */
  readonly queueId?: string;

  /**
   * Id of a user. Matches the events of its topics, and events whose body or participants contain the user id.
   *
   * @default - events of all users
   */
  readonly userId?: string;

  /**
   * `false` excludes events that were recovered after a gap, `true` selects only those events.
   *
   * @default - both
   */
  readonly backfilled?: boolean;

  /**
   * Additional pattern for `detail`, for example `{ eventBody: { mediaType: ['voice'] } }`.
   *
   * @default - no additional pattern
   */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** The conditions of an {@link EventMatch} cannot be combined in a rule. */
export class EventMatchError extends Error {
  readonly code = 'invalid_event_match';
  readonly retriable = false;

  constructor(message: string) {
    super(message);
    this.name = 'EventMatchError';
  }
}

/**
 * Creates the EventBridge event pattern for a match. It matches the events of Genesys Cloud's own EventBridge integration
 * too, so the same rule works on both buses.
 *
 * @param source - `source` of the published events
 * @throws {@link EventMatchError} if both a queue and a user are given, if `detailTypes` is empty, or if `detail`
 *   contains a field that another condition sets
 */
export function eventPattern(source: string, match: EventMatch = {}): EventPattern {
  const { detailTypes, queueId, userId, backfilled, detail = {} } = match;
  if (queueId !== undefined && userId !== undefined) {
    throw new EventMatchError(
      'queueId and userId cannot be combined: specify one of them, and match the other in `detail`',
    );
  }
  if (detailTypes?.length === 0)
    throw new EventMatchError('detailTypes is empty: omit it to match all event types');
  const conditions: Record<string, unknown> = {};
  if (queueId !== undefined) conditions.$or = aboutQueue(queueId);
  if (userId !== undefined) conditions.$or = aboutUser(userId);
  if (backfilled !== undefined) conditions.metadata = { backfilled: [backfilled] };
  for (const field of Object.keys(conditions)) {
    if (field in detail)
      throw new EventMatchError(
        `detail.${field} conflicts with queueId, userId or backfilled: specify only one of them`,
      );
  }
  const whole = { ...detail, ...conditions };
  return {
    // The type allows only strings. EventBridge and the CDK accept any matcher.
    source: [source, { prefix: PARTNER_SOURCE_PREFIX }] as unknown as string[],
    ...(detailTypes ? { detailType: [...detailTypes] } : {}),
    ...(Object.keys(whole).length > 0 ? { detail: whole } : {}),
  };
}

/** Some event types contain the id only in the topic (`v2.users.{id}.presence`), others only in the body. */
function aboutQueue(id: string): object[] {
  return [
    { topicName: [{ prefix: `v2.routing.queues.${id}` }, { prefix: `v2.analytics.queues.${id}` }] },
    { eventBody: { queueId: [id] } },
    { eventBody: { participants: { queueId: [id] } } },
  ];
}

function aboutUser(id: string): object[] {
  return [
    { topicName: [{ prefix: `v2.users.${id}` }, { prefix: `v2.analytics.users.${id}` }] },
    { eventBody: { userId: [id] } },
    { eventBody: { participants: { userId: [id] } } },
  ];
}
