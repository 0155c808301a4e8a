import type { ExpandedUser, QueueObservation } from '../../../lib/genesys/recovery/present-states.ts';
import type { RecoveredEvent } from '../recovered-event.ts';

/**
 * The present counts of a queue and media type, in the shapes of the topics of queues.
 *
 * @param sinceMs - end of the gap, in epoch milliseconds
 */
export function queueStates(
  { group, data }: QueueObservation,
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): RecoveredEvent[] {
  const queueId = String(group.queueId);
  const interval = `${new Date(sinceMs).toISOString()}/${new Date(nowMs).toISOString()}`;
  const counts = data.map(({ metric, stats }) => ({ metric, count: stats?.count }));
  const state = (topicName: string, eventBody: Record<string, unknown>): RecoveredEvent => ({
    topicName,
    eventBody,
    atMs: nowMs,
    kind: 'state',
    subject: String(group.mediaType ?? ''),
  });
  return [
    state(`v2.analytics.queues.${queueId}.observations`, { group, data: [{ interval, metrics: data }] }),
    state(`v2.analytics.queues.${queueId}.activity`, { group, data: [{ metrics: data }] }),
    state(`v2.routing.queues.${queueId}.activity`, {
      results: [{ mediaType: group.mediaType, data: counts }],
    }),
  ];
}

/** The present states of a user, as far as the platform returns them, in the shapes of the topics of users. */
export function userStateEvents(user: ExpandedUser, nowMs: number): RecoveredEvent[] {
  const { id, presence, routingStatus, conversationSummary, station, outOfOffice } = user;
  const activity = presence && routingStatus ? { id, presence, routingStatus, outOfOffice } : undefined;
  const summary = isObject(conversationSummary) ? { ...conversationSummary, userId: id } : undefined;
  const bodies: readonly [topic: string, body: unknown][] = [
    ['activity', activity],
    ['conversationsummary', summary],
    ['station', station],
    ['outofoffice', outOfOffice],
  ];
  return bodies.flatMap(([topic, body]): RecoveredEvent[] =>
    isObject(body)
      ? [{ topicName: `v2.users.${id}.${topic}`, eventBody: body, atMs: nowMs, kind: 'state', subject: id }]
      : [],
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
