import { hash } from 'node:crypto';
import { SERIAL_FIELD, type SerialCarrier, serialOf } from 'switchboard-local/simulator/frame.ts';

/** Target of the call that publishes events. */
export const PUT_EVENTS = 'AWSEvents.PutEvents';
/** Targets of the calls that can record that events were published. */
export const DYNAMODB_WRITES: ReadonlySet<string> = new Set(
  ['UpdateItem', 'PutItem', 'BatchWriteItem', 'TransactWriteItems', 'BatchExecuteStatement'].map(
    (action) => `DynamoDB_20120810.${action}`,
  ),
);
/** A serial number in JSON, or in JSON within a JSON string. */
const SERIAL = new RegExp(`${SERIAL_FIELD}\\\\*":(\\d+)`, 'g');

/** The id of a recovered event in a message: the members before `backfilled` contain no quotes other than these. */
const RECOVERED_ID =
  /\{"id":"([^"]+)","type":"[^"]+","protocol":"[^"]+","receivedAt":"[^"]+","backfilled":true/g;
const SERIAL_HEX_DIGITS = 12;

/** The part of the `detail` of an event on the bus that is read here. */
export interface PublishedDetail extends SerialCarrier {
  readonly topicName: string;
  readonly eventBody: unknown;
  readonly metadata: {
    readonly eventId?: string;
    readonly identity?: string;
    readonly protocol?: string;
    readonly backfilled?: boolean;
    readonly oversize?: { readonly bucket: string; readonly key: string };
  };
}

/** A number in place of the serial number that a recovered event does not have. It is negative. */
export function recoveredSerial(eventId: string): number {
  return -Number.parseInt(hash('sha256', eventId).slice(0, SERIAL_HEX_DIGITS), 16);
}

/** Serial numbers of the events in the body of a PutEvents request. */
export function putEventsSerials(body: string): number[] {
  const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
  return Entries.flatMap(({ Detail }) => {
    const detail = JSON.parse(Detail) as PublishedDetail;
    const { backfilled, eventId = '' } = detail.metadata;
    return (backfilled ? recoveredSerial(eventId) : serialOf(detail)) ?? [];
  });
}

/** Ids of the events in the body of a PutEvents request that are only references to objects, without a serial number. */
export function putEventsReferences(body: string): string[] {
  const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
  return Entries.flatMap(({ Detail }) => {
    const { backfilled, eventId, oversize } = (JSON.parse(Detail) as PublishedDetail).metadata;
    return oversize && !backfilled && eventId !== undefined ? eventId : [];
  });
}

/** Serial numbers of the events in the body of an SQS message. */
export function messageSerials(body: string): number[] {
  const recovered = [...body.matchAll(RECOVERED_ID)].map(([, id = '']) => recoveredSerial(id));
  return [...[...body.matchAll(SERIAL)].map(([, digits]) => Number(digits)), ...recovered];
}

/** The owner that a message on the events queue names: an event of a partner has its own id. Undefined if it has none. */
export function messageOwner(body: string): string | undefined {
  try {
    const { owner, id } = JSON.parse(body) as { owner?: unknown; id?: unknown };
    const own = owner ?? id;
    return typeof own === 'string' ? own : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the event in the body of a message of a delivery. */
export function eventIdIn(body: string): string {
  return (JSON.parse(body) as { detail: { metadata: { eventId: string } } }).detail.metadata.eventId;
}
