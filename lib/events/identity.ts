import { hash } from 'node:crypto';
import { assertDepth, canonicalJson } from './canonical-json.ts';
import type { Frame } from './schema.ts';

/** A key field: a string or number is an id, a time is normalized. Undefined means that the rule does not apply. */
type KeyField = string | number | undefined;
type Body = Readonly<Record<string, unknown>>;

interface KeyRule {
  readonly topic: RegExp;
  readonly key: (body: Body, topicName: string) => readonly KeyField[];
  /** Since when a state lasts whose body can change, and change back, without a new key. */
  readonly lastsSince?: (body: Body) => number | undefined;
}

const ID = '[^.]+';
/** Longer protocol ids are hashed. */
const MAX_OWN_ID_CHARACTERS = 128;

/**
 * The fields that identify an event of a topic, for topics where they are known (from the models of the platform SDK
 * 262). A rule does not apply if one of its fields is missing.
 */
const RULES: readonly KeyRule[] = [
  {
    topic: new RegExp(`^v2\\.detail\\.events\\.conversation\\.${ID}\\..+$`),
    key: detailEventKey,
  },
  {
    topic: new RegExp(`^v2\\.users\\.${ID}\\.presence$`),
    key: (body) => [text(body.source), time(body.modifiedDate), text(member(body.presenceDefinition, 'id'))],
    // The platform does not change it for another message.
    lastsSince: (body) => time(body.modifiedDate),
  },
  {
    topic: new RegExp(`^v2\\.users\\.${ID}\\.routingStatus$`),
    key: (body) => [
      time(member(body.routingStatus, 'startTime')),
      text(member(body.routingStatus, 'status')),
    ],
  },
  {
    topic: new RegExp(`^v2\\.analytics\\.conversation\\.${ID}\\.metrics$`),
    key: (body) => [text(body.recordId)],
  },
  {
    topic: new RegExp(`^v2\\.audits\\.entitytype\\.${ID}\\.entityid\\.${ID}$`),
    key: (body) => [text(body.id)],
  },
  {
    topic: new RegExp(`^v2\\.conversations\\.${ID}\\.transcription$`),
    key: (body) => [text(body.communicationId), time(body.eventTime), utterances(body)],
  },
];

/**
 * The key of an event: ids and times from its topic and body that identify exactly this occurrence. With it, the event
 * can be found in the data of a REST API. An event without a key can be distinguished from an earlier one with the same
 * content only by the connection that delivers it.
 *
 * @returns undefined for topics without key fields, or if a key field is missing
 */
export function recoveryKey({
  topicName,
  eventBody,
}: Pick<Frame, 'topicName' | 'eventBody'>): string | undefined {
  const key = ruleOf(topicName)?.key(eventBody, topicName);
  // The topic contains ids, and no other rule applies to it, so two rules never produce the same key.
  return !key || key.includes(undefined) ? undefined : JSON.stringify([topicName, ...key]);
}

/**
 * Since when an event's state has lasted (epoch milliseconds), if its body can change, and change back, without a new
 * {@link recoveryKey}. A task that began to read later may have missed a state with the same content.
 */
export function lastsSinceMs({
  topicName,
  eventBody,
}: Pick<Frame, 'topicName' | 'eventBody'>): number | undefined {
  return ruleOf(topicName)?.lastsSince?.(eventBody);
}

/**
 * Whether events of a topic have key fields. Copies of such an event are recognized regardless of the path they took.
 *
 * @param topic - with real ids, or with `{id}`
 */
export function hasKeyRule(topic: string): boolean {
  return ruleOf(topic) !== undefined;
}

function ruleOf(topicName: string): KeyRule | undefined {
  return RULES.find(({ topic }) => topic.test(topicName));
}

/**
 * The id of an event, derived from its content: the SHA-256 of the topic and the canonical body, in base64url (43
 * characters). An event has the same id on two sockets and in Genesys Cloud's own EventBridge integration, with its
 * keys in any order. `metadata` is not included, because its `CorrelationId` belongs to the conversation.
 *
 * It identifies an occurrence only if the event has a {@link recoveryKey}. Otherwise, a state that recurs has the same
 * content (P8).
 *
 * @throws {@link TooDeepError} if the frame is nested too deeply to be compared or serialized
 */
export function contentIdentity(frame: Pick<Frame, 'topicName' | 'eventBody'>): string {
  assertFrameDepth(frame);
  // JSON text has no raw line breaks, so topic and body cannot run into each other.
  const text = `body\n${JSON.stringify(frame.topicName)}\n${canonicalJson(frame.eventBody)}`;
  return hash('sha256', text, 'base64url');
}

/**
 * Reject a frame that is nested too deeply to be serialized.
 *
 * @throws {@link TooDeepError}
 */
export function assertFrameDepth(frame: object): void {
  for (const part of Object.values(frame)) assertDepth(part);
}

/**
 * The id of an event that has its own id in its protocol, which is unique per protocol.
 *
 * @param id - the protocol's own id
 */
export function protocolIdentity(protocol: string, id: string): string {
  const own = `${protocol}:${id}`;
  return own.length <= MAX_OWN_ID_CHARACTERS
    ? own
    : hash('sha256', JSON.stringify([protocol, id]), 'base64url');
}

function detailEventKey(body: Body, topicName: string): readonly KeyField[] {
  const key = [text(body.conversationId), text(body.participantId)];
  const at = time(body.eventTime);
  // Two attribute updates can occur in the same millisecond, and they have no session.
  if (topicName.endsWith('.attributes')) return [...key, at, canonicalJson(body.attributes ?? null)];
  if (topicName.endsWith('.flow.outcome'))
    return [...key, text(body.sessionId), at, text(body.flowOutcomeId)];
  return [...key, text(body.sessionId), at];
}

/** The utterances of a transcription, each provisional or final. Messages that only contain a status have none. */
function utterances(body: Body): KeyField {
  const transcripts = body.transcripts;
  if (!Array.isArray(transcripts) || transcripts.length === 0) return undefined;
  const ids = transcripts.map((one) => [text(member(one, 'utteranceId')), Boolean(member(one, 'isFinal'))]);
  return ids.some(([id]) => id === undefined) ? undefined : JSON.stringify(ids);
}

function member(value: unknown, key: string): unknown {
  return (value as Body | null | undefined)?.[key];
}

function text(value: unknown): KeyField {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * ISO 8601 with an offset and at most milliseconds: normalizing a more precise time could make two events equal.
 * `Date.parse` accepts nothing after the offset.
 */
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)/;

/** Epoch milliseconds of a time in either form that the platform uses: epoch milliseconds or ISO 8601. */
function time(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !ISO_MS.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}
