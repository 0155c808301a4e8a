import type { Frame } from '../frame.ts';
import type { Json } from './json-object.ts';
import { STREAM_STATE_TOPIC } from './platform-memory.ts';

type Content = Pick<Frame, 'topicName' | 'eventBody'>;

/** What names an occurrence both live and in the REST API. Of other topics, the whole content does. */
export function occurrenceOf({ topicName, eventBody }: Content): string {
  const body = eventBody as Json;
  if (topicName.endsWith('.presence'))
    return `${topicName} ${body.modifiedDate} ${(body.presenceDefinition as Json | undefined)?.id}`;
  if (topicName.endsWith('.routingStatus')) {
    const { startTime, status } = (body.routingStatus ?? {}) as Json;
    return `${topicName} ${startTime} ${status}`;
  }
  if (topicName.startsWith('v2.audits.')) return `${topicName} ${body.id}`;
  if (topicName.startsWith('v2.detail.events.conversation.')) {
    const { participantId, sessionId, eventTime, queueId, wrapupCode } = body;
    const queue = topicName.endsWith('.acd.start') ? queueId : '';
    const code = topicName.endsWith('.wrapup') ? wrapupCode : '';
    return `${topicName} ${participantId} ${sessionId} ${eventTime} ${queue} ${code}`;
  }
  return `${topicName} ${JSON.stringify(eventBody)}`;
}

/** What a state is the state of: a conversation, or the user or queue of the topic. */
export function subjectOf({ topicName, eventBody }: Content): string {
  if (topicName === STREAM_STATE_TOPIC) return `${topicName} ${(eventBody as Json).conversationId}`;
  return topicName.endsWith('.conversations') ? `${topicName} ${(eventBody as Json).id}` : topicName;
}

/** Whether a state has every participant of another one, who has ended at the same time, with the same wrap-up code. */
export function hasEveryParticipant(state: Json, expected: Json): boolean {
  const participants = (state.participants ?? []) as readonly Json[];
  return ((expected.participants ?? []) as readonly Json[]).every(({ id, endTime, wrapup }) =>
    participants.some(
      (one) =>
        one.id === id &&
        (endTime === undefined || one.endTime === endTime) &&
        (wrapup === undefined || (one.wrapup as Json | undefined)?.code === (wrapup as Json).code),
    ),
  );
}
