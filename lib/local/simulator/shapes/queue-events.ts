export const QUEUE_ACTIVITY_TOPIC = 'v2.analytics.queues.{id}.activity';
export const QUEUE_MEMBERS_TOPIC = 'v2.routing.queues.{id}.users';

/** Body of `v2.analytics.queues.{id}.activity`: counts without a time, so that they return to earlier states. */
export function queueActivityBody(queueId: string, waiting: number): object {
  const metrics = [
    { metric: 'oWaiting', stats: { count: waiting } },
    { metric: 'oInteracting', stats: { count: 1 } },
  ];
  return { group: { queueId, mediaType: 'voice' }, data: [{ metrics }] };
}

/** Body of `v2.routing.queues.{id}.users`: a member joins or leaves, without a time. */
export function queueMemberBody(queueId: string, userId: string, joined: boolean): object {
  return { id: userId, queueId, joined, ringNumber: 1, memberBy: 'user' };
}
