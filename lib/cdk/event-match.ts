import type { EventPattern } from 'aws-cdk-lib/aws-events';
import type { DetailType } from './detail-types.ts';

/** Which of the published events a rule is for. What is left out is not looked at; all that is given must hold. */
export interface EventMatch {
  /** Any of these; for example `v2.users.{id}.presence`, with the literal `{id}`. Default: every type. */
  readonly detailTypes?: readonly DetailType[];
  /** Events of one queue (its id): of its topics, and others whose body or participants name it. */
  readonly queueId?: string;
  /** Events of one user (its id): of its topics, and others whose body or participants name it. */
  readonly userId?: string;
  /** `false`: leave out what was recovered after a gap. `true`: only that. */
  readonly backfilled?: boolean;
  /** Further pattern on `detail`, for example `{ eventBody: { mediaType: ['voice'] } }`. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A match that no rule can express. */
export class EventMatchError extends Error {
  readonly code = 'invalid_event_match';
  readonly retriable = false;

  constructor(message: string) {
    super(message);
    this.name = 'EventMatchError';
  }
}

/**
 * The EventBridge pattern of a match.
 *
 * @param source - `source` of the published events
 * @throws EventMatchError for a queue and a user at once, or `detail` that says again what another field says
 */
export function eventPattern(source: string, match: EventMatch = {}): EventPattern {
  const { detailTypes, queueId, userId, backfilled, detail = {} } = match;
  if (queueId !== undefined && userId !== undefined) {
    throw new EventMatchError('A rule is for one queue or one user: name one, and the other one in `detail`');
  }
  if (detailTypes?.length === 0)
    throw new EventMatchError('detailTypes is empty: leave it out to match every type');
  const conditions: Record<string, unknown> = {};
  if (queueId !== undefined) conditions.$or = aboutQueue(queueId);
  if (userId !== undefined) conditions.$or = aboutUser(userId);
  if (backfilled !== undefined) conditions.metadata = { backfilled: [backfilled] };
  for (const field of Object.keys(conditions)) {
    if (field in detail)
      throw new EventMatchError(`detail.${field} is set by queueId, userId or backfilled: give one of them`);
  }
  const whole = { ...detail, ...conditions };
  return {
    source: [source],
    ...(detailTypes ? { detailType: [...detailTypes] } : {}),
    ...(Object.keys(whole).length > 0 ? { detail: whole } : {}),
  };
}

/** The topic is the only place for the id in some types (`v2.users.{id}.presence`), the body in others. */
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
