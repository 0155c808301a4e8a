import type { Random } from '../../random.ts';

export const PRESENCE_TOPIC = 'v2.users.{id}.presence';
export const ROUTING_STATUS_TOPIC = 'v2.users.{id}.routingStatus';

const PRESENCES = [
  { id: '6a3af858-942f-489d-9700-5f9bcdcdae9b', systemPresence: 'AVAILABLE' },
  { id: '5e5c5c66-ea97-4e7f-ac41-6424784829f2', systemPresence: 'BUSY' },
  { id: '31fe3bac-dea6-44b7-bed7-47f91660a1a0', systemPresence: 'AWAY' },
  { id: '227b37e2-f1d0-4dd0-8f50-badd7cf6d158', systemPresence: 'BREAK' },
  { id: '3fd96123-badb-4f69-bc03-1b1ccc6d8014', systemPresence: 'MEAL' },
  { id: 'e08eaf1b-ee47-4fa9-a231-1200e284798f', systemPresence: 'ON_QUEUE' },
] as const;
const MESSAGES = ['', '', '', 'back at two', 'training', 'ticket backlog'] as const;

export type RoutingStatus = 'OFF_QUEUE' | 'IDLE' | 'INTERACTING' | 'NOT_RESPONDING';

/** Body of `v2.users.{id}.presence`. The user id is only in the topic. */
export function presenceBody(random: Random, atMs: number): object {
  return {
    source: 'PURECLOUD',
    presenceDefinition: random.pick(PRESENCES),
    primary: true,
    message: random.pick(MESSAGES),
    modifiedDate: new Date(atMs).toISOString(),
  };
}

/** Body of `v2.users.{id}.routingStatus`. */
export function routingStatusBody(userId: string, status: RoutingStatus, atMs: number): object {
  return { id: userId, routingStatus: { status, startTime: new Date(atMs).toISOString() } };
}
