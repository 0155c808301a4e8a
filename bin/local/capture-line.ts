import { hash } from 'node:crypto';
import { memberSpan } from 'switchboard-local/simulator/json-span.ts';

/** Members in which recorders store a frame. Genesys Cloud's EventBridge integration also uses `detail`. */
const WRAPPER_MEMBERS = ['detail', 'rawEvent'] as const;
const CONTROL_TOPIC = /^(channel\.metadata$|v2\.system\.)/;

/**
 * `frame`: a notification frame. `control`: a heartbeat, a reply, a system message or another object without a topic.
 * `other`: JSON that is not a frame; the product quarantines it.
 */
export type LineKind = 'frame' | 'control' | 'other';

/** One line of a capture that is JSON. */
export interface RecordedLine {
  readonly kind: LineKind;
  readonly topicName: string;
  /** The frame's original text in the line, so that no number loses precision. */
  readonly text: string;
  /** Event time in epoch milliseconds, if the line has one. */
  readonly atMs: number | undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads one line of a capture: a frame, or a recorder's object that has the frame as `detail` or `rawEvent` (as an
 * object or as JSON text).
 *
 * @param pick - names of the members that lead to the frame, used instead of these
 * @returns undefined if the line, or what it wraps, is not JSON
 */
export function readCaptureLine(line: string, pick?: readonly string[]): RecordedLine | undefined {
  const value = parse(line);
  if (value === undefined) return undefined;
  const text = pick ? textAt(line, pick) : unwrap(line, value);
  const frame = text === undefined ? undefined : parse(text);
  if (text === undefined || frame === undefined) return undefined;
  const topicName = isObject(frame) && typeof frame.topicName === 'string' ? frame.topicName : '';
  return { kind: kindOf(frame), topicName, text, atMs: timeOf(frame) ?? timeOf(value) };
}

/** Names the members of a value, to describe a line that could not be interpreted. */
export function describeJson(line: string): string {
  const value = parse(line);
  if (value === undefined) return 'text that is not JSON';
  if (Array.isArray(value)) return 'a JSON array';
  if (!isObject(value)) return `the JSON value ${line.trim().slice(0, 40)}`;
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty JSON object' : `a JSON object with ${names.slice(0, 8).join(', ')}`;
}

/**
 * A hash of topic and body that is equal for lines with the same content, regardless of the order of their keys.
 * Numbers are compared by their source text.
 */
export function contentKey({ topicName, text }: RecordedLine): string {
  const body = memberSpan(text, ['eventBody']);
  const bodyText = body === undefined ? '' : text.slice(body.start, body.end);
  return hash('sha1', `${topicName}\n${sorted(parseExactly(bodyText))}`, 'base64url');
}

function unwrap(line: string, value: unknown): string | undefined {
  if (!isObject(value) || 'topicName' in value) return line;
  for (const member of WRAPPER_MEMBERS) {
    if (typeof value[member] === 'string' || isObject(value[member])) return textAt(line, [member]);
  }
  return line;
}

/** The source text of a nested value. For a JSON string, its content. */
function textAt(line: string, path: readonly string[]): string | undefined {
  const span = memberSpan(line, path);
  if (span === undefined) return undefined;
  const text = line.slice(span.start, span.end);
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

function kindOf(value: unknown): LineKind {
  if (!isObject(value)) return 'other';
  if (value.topicName === undefined) return 'control';
  if (typeof value.topicName !== 'string' || value.topicName === '') return 'other';
  if (CONTROL_TOPIC.test(value.topicName)) return 'control';
  const { eventBody, metadata } = value;
  return isObject(eventBody) && (metadata === undefined || isObject(metadata)) ? 'frame' : 'other';
}

/** The first time found in the fields that Genesys Cloud and EventBridge use for it. */
function timeOf(value: unknown): number | undefined {
  if (!isObject(value)) return undefined;
  const { timestamp, time, eventBody } = value;
  const body = isObject(eventBody) ? eventBody : {};
  const { eventTime, modifiedDate, routingStatus } = body;
  const startTime = isObject(routingStatus) ? routingStatus.startTime : undefined;
  for (const candidate of [timestamp, eventTime, modifiedDate, startTime, time]) {
    const ms = typeof candidate === 'number' ? candidate : Date.parse(String(candidate ?? ''));
    if (Number.isFinite(ms)) return ms;
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses JSON, with every number as its source text. */
function parseExactly(text: string): unknown {
  if (text === '') return undefined;
  const keepNumbers = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? `number ${context?.source ?? value}` : value;
  return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
