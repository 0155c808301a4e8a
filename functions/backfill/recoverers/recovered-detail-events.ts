import type {
  ConversationDetail,
  Participant,
  Segment,
  Session,
} from '../../../lib/genesys/recovery/conversation-details.ts';
import type { RecoveredEvent } from '../recovered-event.ts';

/** An event at a boundary of a session. */
interface Boundary {
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The detail events of a conversation: one at each boundary of its sessions that the analytics record has. */
export function detailEvents({ conversationId, participants }: ConversationDetail): RecoveredEvent[] {
  return participants.flatMap((participant) =>
    participant.sessions.flatMap((session) =>
      boundariesOf(participant, session).map(({ type, at, fields }): RecoveredEvent => {
        const atMs = Date.parse(at);
        return {
          topicName: `v2.detail.events.conversation.${conversationId}.${type}`,
          eventBody: { eventTime: atMs, conversationId, ...commonFields(participant, session), ...fields },
          atMs,
          kind: 'event',
        };
      }),
    ),
  );
}

function commonFields({ participantId }: Participant, session: Session): Record<string, unknown> {
  const { sessionId, mediaType, provider, direction, ani, dnis } = session;
  return defined({
    participantId,
    sessionId,
    mediaType: mediaType?.toUpperCase(),
    provider,
    direction: direction?.toUpperCase(),
    ani,
    dnis,
  });
}

function boundariesOf(participant: Participant, session: Session): Boundary[] {
  switch (participant.purpose) {
    case 'customer':
    case 'external':
      return startAndEnd('customer', session, {});
    case 'acd':
      return acdBoundaries(session);
    case 'ivr':
    case 'workflow':
    case 'botflow':
      return flowBoundaries(session);
    case 'voicemail':
      return startAndEnd('voicemail', session, {
        userId: participant.userId,
        queueId: session.segments[0]?.queueId,
      });
    case 'agent':
    case 'user':
      return userBoundaries(participant, session);
    default:
      return [];
  }
}

/** A call that waits in a queue. It can be moved to another queue within the session. */
function acdBoundaries({ segments }: Session): Boundary[] {
  const starts = segments.map(
    ({ segmentStart, queueId }): Boundary => ({
      type: 'acd.start',
      at: segmentStart,
      fields: defined({ queueId }),
    }),
  );
  const last = segments.findLast(({ disconnectType }) => disconnectType !== undefined) ?? segments.at(-1);
  return [...starts, ...end('acd', segments, { queueId: last?.queueId })];
}

function flowBoundaries(session: Session): Boundary[] {
  const { flowId, flowType, flowVersion, exitReason, transferType } = session.flow ?? {};
  const flow = { flowId, flowType, flowVersion };
  return [
    ...start('flow', session.segments, flow),
    ...end('flow', session.segments, { ...flow, exitReason, transferType }),
  ];
}

/** The time with the conversation, and the work after it. */
function userBoundaries({ userId }: Participant, { segments }: Session): Boundary[] {
  const talk = segments.filter(({ segmentType }) => segmentType !== 'wrapup');
  const wrapups = segments.filter(({ segmentType }) => segmentType === 'wrapup');
  const fields = { userId, queueId: talk[0]?.queueId };
  const wrapupEvents = wrapups.flatMap((segment): Boundary[] =>
    segment.segmentEnd === undefined
      ? []
      : [{ type: 'wrapup', at: segment.segmentEnd, fields: wrapupFields(segment) }],
  );
  const last = wrapups.at(-1);
  const acw: Boundary[] =
    last?.segmentEnd === undefined
      ? []
      : [{ type: 'acw', at: last.segmentEnd, fields: defined({ userId, ...wrapupFields(last) }) }];
  return [...start('user', talk, fields), ...end('user', talk, fields), ...wrapupEvents, ...acw];
}

function wrapupFields({ queueId, wrapUpCode, wrapUpNote, segmentStart, segmentEnd }: Segment) {
  return defined({
    queueId,
    wrapupCode: wrapUpCode,
    wrapupNotes: wrapUpNote,
    wrapupDurationMs:
      segmentEnd === undefined ? undefined : Date.parse(segmentEnd) - Date.parse(segmentStart),
  });
}

function startAndEnd(type: string, { segments }: Session, fields: Boundary['fields'] & object): Boundary[] {
  return [...start(type, segments, fields), ...end(type, segments, fields)];
}

function start(type: string, segments: readonly Segment[], fields: object): Boundary[] {
  const [first] = segments.toSorted((a, b) => Date.parse(a.segmentStart) - Date.parse(b.segmentStart));
  return first ? [{ type: `${type}.start`, at: first.segmentStart, fields: defined({ ...fields }) }] : [];
}

/** A session has ended once all of its segments have. */
function end(type: string, segments: readonly Segment[], fields: object): Boundary[] {
  const ends = segments.flatMap(({ segmentEnd }) => segmentEnd ?? []);
  const last = ends.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
  if (last === undefined || ends.length < segments.length) return [];
  const disconnectType = segments.findLast((one) => one.disconnectType !== undefined)?.disconnectType;
  return [
    {
      type: `${type}.end`,
      at: last,
      fields: defined({ ...fields, disconnectType: disconnectType?.toUpperCase() }),
    },
  ];
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
