import type { Random } from '../../random.ts';
import { seededUuid } from '../identifiers.ts';
import type { Conversation } from './conversation.ts';

export const CONVERSATION_METRICS_TOPIC = 'v2.analytics.conversation.{id}.metrics';

const FIRST_VALUE_MS = 1_000;

/** Bodies of `v2.analytics.conversation.{id}.metrics`: a record, and its correction with the same `recordId`. */
export function correctedMetricsBodies(conversation: Conversation, random: Random, atMs: number): object[] {
  const recordId = seededUuid(random);
  const valueMs = FIRST_VALUE_MS + random.int(FIRST_VALUE_MS);
  return [valueMs, valueMs + 1].map((value) => ({
    recordId,
    conversationId: conversation.id,
    metricDate: new Date(atMs).toISOString(),
    metrics: [{ metric: 'tHandle', value }],
  }));
}
