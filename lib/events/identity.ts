import { hash } from 'node:crypto';
import { assertDepth, canonicalJson } from './canonical-json.ts';
import type { Frame } from './schema.ts';

/** A key field: a string or number is an id, a time is normalized. Undefined means that the rule does not apply. */
type KeyField = string | number | undefined;
type Body = Readonly<Record<string, unknown>>;

interface IdentityRule {
  /** Part of the hash, so that two rules never produce the same id. */
  readonly name: string;
  /** Its groups are the ids in the topic, which are always part of the key. */
  readonly topic: RegExp;
  readonly key: (body: Body, topicName: string) => readonly KeyField[];
}

const ID = '([^.]+)';
/** A longer id of a protocol is hashed. */
const MAX_OWN_ID_CHARACTERS = 128;

/**
 * The fields that identify an event of a topic, where they are known (from the models of the platform SDK 262). A rule
 * does not apply if one of its fields is missing. In that case, and for all other topics, the whole body is the key.
 */
const RULES: readonly IdentityRule[] = [
  {
    name: 'detail',
    topic: new RegExp(`^v2\\.detail\\.events\\.conversation\\.${ID}\\.(.+)$`),
    key: detailEventKey,
  },
  {
    name: 'presence',
    topic: new RegExp(`^v2\\.users\\.${ID}\\.presence$`),
    key: (body) => [text(body.source), time(body.modifiedDate), text(member(body.presenceDefinition, 'id'))],
  },
  {
    name: 'routingStatus',
    topic: new RegExp(`^v2\\.users\\.${ID}\\.routingStatus$`),
    key: (body) => [
      time(member(body.routingStatus, 'startTime')),
      text(member(body.routingStatus, 'status')),
    ],
  },
  {
    name: 'metrics',
    topic: new RegExp(`^v2\\.analytics\\.conversation\\.${ID}\\.metrics$`),
    key: (body) => [text(body.recordId)],
  },
  {
    name: 'audit',
    topic: new RegExp(`^v2\\.audits\\.entitytype\\.${ID}\\.entityid\\.${ID}$`),
    key: (body) => [text(body.id)],
  },
  {
    name: 'transcription',
    topic: new RegExp(`^v2\\.conversations\\.${ID}\\.transcription$`),
    key: (body) => [text(body.communicationId), time(body.eventTime), utterances(body)],
  },
];

/**
 * The stable id of an event: the base64url text of a SHA-256 (43 characters). It depends only on topic and body, so an
 * event has the same id on two sockets, in a backfill and in Genesys Cloud's own EventBridge integration, in any key
 * order. `metadata` is not part of it: its `CorrelationId` belongs to the conversation.
 *
 * Two events of a topic without key fields are the same event if their bodies are equal.
 *
 * @throws {@link TooDeepError} when the frame is nested too deep to be compared or serialized
 */
export function eventIdentity(frame: Pick<Frame, 'topicName' | 'eventBody'>): string {
  for (const part of Object.values(frame)) assertDepth(part);
  for (const rule of RULES) {
    const match = rule.topic.exec(frame.topicName);
    if (!match) continue;
    const key = rule.key(frame.eventBody, frame.topicName);
    if (key.includes(undefined)) break;
    return digest(rule.name, [...match.slice(1), ...key]);
  }
  // JSON text has no raw line breaks, so topic and body cannot run into each other, and the other rules' text starts
  // with a bracket. No other input produces this text.
  const topic = JSON.stringify(frame.topicName);
  return hash('sha256', `body\n${topic}\n${canonicalJson(frame.eventBody)}`, 'base64url');
}

/**
 * The id of an event that has an id of its own in its protocol: unique per protocol.
 *
 * @param id - the protocol's own id
 */
export function protocolIdentity(protocol: string, id: string): string {
  const own = `${protocol}:${id}`;
  return own.length <= MAX_OWN_ID_CHARACTERS ? own : digest(protocol, [id]);
}

function digest(rule: string, key: readonly KeyField[]): string {
  return hash('sha256', JSON.stringify([rule, ...key]), 'base64url');
}

function detailEventKey(body: Body, topicName: string): readonly KeyField[] {
  const key = [text(body.conversationId), text(body.participantId)];
  const at = time(body.eventTime);
  // Two updates of attributes can have the same millisecond, and they have no session.
  if (topicName.endsWith('.attributes')) return [...key, at, canonicalJson(body.attributes ?? null)];
  if (topicName.endsWith('.flow.outcome'))
    return [...key, text(body.sessionId), at, text(body.flowOutcomeId)];
  return [...key, text(body.sessionId), at];
}

/** The utterances of a transcription, each provisional or final. Messages that only carry a status have none. */
function utterances(body: Body): KeyField {
  const transcripts = body.transcripts;
  if (!Array.isArray(transcripts) || transcripts.length === 0) return undefined;
  const ids = transcripts.map((one) => [text(member(one, 'utteranceId')), member(one, 'isFinal') === true]);
  return ids.some(([id]) => id === undefined) ? undefined : JSON.stringify(ids);
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Body)[key] : undefined;
}

function text(value: unknown): KeyField {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** ISO 8601 with an offset and at most milliseconds: normalizing a finer time would make two events equal. */
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds of a time in either form that the platform uses: epoch milliseconds or ISO 8601. */
function time(value: unknown): KeyField {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !ISO_MS.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}
