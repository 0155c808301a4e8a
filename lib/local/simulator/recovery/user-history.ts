import type { Json } from './json-object.ts';
import { VisibleList } from './visible-list.ts';

/** States of a user that are kept, by kind. The oldest are dropped. */
const MAX_STATES_PER_USER = 10_000;

interface UserStates {
  readonly presence: VisibleList<State>;
  readonly routingStatus: VisibleList<State>;
}

/** A state, and since when, in epoch milliseconds. */
interface State {
  readonly startMs: number;
  readonly fields: Json;
}

/** The presences and routing statuses of users. */
export class UserHistory {
  private readonly users = new Map<string, UserStates>();

  record(userId: string, kind: keyof UserStates, body: Json, visibleAtMs: number): void {
    const state = kind === 'presence' ? presenceOf(body) : routingStatusOf(body);
    if (state === undefined) return;
    const known = this.users.get(userId);
    const states = known ?? { presence: new VisibleList<State>(), routingStatus: new VisibleList<State>() };
    if (!known) this.users.set(userId, states);
    const list = states[kind];
    list.add(state, visibleAtMs);
    if (list.size > 2 * MAX_STATES_PER_USER) list.keepLast(MAX_STATES_PER_USER);
  }

  /** The records of `POST /api/v2/analytics/users/details/query`: users with a state in the interval. */
  details(fromMs: number, toMs: number, nowMs: number): Json[] {
    return [...this.users].flatMap(([userId, { presence, routingStatus }]) => {
      const primaryPresence = timeline(presence.visible(nowMs), fromMs, toMs);
      const statuses = timeline(routingStatus.visible(nowMs), fromMs, toMs);
      return primaryPresence.length + statuses.length === 0
        ? []
        : [{ userId, primaryPresence, routingStatus: statuses }];
    });
  }
}

/** The states that overlap an interval, each until the next one. What was repeated without a new start is one state. */
function timeline(states: readonly State[], fromMs: number, toMs: number): Json[] {
  const distinct = new Map(
    states.map((state) => [`${state.startMs} ${JSON.stringify(state.fields)}`, state]),
  );
  const sorted = [...distinct.values()].toSorted((a, b) => a.startMs - b.startMs);
  return sorted.flatMap(({ startMs, fields }, index) => {
    const endMs = sorted[index + 1]?.startMs;
    if (startMs >= toMs || (endMs !== undefined && endMs < fromMs)) return [];
    const end = endMs === undefined ? {} : { endTime: new Date(endMs).toISOString() };
    return [{ startTime: new Date(startMs).toISOString(), ...end, ...fields }];
  });
}

function presenceOf({ modifiedDate, presenceDefinition }: Json): State | undefined {
  const { id, systemPresence } = (presenceDefinition ?? {}) as Json;
  const startMs = Date.parse(String(modifiedDate));
  return Number.isNaN(startMs)
    ? undefined
    : { startMs, fields: { systemPresence, organizationPresenceId: id } };
}

function routingStatusOf({ routingStatus }: Json): State | undefined {
  const { status, startTime } = (routingStatus ?? {}) as Json;
  const startMs = Date.parse(String(startTime));
  return Number.isNaN(startMs) ? undefined : { startMs, fields: { routingStatus: status } };
}
