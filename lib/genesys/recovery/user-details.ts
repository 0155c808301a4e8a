import * as z from 'zod';
import type { IntervalQuery } from './interval-query.ts';

const time = z.iso.datetime({ offset: true });

const userDetailSchema = z.looseObject({
  userId: z.string(),
  primaryPresence: z
    .array(
      z.looseObject({
        startTime: time,
        systemPresence: z.string().optional(),
        organizationPresenceId: z.string(),
      }),
    )
    .default([]),
  routingStatus: z.array(z.looseObject({ startTime: time, routingStatus: z.string() })).default([]),
});
/** Presences and routing statuses of a user (`AnalyticsUserDetail` of platform SDK 262). */
export type UserDetail = z.infer<typeof userDetailSchema>;

/** The users with a presence or routing status that overlaps an interval. */
export const USER_DETAILS: IntervalQuery<UserDetail> = {
  path: '/api/v2/analytics/users/details/query',
  list: 'userDetails',
  schema: userDetailSchema,
  keyOf: ({ userId }) => userId,
};
