import type { UserDetail } from '../../../lib/genesys/recovery/user-details.ts';
import type { RecoveredEvent } from '../recovered-event.ts';

/** The presences and routing statuses of a user, each as an event at its start. */
export function userEvents({ userId, primaryPresence, routingStatus }: UserDetail): RecoveredEvent[] {
  const presences = primaryPresence.map(
    ({ startTime, systemPresence, organizationPresenceId }): RecoveredEvent => ({
      topicName: `v2.users.${userId}.presence`,
      eventBody: {
        source: 'PURECLOUD',
        presenceDefinition: {
          id: organizationPresenceId,
          ...(systemPresence === undefined ? {} : { systemPresence }),
        },
        primary: true,
        modifiedDate: startTime,
      },
      atMs: Date.parse(startTime),
      kind: 'event',
    }),
  );
  const statuses = routingStatus.map(
    ({ startTime, routingStatus: status }): RecoveredEvent => ({
      topicName: `v2.users.${userId}.routingStatus`,
      eventBody: { id: userId, routingStatus: { status, startTime } },
      atMs: Date.parse(startTime),
      kind: 'event',
    }),
  );
  return [...presences, ...statuses];
}
