import { PERSONAL_DATA } from '../personal-data.ts';
import type { DETAIL_EVENT_TYPES } from '../topic-templates.ts';
import { type Conversation, type Participant, PROVIDERS } from './conversation.ts';

export type DetailEventType = (typeof DETAIL_EVENT_TYPES)[number];

export function detailTopic(type: DetailEventType): string {
  return `v2.detail.events.conversation.{id}.${type}`;
}

/**
 * Body of `v2.detail.events.conversation.{id}.<type>`. It has no event id; `eventTime` is in epoch milliseconds.
 *
 * @param more fields specific to the type
 */
export function detailBody(
  conversation: Conversation,
  participant: Participant,
  eventTimeMs: number,
  more: Readonly<Record<string, unknown>>,
): object {
  return {
    eventTime: eventTimeMs,
    conversationId: conversation.id,
    participantId: participant.id,
    sessionId: participant.sessionId,
    mediaType: conversation.mediaType.toUpperCase(),
    provider: PROVIDERS[conversation.mediaType],
    direction: 'INBOUND',
    ani: conversation.ani,
    dnis: conversation.dnis,
    addressTo: conversation.dnis,
    addressFrom: conversation.ani,
    ...(conversation.mediaType === 'voice'
      ? { callbackUserName: PERSONAL_DATA.customerName, callbackNumbers: [conversation.ani] }
      : { subject: PERSONAL_DATA.subject }),
    divisionId: conversation.divisionId,
    conversationExternalContactIds: [conversation.externalContactId],
    conversationExternalOrganizationIds: [conversation.externalOrganizationId],
    ...more,
  };
}

/** Body of the `attributes` type, which belongs to a participant and has no session. */
export function attributesBody(
  conversation: Conversation,
  participant: Participant,
  eventTimeMs: number,
): object {
  return {
    eventTime: eventTimeMs,
    conversationId: conversation.id,
    participantId: participant.id,
    attributes: { ...participant.attributes },
    communications: [
      { communicationId: participant.sessionId, mediaType: conversation.mediaType.toUpperCase() },
    ],
    conversationExternalContactIds: [conversation.externalContactId],
    conversationExternalOrganizationIds: [conversation.externalOrganizationId],
  };
}
