import type { Random } from '../../random.ts';
import { seededUuid } from '../identifiers.ts';
import { PERSONAL_DATA } from '../personal-data.ts';
import { type Conversation, iso, type Participant } from './conversation.ts';

export const TRANSCRIPTION_TOPIC = 'v2.conversations.{id}.transcription';

const WORDS = [
  ...'i would like to ask about the invoice for my order that has not arrived yet thank you'.split(' '),
  PERSONAL_DATA.spokenWord,
];
const MAX_UTTERANCE_WORDS = 24;
const WORD_MS = 320;
const STATUS_ONLY_CHANCE = 0.1;
const PROVISIONAL_CHANCE = 0.2;

/**
 * Bodies of `v2.conversations.{id}.transcription`: an ISO 8601 `eventTime`, and one utterance or, occasionally, only a
 * status. An utterance can be preceded by two provisional versions with the same `eventTime`.
 */
export function transcriptionBodies(
  conversation: Conversation,
  agent: Participant,
  organizationId: string,
  random: Random,
  atMs: number,
): object[] {
  const startedMs = agent.connectedMs ?? agent.startMs;
  const body = {
    eventTime: iso(atMs),
    organizationId,
    conversationId: conversation.id,
    communicationId: agent.sessionId,
    sessionStartTimeMs: agent.startMs,
    transcriptionStartTimeMs: startedMs,
  };
  const offsetMs = Math.max(0, atMs - startedMs);
  if (random.chance(STATUS_ONLY_CHANCE))
    return [{ ...body, status: { offsetMs: atMs - startedMs, status: 'SESSION_ONGOING' } }];
  const utteranceId = seededUuid(random);
  const provisional = random.chance(PROVISIONAL_CHANCE) ? [false, false] : [];
  return [...provisional, true].map((isFinal) => ({
    ...body,
    transcripts: [utterance(random, offsetMs, utteranceId, isFinal)],
  }));
}

function utterance(random: Random, offsetMs: number, utteranceId: string, isFinal: boolean): object {
  const words = Array.from({ length: 1 + random.int(MAX_UTTERANCE_WORDS) }, (_, index) => ({
    confidence: Math.round((0.6 + random.next() * 0.4) * 1_000) / 1_000,
    offsetMs: offsetMs + index * WORD_MS,
    durationMs: WORD_MS - 20,
    word: random.pick(WORDS),
  }));
  return {
    utteranceId,
    isFinal,
    channel: random.chance(0.6) ? 'EXTERNAL' : 'INTERNAL',
    alternatives: [
      {
        confidence: 0.87,
        offsetMs,
        durationMs: words.length * WORD_MS,
        transcript: words.map(({ word }) => word).join(' '),
        words,
      },
    ],
    engineProvider: 'GENESYS',
    engineId: 'r2d2',
    engineName: 'GENESYS',
    dialect: 'en-US',
    agentAssistEnabled: false,
    voiceTranscriptionEnabled: true,
  };
}
