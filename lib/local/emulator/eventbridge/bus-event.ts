import { isJsonObject, optionalNumber, optionalString, optionalStrings } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { refuseOtherMembers } from '../not-emulated.ts';
import { validationError } from './eventbridge-input.ts';

/** Maximum length of `DetailType` in characters (API reference of PutEventsRequestEntry). */
export const MAX_DETAIL_TYPE_CHARACTERS = 128;

const ENTRY_MEMBERS = ['Source', 'DetailType', 'Detail', 'EventBusName', 'Resources', 'Time'];

/** Bytes that `Time` adds to the size of an entry (EventBridge user guide, entry size). */
const TIME_BYTES = 14;

/** The last second of the year 9999. */
const MAX_TIME_SECONDS = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** An event on a bus, as a target receives it. */
export interface BusEvent {
  version: '0';
  /** The UUID that PutEvents returns as `EventId`. */
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  /** ISO 8601, whole seconds, UTC: `2026-11-20T08:00:00Z`. */
  time: string;
  region: string;
  resources: string[];
  detail: JsonObject;
}

/** A bus event with the data for its delivery. */
export interface AcceptedEvent {
  event: BusEvent;
  /** `Detail` as it was sent. Targets receive this text, so numbers keep every digit. */
  detailText: string;
  receivedAtMs: number;
}

/** Why PutEvents does not accept an entry. */
export interface EntryFailure {
  ErrorCode: string;
  ErrorMessage: string;
}

/** One entry of PutEvents. The types of its members are checked, its content is not. */
export interface EventEntry {
  source: string | undefined;
  detailType: string | undefined;
  detail: string | undefined;
  busName: string | undefined;
  resources: string[];
  timeSeconds: number | undefined;
  /** Size as AWS counts it. */
  bytes: number;
}

/** Reads an entry. @throws AwsError for a member of the wrong type. */
export function readEntry(input: JsonObject): EventEntry {
  refuseOtherMembers(input, ENTRY_MEMBERS, 'an entry of PutEvents');
  const source = optionalString(input, 'Source');
  const detailType = optionalString(input, 'DetailType');
  const detail = optionalString(input, 'Detail');
  const resources = optionalStrings(input, 'Resources');
  const timeSeconds = optionalNumber(input, 'Time');
  if (timeSeconds !== undefined && !(timeSeconds >= 0 && timeSeconds <= MAX_TIME_SECONDS))
    throw validationError(`Time must be in seconds since 1970, from 0 to ${MAX_TIME_SECONDS}.`);
  let bytes = timeSeconds === undefined ? 0 : TIME_BYTES;
  for (const text of [source, detailType, detail, ...resources]) {
    if (text !== undefined) bytes += Buffer.byteLength(text);
  }
  return {
    source,
    detailType,
    detail,
    busName: optionalString(input, 'EventBusName'),
    resources,
    timeSeconds,
    bytes,
  };
}

/** Who may use a source, and the id, place and time of an accepted event. */
export interface Acceptance {
  id: () => string;
  account: string;
  region: string;
  nowMs: number;
  isAllowedSource: (source: string) => boolean;
}

/** Converts an entry to an event, or returns why it is refused. A refused entry does not affect the others. */
export function acceptEntry(entry: EventEntry, acceptance: Acceptance): AcceptedEvent | EntryFailure {
  const { source, detailType, detail: detailText } = entry;
  if (!source) return missing('Source');
  if (!detailType) return missing('DetailType');
  if (!detailText) return missing('Detail');
  if (detailType.length > MAX_DETAIL_TYPE_CHARACTERS)
    return invalid('DetailType', `it must have at most ${MAX_DETAIL_TYPE_CHARACTERS} characters.`);
  if (!acceptance.isAllowedSource(source))
    return {
      ErrorCode: 'NotAuthorizedForSourceException',
      ErrorMessage: `Not authorized for the source '${source}'. Sources that begin with 'aws.' belong to AWS and its partners.`,
    };
  const detail = parseDetail(detailText);
  if (detail === undefined)
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed: it must be a JSON object.' };
  const event: BusEvent = {
    version: '0',
    id: acceptance.id(),
    'detail-type': detailType,
    source,
    account: acceptance.account,
    time: isoSeconds(entry.timeSeconds === undefined ? acceptance.nowMs : entry.timeSeconds * 1000),
    region: acceptance.region,
    resources: entry.resources,
    detail,
  };
  return { event, detailText, receivedAtMs: acceptance.nowMs };
}

/** The event as JSON text, with its detail unchanged. */
export function eventText({ event, detailText }: AcceptedEvent): string {
  const { detail: _, ...envelope } = event;
  return `${JSON.stringify(envelope).slice(0, -1)},"detail":${detailText}}`;
}

function isoSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** The detail, or undefined if the text is not a JSON object, which PutEvents reports as `MalformedDetail`. */
function parseDetail(text: string): JsonObject | undefined {
  try {
    const detail: unknown = JSON.parse(text);
    return isJsonObject(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}

function missing(name: string): EntryFailure {
  return invalid(name, `${name} is a required argument.`);
}

function invalid(name: string, reason: string): EntryFailure {
  return { ErrorCode: 'InvalidArgument', ErrorMessage: `Parameter ${name} is not valid. Reason: ${reason}` };
}
