import type { Json } from './json-object.ts';

/** A detail event: its type, such as `user.start`, and its body. */
export interface DetailFact {
  readonly type: string;
  readonly body: Json;
}

interface Session {
  readonly purpose: string;
  readonly participant: Json;
  readonly fields: Record<string, unknown>;
  readonly segments: Record<string, unknown>[];
}

const PURPOSES: Readonly<Record<string, string>> = {
  customer: 'customer',
  acd: 'acd',
  flow: 'ivr',
  voicemail: 'voicemail',
  user: 'agent',
  acw: 'agent',
  wrapup: 'agent',
};
const SESSION_LISTS = { calls: 'voice', messages: 'message', chats: 'chat', emails: 'email' } as const;

/**
 * The record of a conversation in the analytics API (platform SDK 262), from its detail events, or from its last state
 * if there are none. Undefined if neither is known.
 */
export function detailRecord(id: string, facts: readonly DetailFact[], snapshot?: Json): Json | undefined {
  const fromFacts = sessionsOfFacts(facts);
  const sessions = fromFacts.size > 0 ? fromFacts : sessionsOfSnapshot(snapshot ?? {});
  const participants = [
    ...Map.groupBy(sessions, ([, { participant }]) => participant.participantId).values(),
  ];
  const segments = [...sessions.values()].flatMap((session) => session.segments);
  if (segments.length === 0) return undefined;
  const starts = segments.map(({ segmentStart }) => String(segmentStart)).toSorted();
  const ends = segments.map(({ segmentEnd }) => segmentEnd);
  return {
    conversationId: id,
    conversationStart: starts[0],
    ...(ends.includes(undefined) ? {} : { conversationEnd: ends.map(String).toSorted().at(-1) }),
    originatingDirection: 'inbound',
    participants: participants.map((own) => ({
      ...own[0]?.[1].participant,
      purpose: own[0]?.[1].purpose,
      sessions: own.map(([sessionId, { fields, segments: list }]) => ({
        sessionId,
        ...fields,
        segments: list,
      })),
    })),
  };
}

function sessionsOfFacts(facts: readonly DetailFact[]): Map<string, Session> {
  const sessions = new Map<string, Session>();
  for (const { type, body } of facts) {
    const [of = '', edge] = type.split('.');
    const purpose = PURPOSES[of];
    if (purpose === undefined || edge === 'outcome') continue;
    const { participantId, sessionId, userId, queueId } = body;
    const session = sessions.get(String(sessionId)) ?? {
      purpose,
      participant: { participantId, ...(userId === undefined ? {} : { userId }) },
      fields: sessionFields(body),
      segments: [],
    };
    sessions.set(String(sessionId), session);
    const at = new Date(Number(body.eventTime)).toISOString();
    if (edge === 'start')
      session.segments.push({
        segmentStart: at,
        segmentType: 'interact',
        ...(queueId === undefined ? {} : { queueId }),
      });
    else if (edge === 'end') endSegments(session, body, at);
    else if (of === 'wrapup') session.segments.push(wrapupSegment(body, at));
  }
  return sessions;
}

function sessionFields(body: Json): Record<string, unknown> {
  const { mediaType, direction, ani, dnis, provider, flowId, flowType, flowVersion } = body;
  return {
    mediaType: String(mediaType).toLowerCase(),
    direction: String(direction).toLowerCase(),
    ani,
    dnis,
    provider,
    ...(flowId === undefined ? {} : { flow: { flowId, flowType, flowVersion } }),
  };
}

/** A session that moved to another queue within a millisecond has two segments, and only one event for its end. */
function endSegments(session: Session, body: Json, at: string): void {
  const { disconnectType, exitReason, transferType, queueId } = body;
  const open = session.segments.filter(({ segmentEnd }) => segmentEnd === undefined);
  for (const segment of open) {
    segment.segmentEnd = at;
    if (segment.queueId === queueId && disconnectType !== undefined)
      segment.disconnectType = String(disconnectType).toLowerCase();
  }
  const { flow } = session.fields;
  if (flow) session.fields.flow = { ...flow, exitReason, transferType };
}

function wrapupSegment({ eventTime, wrapupDurationMs, wrapupCode, wrapupNotes, queueId }: Json, at: string) {
  const segmentStart = new Date(Number(eventTime) - Number(wrapupDurationMs)).toISOString();
  return {
    segmentStart,
    segmentEnd: at,
    segmentType: 'wrapup',
    queueId,
    wrapUpCode: wrapupCode,
    wrapUpNote: wrapupNotes,
  };
}

function sessionsOfSnapshot({ participants = [] }: Json): Map<string, Session> {
  const sessions = new Map<string, Session>();
  const all = participants as readonly Json[];
  const firstAt = all
    .flatMap(({ connectedTime }) => (connectedTime ? [String(connectedTime)] : []))
    .toSorted()[0];
  for (const participant of all) {
    const { id, purpose, userId, queueId, connectedTime, endTime, wrapup, startAcwTime } = participant;
    const [list = 'calls'] = Object.keys(SESSION_LISTS).filter((name) => name in participant);
    const own = ((participant[list] ?? []) as readonly Json[])[0] ?? {};
    const segmentStart = connectedTime ?? endTime ?? firstAt;
    if (segmentStart === undefined) continue;
    sessions.set(String(own.id ?? id), {
      purpose: String(purpose),
      participant: { participantId: id, ...(userId === undefined ? {} : { userId }) },
      fields: { mediaType: SESSION_LISTS[list as keyof typeof SESSION_LISTS], direction: 'inbound' },
      segments: [
        {
          segmentStart,
          segmentType: connectedTime === undefined ? 'alert' : 'interact',
          ...(endTime === undefined ? {} : { segmentEnd: endTime }),
          ...(queueId === undefined ? {} : { queueId }),
        },
        ...(wrapup === undefined
          ? []
          : [
              {
                segmentStart: startAcwTime,
                segmentEnd: (wrapup as Json).endTime,
                segmentType: 'wrapup',
                wrapUpCode: (wrapup as Json).code,
                ...(queueId === undefined ? {} : { queueId }),
              },
            ]),
      ],
    });
  }
  return sessions;
}
