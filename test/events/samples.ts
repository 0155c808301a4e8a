import type { Frame } from '../../lib/events/schema.ts';
import type { Path } from './json.ts';

const CONVERSATION = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
const USER = '278522be-1683-4877-8257-4164a177be89';

/** A frame of a topic with known key fields. */
export interface Sample {
  readonly name: string;
  readonly frame: Frame;
  /** Ids in the topic. */
  readonly topicIds: readonly string[];
  /** Fields of the recovery key. */
  readonly keys: readonly Path[];
  /** Key fields that can be missing. */
  readonly optional?: readonly Path[];
  /** The `keys` that are times. */
  readonly times: readonly Path[];
}

const detailBody = {
  eventTime: 1649237504949,
  conversationId: CONVERSATION,
  participantId: '9fb2ca78-8389-4758-b76a-9b0300de1fce',
  sessionId: 'c03d300e-fa79-4353-9695-b97a71322785',
  mediaType: 'VOICE',
  direction: 'INBOUND',
  ani: 'tel:+13175550123',
  conversationExternalContactIds: ['12456349-b5c7-4d8f-9eb4-f4df18bce9a9'],
};
const detailKeys: readonly Path[] = [['conversationId'], ['participantId'], ['eventTime']];

function frameOf(topicName: string, eventBody: Frame['eventBody']): Frame {
  return { topicName, version: '2', eventBody, metadata: { CorrelationId: 'b61df0b3-9e33-444b' } };
}

function detailSample(type: string, more: Frame['eventBody'], keys: readonly Path[] = []): Sample {
  return {
    name: type,
    frame: frameOf(`v2.detail.events.conversation.${CONVERSATION}.${type}`, { ...detailBody, ...more }),
    topicIds: [CONVERSATION],
    keys: [...detailKeys, ['sessionId'], ...keys],
    times: [['eventTime']],
  };
}

const { sessionId: _, ...attributesBody } = detailBody;

/** At least one frame per key rule. */
export const SAMPLES: readonly Sample[] = [
  detailSample('user.start', { userId: USER, queueId: 'b1' }),
  detailSample('customer.end', { disconnectType: 'PEER', interactingDurationMs: 60_000 }),
  detailSample('acw', { userId: USER, wrapupCode: 'none', wrapupDurationMs: 1_200 }),
  detailSample('wrapup', { wrapupCode: 'none', wrapupDurationMs: 1_200 }),
  detailSample('acd.start', { queueId: 'b1' }),
  detailSample('flow.outcome', { flowOutcomeId: 'outcome-1', flowOutcomeValue: 'SUCCESS' }, [
    ['flowOutcomeId'],
  ]),
  {
    name: 'attributes',
    frame: frameOf(`v2.detail.events.conversation.${CONVERSATION}.attributes`, {
      ...attributesBody,
      attributes: { tier: 'gold', language: 'de' },
      communications: [{ id: 'x1' }],
    }),
    topicIds: [CONVERSATION],
    keys: [...detailKeys, ['attributes', 'tier'], ['attributes', 'language']],
    optional: [
      ['attributes', 'tier'],
      ['attributes', 'language'],
    ],
    times: [['eventTime']],
  },
  {
    name: 'presence',
    frame: frameOf(`v2.users.${USER}.presence`, {
      source: 'PURECLOUD',
      presenceDefinition: { id: '6a3af858-942f-489d-9700-5f9bcdcdae9b', systemPresence: 'AVAILABLE' },
      primary: true,
      message: '',
      modifiedDate: '2026-03-21T01:09:55.225Z',
    }),
    topicIds: [USER],
    keys: [['source'], ['modifiedDate'], ['presenceDefinition', 'id']],
    times: [['modifiedDate']],
  },
  {
    name: 'routing status',
    frame: frameOf(`v2.users.${USER}.routingStatus`, {
      id: USER,
      routingStatus: { userId: USER, status: 'IDLE', startTime: '2026-03-21T01:09:55.225Z' },
    }),
    topicIds: [USER],
    keys: [
      ['routingStatus', 'status'],
      ['routingStatus', 'startTime'],
    ],
    times: [['routingStatus', 'startTime']],
  },
  {
    name: 'metrics',
    frame: frameOf(`v2.analytics.conversation.${CONVERSATION}.metrics`, {
      recordId: 'b8775049-2993-450d-97d7-5d7c784d7cc9',
      metricDate: '2026-03-21T01:09:55.225Z',
      metric: 'tTalk',
      value: 12,
    }),
    topicIds: [CONVERSATION],
    keys: [['recordId']],
    times: [],
  },
  {
    name: 'audit',
    frame: frameOf(`v2.audits.entitytype.UserPresence.entityid.${USER}`, {
      id: 'b8775049-2993-450d-97d7-5d7c784d7cc9',
      serviceName: 'Presence',
      eventTime: '2021-06-25T15:11:52.000Z',
      propertyChanges: [{ property: 'PRESENCE', oldValues: ['Break'], newValues: ['Available'] }],
    }),
    topicIds: ['UserPresence', USER],
    keys: [['id']],
    times: [],
  },
  {
    name: 'transcription',
    frame: frameOf(`v2.conversations.${CONVERSATION}.transcription`, {
      eventTime: '2026-03-21T01:09:55.225Z',
      conversationId: CONVERSATION,
      communicationId: 'c03d300e-fa79-4353-9695-b97a71322785',
      transcripts: [
        { utteranceId: 'u1', isFinal: false, channel: 'EXTERNAL', alternatives: [{ transcript: 'hel' }] },
        { utteranceId: 'u2', isFinal: true, channel: 'INTERNAL', alternatives: [{ transcript: 'hello' }] },
      ],
    }),
    topicIds: [CONVERSATION],
    keys: [
      ['communicationId'],
      ['eventTime'],
      ['transcripts', 0, 'utteranceId'],
      ['transcripts', 0, 'isFinal'],
      ['transcripts', 1, 'utteranceId'],
      ['transcripts', 1, 'isFinal'],
    ],
    optional: [
      ['transcripts', 0, 'isFinal'],
      ['transcripts', 1, 'isFinal'],
    ],
    times: [['eventTime']],
  },
];

/** Topics without known key fields. */
export const GENERIC_TOPICS: readonly string[] = [
  `v2.users.${USER}.activity`,
  `v2.users.${USER}.conversations`,
  `v2.routing.queues.${CONVERSATION}.conversations`,
  `v2.analytics.queues.${CONVERSATION}.observations`,
  `v2.detail.events.agent.${USER}.state`,
  `v2.users.${USER}.presence.more`,
  'v2.quality.evaluations',
];
