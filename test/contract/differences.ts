/** Kinds of endpoints: Switchboard's emulator, MiniStack, or any other one with AWS's protocols. */
export type EndpointKind = 'emulator' | 'ministack' | 'other';

/** A behavior in which an endpoint is known to differ from AWS. */
export interface Difference {
  readonly endpoint: EndpointKind;
  /** Id of the behavior, as in `contract('…')`. */
  readonly id: string;
  /** What the endpoint does instead. */
  readonly reason: string;
}

/**
 * The known differences. The suite checks that each still exists: when an endpoint starts to behave like AWS, the suite
 * fails until its line is removed. Observed with MiniStack 1.5.33.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    endpoint: 'ministack',
    id: 'dynamodb.partiql.same-key',
    reason: 'the second statement fails alone with DuplicateItem',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.malformed-detail',
    reason: 'a Detail that is not a JSON object is accepted',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.missing-member',
    reason: 'an entry without DetailType is accepted',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.partner-bus-name',
    reason: 'a partner bus can have any name',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.partner-events',
    reason: 'PutPartnerEvents accepts events, and no rule gets them',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.partner-source',
    reason: 'an event source is active at once',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.partner-twenty-one',
    reason: 'more than twenty partner entries are accepted',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.partner-unknown-source',
    reason: 'a bus can be created for an event source that does not exist',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.size',
    reason: 'entries above 1 MB in total are accepted',
  },
  {
    endpoint: 'ministack',
    id: 'eventbridge.time',
    reason: 'the event has the time of its arrival',
  },
  {
    endpoint: 'ministack',
    id: 'logs.batch-bytes',
    reason: 'a batch above 1 MiB is accepted',
  },
  {
    endpoint: 'ministack',
    id: 'logs.batch-events',
    reason: 'a batch of more than 10,000 events is accepted',
  },
  {
    endpoint: 'ministack',
    id: 'logs.order',
    reason: 'events in any order are accepted',
  },
  {
    endpoint: 'ministack',
    id: 'logs.rejected',
    reason: 'events of any time are stored',
  },
  {
    endpoint: 'ministack',
    id: 'sqs.delete.older-receipt',
    reason: 'the receipt of an earlier receive is refused',
  },
  {
    endpoint: 'ministack',
    id: 'sqs.fifo.characters',
    reason: 'ids with any character are accepted',
  },
  {
    endpoint: 'ministack',
    id: 'sqs.fifo.dead-letter-type',
    reason: 'a standard queue can be the dead-letter queue of a FIFO queue',
  },
  {
    endpoint: 'ministack',
    id: 'sqs.fifo.name',
    reason: 'a standard queue can have a name with .fifo',
  },
  {
    endpoint: 'ministack',
    id: 'sqs.fifo.redrive',
    reason: 'a dead letter keeps its deduplication id',
  },
];
