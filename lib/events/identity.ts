import { hash } from 'node:crypto';
import { assertDepth, canonicalJson } from './canonical-json.ts';
import type { Frame } from './schema.ts';

/** A key field: text or a number is an id, a time is normalised; undefined means that the rule does not apply. */
type KeyField = string | number | undefined;
type Body = Readonly<Record<string, unknown>>;

interface IdentityRule {
  /** Name in the hash, so that two rules never give the same id. */
  readonly name: string;
  /** Its groups are the ids of the topic, which are always part of the key. */
  readonly topic: RegExp;
  readonly key: (body: Body, topicName: string) => readonly KeyField[];
}

const ID = '([^.]+)';

/**
 * The fields that make an event of a topic unique, where they are known (models of the platform SDK 262). A rule
 * with a field missing does not apply; then, and for all other topics, the whole body is the key.
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
 * The stable identity of an event: 43 characters, the base64url of a SHA-256. It depends on topic and body alone, so
 * the same event has the same identity through two sockets, a backfill or Genesys Cloud's own EventBridge
 * integration, and whatever the order of its keys. `metadata` plays no part: its `CorrelationId` is one a
 * conversation.
 *
 * Two events of a topic without key fields whose bodies are equal are one event.
 *
 * @throws {@link TooDeepError} when a member of the frame is nested too deep to be compared or to be serialized
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
  // Neither text has a line break or a lone surrogate, which UTF-8 would replace, and the other rules' text begins
  // with a bracket: nothing else gives this text.
  const topic = JSON.stringify(frame.topicName);
  return hash('sha256', `body\n${topic}\n${canonicalJson(frame.eventBody)}`, 'base64url');
}

function digest(rule: string, key: readonly KeyField[]): string {
  return hash('sha256', JSON.stringify([rule, ...key]), 'base64url');
}

function detailEventKey(body: Body, topicName: string): readonly KeyField[] {
  const key = [text(body.conversationId), text(body.participantId)];
  const at = time(body.eventTime);
  // Two updates of attributes may share a millisecond, and have no session.
  if (topicName.endsWith('.attributes')) return [...key, at, canonicalJson(body.attributes ?? null)];
  if (topicName.endsWith('.flow.outcome'))
    return [...key, text(body.sessionId), at, text(body.flowOutcomeId)];
  return [...key, text(body.sessionId), at];
}

/** The utterances of a transcription, each provisional or final; none in messages that only bring a status. */
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

/** ISO 8601 with an offset and no more than milliseconds: a finer time would lose what makes it unique. */
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds of a time in either form the platform uses: a number of milliseconds, or ISO 8601. */
function time(value: unknown): KeyField {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !ISO_MS.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}
