import type { Random } from '../../random.ts';
import { PERSONAL_DATA } from '../personal-data.ts';

export const PRESENCE_TOPIC = 'v2.users.{id}.presence';
export const ROUTING_STATUS_TOPIC = 'v2.users.{id}.routingStatus';
export const CONVERSATION_SUMMARY_TOPIC = 'v2.users.{id}.conversationsummary';

const PRESENCES = [
  { id: '6a3af858-942f-489d-9700-5f9bcdcdae9b', systemPresence: 'AVAILABLE' },
  { id: '5e5c5c66-ea97-4e7f-ac41-6424784829f2', systemPresence: 'BUSY' },
  { id: '31fe3bac-dea6-44b7-bed7-47f91660a1a0', systemPresence: 'AWAY' },
  { id: '227b37e2-f1d0-4dd0-8f50-badd7cf6d158', systemPresence: 'BREAK' },
  { id: '3fd96123-badb-4f69-bc03-1b1ccc6d8014', systemPresence: 'MEAL' },
  { id: 'e08eaf1b-ee47-4fa9-a231-1200e284798f', systemPresence: 'ON_QUEUE' },
] as const;
const MESSAGES: readonly string[] = ['', PERSONAL_DATA.presenceMessage, 'training', 'ticket backlog'];
const MEDIA = ['call', 'callback', 'email', 'message', 'chat', 'socialExpression', 'video'] as const;

export type RoutingStatus = 'OFF_QUEUE' | 'IDLE' | 'INTERACTING' | 'NOT_RESPONDING';

/** The presence of a user. */
export interface Presence {
  readonly definition: (typeof PRESENCES)[number];
  readonly message: string;
  readonly modifiedMs: number;
}

/** Another presence, set at `atMs`. */
export function newPresence(random: Random, atMs: number): Presence {
  return { definition: random.pick(PRESENCES), message: '', modifiedMs: atMs };
}

/** The same presence with another message. The platform does not change `modifiedDate` for it. */
export function withNextMessage(presence: Presence): Presence {
  const index = MESSAGES.indexOf(presence.message);
  return { ...presence, message: MESSAGES[(index + 1) % MESSAGES.length] ?? '' };
}

/** Body of `v2.users.{id}.presence`. The user id is only in the topic. */
export function presenceBody({ definition, message, modifiedMs }: Presence): object {
  return {
    source: 'PURECLOUD',
    presenceDefinition: definition,
    primary: true,
    message,
    modifiedDate: new Date(modifiedMs).toISOString(),
  };
}

/** Body of `v2.users.{id}.routingStatus`. `withError` adds the reason why the user did not respond. */
export function routingStatusBody(
  userId: string,
  status: RoutingStatus,
  atMs: number,
  withError = false,
): object {
  return {
    id: userId,
    routingStatus: { status, startTime: new Date(atMs).toISOString() },
    ...(withError
      ? { errorInfo: { code: 'agent.not.responding', message: 'The agent did not answer.' } }
      : {}),
  };
}

/** Body of `v2.users.{id}.conversationsummary`: only counts, so that it returns to earlier states. */
export function conversationSummaryBody(userId: string, activeCalls: number): object {
  const none = { contactCenter: { active: 0, acw: 0 }, enterprise: { active: 0, acw: 0 } };
  return {
    userId,
    ...Object.fromEntries(MEDIA.map((name) => [name, none])),
    call: { ...none, contactCenter: { active: activeCalls, acw: 0 } },
  };
}
