import type { Interval } from '../../lib/genesys/interval.ts';
import { windowsOf } from './fill.ts';
import { type FamilyName, TOPIC_FAMILIES } from './topic-families.ts';
import type { WantedTopics } from './wanted-topics.ts';

/** A call of the platform API that a backfill makes. */
export interface PlannedCall {
  readonly call: string;
  readonly permission: string;
  /** Minimum number of calls in one round. */
  readonly requests: string;
}

const CALLS: readonly (PlannedCall & {
  readonly families: readonly FamilyName[];
  readonly perWindow: boolean;
})[] = [
  {
    families: ['detailEvents', 'conversationStates', 'conversationStream'],
    call: 'POST /api/v2/analytics/conversations/details/query',
    permission: 'analytics:conversationDetail:view',
    requests: 'one per 100 conversations',
    perWindow: true,
  },
  {
    families: ['conversationStates'],
    call: 'GET /api/v2/conversations/{conversationId}',
    permission: 'conversation:communication:view',
    requests: 'one per conversation that was open at the end of the gap',
    perWindow: false,
  },
  {
    families: ['presence', 'routingStatus'],
    call: 'POST /api/v2/analytics/users/details/query',
    permission: 'analytics:userDetail:view',
    requests: 'one per 100 users',
    perWindow: true,
  },
  {
    families: ['audits'],
    call: 'POST /api/v2/audits/query/realtime',
    permission: 'audits:audit:view',
    requests: 'one per 100 records of a service',
    perWindow: true,
  },
  {
    families: ['queueCounts'],
    call: 'POST /api/v2/analytics/queues/observations/query',
    permission: 'analytics:queueObservation:view',
    requests: 'one per 100 queues, once',
    perWindow: false,
  },
  {
    families: ['userStates'],
    call: 'GET /api/v2/users?expand=…',
    permission: 'directory:user:view',
    requests: 'one per 100 users, once',
    perWindow: false,
  },
];

/** The calls of a backfill of these topics and this interval. */
export function recoveryPlan(
  wanted: WantedTopics,
  interval: Interval,
): { readonly windows: number; readonly calls: readonly PlannedCall[]; readonly topics: readonly string[] } {
  const windows = windowsOf([interval]).length;
  const calls = CALLS.filter(({ families }) => wanted.wants(...families)).map(
    ({ call, permission, requests, perWindow }) => ({
      call,
      permission,
      requests: perWindow ? `${requests}, in each of ${windows} intervals` : requests,
    }),
  );
  const topics = [...wanted.families].flatMap((name) =>
    TOPIC_FAMILIES[name].recovery === 'none' ? [] : TOPIC_FAMILIES[name].topics,
  );
  return { windows, calls, topics };
}
