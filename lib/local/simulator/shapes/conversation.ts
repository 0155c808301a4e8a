import { PERSONAL_DATA } from '../personal-data.ts';

/** The current state of a participant of a conversation. Times are epoch milliseconds. */
export interface Participant {
  readonly id: string;
  readonly sessionId: string;
  readonly purpose: 'customer' | 'ivr' | 'acd' | 'agent';
  readonly name: string;
  readonly userId?: string;
  readonly queueId?: string;
  readonly startMs: number;
  connectedMs?: number;
  heldSinceMs?: number;
  muted?: boolean;
  endMs?: number;
  disconnectType?: string;
  wrapup?: {
    readonly code: string;
    readonly notes: string;
    readonly endMs: number;
    readonly durationSeconds: number;
  };
  attributes: Record<string, string>;
}

export type MediaType = 'voice' | 'message' | 'chat' | 'email';

/** The current state of a conversation. */
export interface Conversation {
  readonly id: string;
  readonly correlationId: string;
  readonly mediaType: MediaType;
  readonly divisionId: string;
  readonly externalContactId: string;
  readonly externalOrganizationId: string;
  readonly ani: string;
  readonly dnis: string;
  readonly participants: Participant[];
}

/** Name of the list that holds a participant's sessions, by media type. */
const SESSION_LISTS = { voice: 'calls', message: 'messages', chat: 'chats', email: 'emails' } as const;

/** The platform's provider name, by media type. */
export const PROVIDERS = {
  voice: 'Edge',
  message: 'PureCloud Messaging',
  chat: 'PureCloud Webchat v2',
  email: 'PureCloud Email',
} as const;

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Body of `v2.users.{id}.conversations` and `v2.routing.queues.{id}.conversations`: the full state, without a version
 * or an event time. A conversation that returns to an earlier state has the same body again.
 */
export function snapshotBody(conversation: Conversation): object {
  return {
    id: conversation.id,
    maxParticipants: conversation.participants.length,
    participants: conversation.participants.map((participant) => participantBody(conversation, participant)),
    recentTransfers: [],
    recordingState: conversation.mediaType === 'voice' ? 'ACTIVE' : 'NONE',
    address: conversation.ani,
    securePause: false,
    utilizationLabelId: '',
    divisions: [{ division: { id: conversation.divisionId }, entities: [] }],
  };
}

function participantBody(conversation: Conversation, participant: Participant): object {
  const { connectedMs, endMs, wrapup } = participant;
  const isAgent = participant.purpose === 'agent';
  return {
    id: participant.id,
    ...(connectedMs === undefined ? {} : { connectedTime: iso(connectedMs) }),
    ...(endMs === undefined ? {} : { endTime: iso(endMs) }),
    ...(participant.userId === undefined ? {} : { userId: participant.userId }),
    ...(participant.queueId === undefined ? {} : { queueId: participant.queueId }),
    ...(participant.purpose === 'customer' ? { externalContactId: conversation.externalContactId } : {}),
    purpose: participant.purpose,
    name: participant.name,
    address: conversation.ani,
    ...(isAgent
      ? {
          wrapupRequired: true,
          wrapupExpected: true,
          wrapupPrompt: 'mandatory',
          wrapupTimeoutMs: 60_000,
          alertingTimeoutMs: 8_000,
        }
      : {}),
    ...(isAgent && endMs !== undefined ? { startAcwTime: iso(endMs) } : {}),
    ...(wrapup === undefined ? {} : { wrapup: wrapupBody(wrapup), endAcwTime: iso(wrapup.endMs) }),
    attributes: { ...participant.attributes },
    [SESSION_LISTS[conversation.mediaType]]: [sessionBody(conversation, participant)],
  };
}

function sessionBody(conversation: Conversation, participant: Participant): object {
  const { connectedMs, endMs, heldSinceMs } = participant;
  const state = endMs !== undefined ? 'disconnected' : connectedMs === undefined ? 'alerting' : 'connected';
  return {
    id: participant.sessionId,
    state,
    initialState: participant.purpose === 'agent' ? 'alerting' : 'connected',
    recording: conversation.mediaType === 'voice',
    muted: participant.muted ?? false,
    confined: false,
    held: heldSinceMs !== undefined,
    ...(heldSinceMs === undefined ? {} : { startHoldTime: iso(heldSinceMs) }),
    securePause: false,
    direction: 'inbound',
    ...(participant.disconnectType === undefined ? {} : { disconnectType: participant.disconnectType }),
    self: { name: participant.name, addressNormalized: conversation.dnis },
    other: { name: PERSONAL_DATA.customerName, addressNormalized: conversation.ani },
    ...(participant.purpose === 'customer' ? contents(conversation) : {}),
    provider: PROVIDERS[conversation.mediaType],
    ...(connectedMs === undefined ? {} : { connectedTime: iso(connectedMs) }),
    ...(endMs === undefined ? {} : { disconnectedTime: iso(endMs) }),
    ...(participant.purpose === 'agent' ? { disconnectReasons: [], afterCallWorkRequired: true } : {}),
  };
}

/** What the customer said or sent with the session. */
function contents({ mediaType }: Conversation): object {
  return mediaType === 'voice' ? { uuiData: PERSONAL_DATA.endpoint } : { subject: PERSONAL_DATA.subject };
}

function wrapupBody(wrapup: NonNullable<Participant['wrapup']>): object {
  const { code, notes, endMs, durationSeconds } = wrapup;
  return { code, notes, tags: [], durationSeconds, endTime: iso(endMs), provisional: false };
}
