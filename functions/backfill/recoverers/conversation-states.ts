import type { ConversationDetail, Participant } from '../../../lib/genesys/recovery/conversation-details.ts';
import type { RecoveredEvent } from '../recovered-event.ts';
import type { WantedTopics } from '../wanted-topics.ts';

const userTopic = (id: string) => `v2.users.${id}.conversations`;
const queueTopic = (id: string) => `v2.routing.queues.${id}.conversations`;
/** Names of the lists of sessions in a state, by media type of the analytics record. */
const SESSION_LISTS: Readonly<Record<string, string>> = {
  voice: 'calls',
  callback: 'callbacks',
  chat: 'chats',
  email: 'emails',
  message: 'messages',
  video: 'videos',
  screenshare: 'screenshares',
  cobrowse: 'cobrowsesessions',
};
const STREAM_TOPIC = 'conversation.state';

/** The wanted topics that have the states of a conversation: those of its users and queues. */
export function stateTopics({ participants }: ConversationDetail, wanted: WantedTopics): string[] {
  const users = participants.flatMap(({ userId }) => userId ?? []);
  const queues = participants.flatMap(({ sessions }) =>
    sessions.flatMap(({ segments }) => segments.flatMap(({ queueId }) => queueId ?? [])),
  );
  const topics = [...users.map(userTopic), ...queues.map(queueTopic)];
  return [...new Set(topics)].filter((topic) => wanted.has(topic));
}

/**
 * When the user or queue of a topic left a conversation, in epoch milliseconds: none of its sessions continues.
 *
 * @returns undefined if it is still in it
 */
export function leftAtMs({ participants }: ConversationDetail, topicName: string): number | undefined {
  const ends = participants.flatMap(({ userId, sessions }) => {
    const isUser = userId !== undefined && topicName === userTopic(userId);
    return sessions.flatMap(({ segments }) =>
      segments
        .filter(({ queueId }) => isUser || (queueId !== undefined && topicName === queueTopic(queueId)))
        .map(({ segmentEnd }) =>
          segmentEnd === undefined ? Number.POSITIVE_INFINITY : Date.parse(segmentEnd),
        ),
    );
  });
  const lastMs = Math.max(...ends);
  return Number.isFinite(lastMs) ? lastMs : undefined;
}

/** The last state of a conversation that has ended, built from its analytics record. Attributes are not in the record. */
export function reconstructedState(record: ConversationDetail): Record<string, unknown> {
  return {
    id: record.conversationId,
    maxParticipants: record.participants.length,
    participants: record.participants.map(participantState),
    recentTransfers: [],
  };
}

/** The last event of the conversation stream about a conversation; undefined if it has not ended. */
export function streamEvent(record: ConversationDetail): RecoveredEvent | undefined {
  const { conversationId, conversationEnd } = record;
  if (conversationEnd === undefined) return undefined;
  const wasAnswered = record.participants.some(
    ({ purpose, sessions }) =>
      purpose === 'agent' &&
      sessions.some(({ segments }) => segments.some(({ segmentType }) => segmentType === 'interact')),
  );
  const { participants } = reconstructedState(record);
  return {
    topicName: STREAM_TOPIC,
    eventBody: {
      type: STREAM_TOPIC,
      state: wasAnswered ? 'completed' : 'abandoned',
      conversationId,
      timestamp: conversationEnd,
      participants,
    },
    atMs: Date.parse(conversationEnd),
    kind: 'last_state',
    subject: conversationId,
  };
}

function participantState({
  participantId,
  purpose,
  userId,
  sessions,
}: Participant): Record<string, unknown> {
  const segments = sessions.flatMap((session) => session.segments);
  const talk = segments.filter(({ segmentType }) => segmentType !== 'wrapup');
  const wrapup = segments.findLast(({ segmentType }) => segmentType === 'wrapup');
  const connectedTime = talk.find(({ segmentType }) => segmentType === 'interact')?.segmentStart;
  const ends = talk.map(({ segmentEnd }) => segmentEnd);
  const endTime = ends.includes(undefined) ? undefined : ends.at(-1);
  const queueId = talk.find((segment) => segment.queueId !== undefined)?.queueId;
  const lists = Map.groupBy(sessions, ({ mediaType = 'voice' }) => SESSION_LISTS[mediaType] ?? 'calls');
  return {
    id: participantId,
    ...(connectedTime === undefined ? {} : { connectedTime }),
    ...(endTime === undefined ? {} : { endTime }),
    ...(userId === undefined ? {} : { userId }),
    ...(queueId === undefined ? {} : { queueId }),
    purpose,
    ...(wrapup === undefined ? {} : { wrapup: { code: wrapup.wrapUpCode, endTime: wrapup.segmentEnd } }),
    ...Object.fromEntries(
      [...lists].map(([list, own]) => [
        list,
        own.map(({ sessionId, provider, direction }) => ({
          id: sessionId,
          state: endTime === undefined ? 'connected' : 'disconnected',
          ...(direction === undefined ? {} : { direction }),
          ...(provider === undefined ? {} : { provider }),
          ...(connectedTime === undefined ? {} : { connectedTime }),
          ...(endTime === undefined ? {} : { disconnectedTime: endTime }),
        })),
      ]),
    ),
  };
}
