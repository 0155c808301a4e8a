import * as z from 'zod';
import type { IntervalQuery } from './interval-query.ts';

const time = z.iso.datetime({ offset: true });

const segmentSchema = z.looseObject({
  segmentStart: time,
  segmentEnd: time.optional(),
  segmentType: z.string().optional(),
  disconnectType: z.string().optional(),
  queueId: z.string().optional(),
  wrapUpCode: z.string().optional(),
  wrapUpNote: z.string().optional(),
});
/** A part of a session. */
export type Segment = z.infer<typeof segmentSchema>;

const flowSchema = z.looseObject({
  flowId: z.string().optional(),
  flowType: z.string().optional(),
  flowVersion: z.string().optional(),
  exitReason: z.string().optional(),
  transferType: z.string().optional(),
});

const sessionSchema = z.looseObject({
  sessionId: z.string(),
  mediaType: z.string().optional(),
  direction: z.string().optional(),
  provider: z.string().optional(),
  ani: z.string().optional(),
  dnis: z.string().optional(),
  flow: flowSchema.optional(),
  segments: z.array(segmentSchema).default([]),
});
/** A session of a participant: a call, a chat and so on. */
export type Session = z.infer<typeof sessionSchema>;

const participantSchema = z.looseObject({
  participantId: z.string(),
  purpose: z.string().optional(),
  userId: z.string().optional(),
  sessions: z.array(sessionSchema).default([]),
});
/** A participant of a conversation. */
export type Participant = z.infer<typeof participantSchema>;

const conversationSchema = z.looseObject({
  conversationId: z.string(),
  conversationStart: time,
  conversationEnd: time.optional(),
  participants: z.array(participantSchema).default([]),
});
/** The analytics record of a conversation (`AnalyticsConversationWithoutAttributes` of platform SDK 262, in part). */
export type ConversationDetail = z.infer<typeof conversationSchema>;

/** The conversations that overlap an interval. */
export const CONVERSATION_DETAILS: IntervalQuery<ConversationDetail> = {
  path: '/api/v2/analytics/conversations/details/query',
  list: 'conversations',
  schema: conversationSchema,
  keyOf: ({ conversationId }) => conversationId,
  body: { orderBy: 'conversationStart' },
};
