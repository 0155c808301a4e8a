import { SERIAL_FIELD, serialOf } from 'switchboard-local/simulator/frame.ts';

/** Target of the call that publishes events. */
export const PUT_EVENTS = 'AWSEvents.PutEvents';
/** Targets of the calls that can record that events are published. */
export const DYNAMODB_WRITES: ReadonlySet<string> = new Set(
  ['UpdateItem', 'PutItem', 'BatchWriteItem', 'TransactWriteItems', 'BatchExecuteStatement'].map(
    (action) => `DynamoDB_20120810.${action}`,
  ),
);
/** A serial number in JSON, or in JSON within a JSON string. */
const SERIAL = new RegExp(`${SERIAL_FIELD}\\\\*":(\\d+)`, 'g');

/** Serial numbers of the events in the body of a PutEvents request. */
export function putEventsSerials(body: string): number[] {
  const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
  return Entries.flatMap(({ Detail }) => {
    const detail = JSON.parse(Detail) as { metadata?: unknown };
    return serialOf(detail) ?? [];
  });
}

/** Serial numbers of the events in the body of an SQS message. */
export function messageSerials(body: string): number[] {
  return [...body.matchAll(SERIAL)].map(([, digits]) => Number(digits));
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
