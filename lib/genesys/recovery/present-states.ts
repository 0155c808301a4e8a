import * as z from 'zod';
import { GenesysError } from '../genesys-error.ts';
import type { RestClient } from '../rest-client.ts';

/** Queues per query of observations. */
export const MAX_QUEUES_PER_QUERY = 100;
const PAGE_SIZE = 100;
/** Users whose states are read: 100,000. */
const MAX_PAGES = 1_000;

/** What the state of a user can be expanded by. */
export const USER_EXPANSIONS = [
  'presence',
  'routingStatus',
  'conversationSummary',
  'station',
  'outOfOffice',
] as const;

const observationSchema = z.looseObject({
  group: z.record(z.string(), z.unknown()),
  data: z
    .array(z.looseObject({ metric: z.string(), stats: z.record(z.string(), z.unknown()).optional() }))
    .default([]),
});
/** The present counts of a queue and media type. */
export type QueueObservation = z.infer<typeof observationSchema>;

/** Metrics of a queue that its topics carry (`QueueObservationQuery` of platform SDK 262). */
const METRICS = [
  'oWaiting',
  'oInteracting',
  'oAlerting',
  'oOnQueueUsers',
  'oOffQueueUsers',
  'oActiveUsers',
  'oMemberUsers',
  'oUserRoutingStatuses',
  'oUserPresences',
];

/**
 * The present counts of queues.
 *
 * @param queueIds - at most {@link MAX_QUEUES_PER_QUERY}
 * @throws {@link GenesysError} if the call fails
 */
export async function queueObservations(
  rest: RestClient,
  queueIds: readonly string[],
  signal?: AbortSignal,
): Promise<readonly QueueObservation[]> {
  const predicates = queueIds.map((value) => ({ dimension: 'queueId', value }));
  const answer = await rest.call({
    method: 'POST',
    path: '/api/v2/analytics/queues/observations/query',
    body: { filter: { type: 'or', predicates }, metrics: METRICS },
    ...(signal ? { signal } : {}),
  });
  return z.looseObject({ results: z.array(observationSchema).default([]) }).parse(answer).results;
}

const userSchema = z.looseObject({ id: z.string() });
/** A user with the states that were asked for. */
export type ExpandedUser = z.infer<typeof userSchema>;

/**
 * The present states of all active users, page by page.
 *
 * @throws {@link GenesysError} if a call fails
 */
export async function* userStates(
  rest: RestClient,
  signal?: AbortSignal,
): AsyncGenerator<readonly ExpandedUser[]> {
  for (let pageNumber = 1; pageNumber <= MAX_PAGES; pageNumber++) {
    const { entities } = z.looseObject({ entities: z.array(userSchema).default([]) }).parse(
      await rest.call({
        method: 'GET',
        path: '/api/v2/users',
        query: {
          state: 'active',
          expand: USER_EXPANSIONS.join(','),
          pageSize: String(PAGE_SIZE),
          pageNumber: String(pageNumber),
        },
        ...(signal ? { signal } : {}),
      }),
    );
    yield entities;
    if (entities.length < PAGE_SIZE) return;
  }
}

const conversationSchema = z.looseObject({ id: z.string() });

/**
 * The present state of a conversation, in the shape of the topics that end with `.conversations`.
 *
 * @returns undefined if it has ended
 * @throws {@link GenesysError} if the call fails
 */
export async function openConversation(
  rest: RestClient,
  conversationId: string,
  signal?: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  try {
    const answer = await rest.call({
      method: 'GET',
      path: '/api/v2/conversations/{conversationId}',
      parameters: { conversationId },
      ...(signal ? { signal } : {}),
    });
    return conversationSchema.parse(answer);
  } catch (error) {
    if (error instanceof GenesysError && error.code === 'not_found') return undefined;
    throw error;
  }
}
