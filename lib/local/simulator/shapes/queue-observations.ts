import type { Random } from '../../random.ts';

export const OBSERVATIONS_TOPIC = 'v2.analytics.queues.{id}.observations';

const MEDIA_TYPES = ['voice', 'message', 'email', 'chat'] as const;
const ROUTING_STATUSES = ['IDLE', 'INTERACTING', 'NOT_RESPONDING', 'OFF_QUEUE', 'COMMUNICATING'] as const;
const PRESENCES = [
  '6a3af858-942f-489d-9700-5f9bcdcdae9b',
  'e08eaf1b-ee47-4fa9-a231-1200e284798f',
  '227b37e2-f1d0-4dd0-8f50-badd7cf6d158',
] as const;
const MAX_COUNT = 40;

/** Body of `v2.analytics.queues.{id}.observations`: the metrics of a queue in an interval. */
export function observationsBody(queueId: string, random: Random, fromMs: number, toMs: number): object {
  const interval = `${new Date(fromMs).toISOString()}/${new Date(toMs).toISOString()}`;
  const count = (): { count: number } => ({ count: random.int(MAX_COUNT) });
  const metrics = [
    { metric: 'oWaiting', stats: count() },
    { metric: 'oInteracting', stats: count() },
    { metric: 'oAlerting', stats: count() },
    { metric: 'oOnQueueUsers', qualifier: 'INTERACTING', stats: count() },
    { metric: 'oOnQueueUsers', qualifier: 'IDLE', stats: count() },
    { metric: 'oOffQueueUsers', stats: count() },
    { metric: 'oActiveUsers', stats: count() },
    { metric: 'oMemberUsers', stats: count() },
    ...ROUTING_STATUSES.map((qualifier) => ({ metric: 'oUserRoutingStatuses', qualifier, stats: count() })),
    ...PRESENCES.map((qualifier) => ({ metric: 'oUserPresences', qualifier, stats: count() })),
  ];
  return { group: { queueId, mediaType: random.pick(MEDIA_TYPES) }, data: [{ interval, metrics }] };
}
