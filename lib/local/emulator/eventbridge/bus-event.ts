import { isJsonObject, optionalNumber, optionalString, optionalStrings } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { refuseOtherMembers } from '../not-emulated.ts';
import { validationError } from './eventbridge-input.ts';

/** Longest `DetailType`, in characters (API reference of PutEventsRequestEntry). */
export const MAX_DETAIL_TYPE_CHARACTERS = 128;

const ENTRY_MEMBERS = ['Source', 'DetailType', 'Detail', 'EventBusName', 'Resources', 'Time'];

/** What `Time` counts towards an entry's size, in bytes (EventBridge user guide, entry size). */
const TIME_BYTES = 14;

/** Last second that an ISO time of four year digits can name. */
const MAX_TIME_SECONDS = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** An event as a bus has it and a target receives it. */
export interface BusEvent {
  version: '0';
  /** UUID that PutEvents answered as `EventId`. */
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

/** A bus event with what delivery needs beside it. */
export interface AcceptedEvent {
  event: BusEvent;
  /** `Detail` as it was sent: what a target gets is this text, so that numbers keep every digit. */
  detailText: string;
  receivedAtMs: number;
}

/** Why an entry is not accepted, as PutEvents reports it. */
export interface EntryFailure {
  ErrorCode: string;
  ErrorMessage: string;
}

/** One entry of PutEvents, its types checked, its content not yet. */
export interface EventEntry {
  source: string | undefined;
  detailType: string | undefined;
  detail: string | undefined;
  busName: string | undefined;
  resources: string[];
  timeSeconds: number | undefined;
  /** Size by AWS's way of counting. */
  bytes: number;
}

/** Reads an entry. @throws AwsError where a member has another type than the API says. */
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

/** Where and when an event is accepted, and as what. */
export interface Acceptance {
  id: () => string;
  account: string;
  region: string;
  nowMs: number;
}

/** Makes an event of an entry, or tells why it is refused; a refused entry does not touch the others. */
export function acceptEntry(entry: EventEntry, acceptance: Acceptance): AcceptedEvent | EntryFailure {
  const { source, detailType, detail: detailText } = entry;
  if (!source) return missing('Source');
  if (!detailType) return missing('DetailType');
  if (!detailText) return missing('Detail');
  if (detailType.length > MAX_DETAIL_TYPE_CHARACTERS)
    return invalid('DetailType', `it must have at most ${MAX_DETAIL_TYPE_CHARACTERS} characters.`);
  if (source.startsWith('aws.'))
    return {
      ErrorCode: 'NotAuthorizedForSourceException',
      ErrorMessage: `Not authorized for the source: '${source}' begins with 'aws.', which AWS keeps for itself.`,
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

/** The event as JSON text, its detail as it was sent. */
export function eventText({ event, detailText }: AcceptedEvent): string {
  const { detail: _, ...envelope } = event;
  return `${JSON.stringify(envelope).slice(0, -1)},"detail":${detailText}}`;
}

function isoSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** The detail, or undefined where the text is no JSON object; PutEvents reports that as `MalformedDetail`. */
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
