/** CloudWatch namespace of all Switchboard metrics. */
export const METRIC_NAMESPACE = 'Switchboard';

/** Unit, usual statistic and description of a metric. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds' | 'Bytes';
  /**
   * Statistic that is meaningful over several reports and tasks. Sums of a current value are not.
   *
   * @default 'Sum'
   */
  readonly statistic?: 'Maximum' | 'p99';
  /** One line for dashboards and documentation, without a final period. */
  readonly description: string;
}

/** Metrics of the consumer, emitted once per batch. */
export const CONSUMER_METRICS = {
  EventsReceived: { unit: 'Count', description: 'Events in received SQS messages, including copies' },
  EventsPublished: { unit: 'Count', description: 'Events accepted by EventBridge' },
  DuplicatesDropped: {
    unit: 'Count',
    description: 'Copies dropped because another message publishes the event',
  },
  EventsQuarantined: { unit: 'Count', description: 'Items moved to the quarantine queue' },
  EventsLate: { unit: 'Count', description: 'Published events marked as late by their protocol' },
  MessagesReturned: {
    unit: 'Count',
    description: 'Messages reported as failed, which SQS delivers again',
  },
  ReceivedToPublishedLatency: {
    unit: 'Milliseconds',
    statistic: 'p99',
    description: 'Time from reading the frame to the PutEvents response',
  },
  AuditRecordsLost: {
    unit: 'Count',
    description: 'Audit records that CloudWatch Logs did not accept in time; only with audit records',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a consumer metric. */
export type ConsumerMetricName = keyof typeof CONSUMER_METRICS;

/** Metrics of the ingester, emitted by each task every 30 seconds. */
export const INGESTER_METRICS = {
  EventsReceived: { unit: 'Count', description: 'Events read from WebSockets, including copies' },
  CopiesDropped: { unit: 'Count', description: 'Copies received over overlapping connections and dropped' },
  FramesRejected: { unit: 'Count', description: 'Frames that could not be converted to events' },
  FramesUnpreserved: { unit: 'Count', description: 'Frames that could not be stored anywhere' },
  EventsSent: { unit: 'Count', description: 'Events and rejected frames accepted by SQS' },
  SendFailures: {
    unit: 'Count',
    description: 'Messages, calls and large frames that SQS or S3 did not accept',
  },
  Connects: { unit: 'Count', description: 'Connections opened' },
  GapSeconds: { unit: 'Seconds', description: 'Total duration of ended gaps' },
  BridgedSeconds: {
    unit: 'Seconds',
    description: "Duration of the leader's gaps that a standby has filled",
  },
  Takeovers: {
    unit: 'Count',
    description: 'Times that a task became the leader, including in upgrades; only with two or more tasks',
  },
  Connections: { unit: 'Count', statistic: 'Maximum', description: 'Open WebSocket connections' },
  Covered: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 if every subscription has a live connection, otherwise 0',
  },
  Leading: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 while the task sends what it reads, 0 on a standby',
  },
  StandbyLive: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 on a standby with a live connection for every subscription, otherwise 0',
  },
  TopicsRejected: { unit: 'Count', statistic: 'Maximum', description: 'Topics that Genesys Cloud refuses' },
  Paused: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 while reading is paused because the buffer is full, else 0',
  },
  RecordsPending: {
    unit: 'Count',
    statistic: 'Maximum',
    description: 'Gap records that the state table has not accepted',
  },
  BufferBytes: {
    unit: 'Bytes',
    statistic: 'Maximum',
    description: 'Bytes read from WebSockets but not yet accepted by SQS',
  },
  KeptBytes: {
    unit: 'Bytes',
    statistic: 'Maximum',
    description: 'Bytes that a standby keeps for a takeover',
  },
  AuditRecordsLost: {
    unit: 'Count',
    description: 'Audit records that CloudWatch Logs did not accept in time; only with audit records',
  },
  EventLoopLag: {
    unit: 'Milliseconds',
    statistic: 'Maximum',
    description: '99th percentile of the event loop delay',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of an ingester metric. */
export type IngesterMetricName = keyof typeof INGESTER_METRICS;

/**
 * Metrics of the ingester with the dimension `protocol`, in addition to those that every metric has. Emitted by each
 * task every 30 seconds, for protocols with at least one nonzero value.
 */
export const PROTOCOL_METRICS = {
  SequenceGaps: { unit: 'Count', description: 'Jumps of a sequence, recorded as gaps beyond the tolerance' },
  SequenceLate: { unit: 'Count', description: 'Events that arrived after later ones' },
  SequenceDuplicates: { unit: 'Count', description: 'Events with a sequence number that was already read' },
  SequenceEpochs: { unit: 'Count', description: 'Sequences that restarted' },
  EventsFiltered: { unit: 'Count', description: 'Events that the configuration excludes' },
  SchemaChanges: { unit: 'Count', description: 'Fields that the schema does not define, once per name' },
  UnknownMessages: { unit: 'Count', description: 'Messages of a type that the protocol does not define' },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a metric with the dimension `protocol`. */
export type ProtocolMetricName = keyof typeof PROTOCOL_METRICS;

/** Metrics of the webhook: for each request, the count for its outcome, and the latency. */
export const WEBHOOK_METRICS = {
  EventsAccepted: { unit: 'Count', description: 'Events accepted by SQS and answered with 202' },
  FramesRejected: { unit: 'Count', description: 'Signed bodies without a usable event, sent to quarantine' },
  SignaturesMissing: { unit: 'Count', description: 'Requests without a signature' },
  SignaturesRejected: { unit: 'Count', description: 'Requests with a wrong signature' },
  BodiesTooLarge: { unit: 'Count', description: 'Requests with a body above the limit' },
  BodiesNotJson: { unit: 'Count', description: 'Signed requests whose body is not JSON' },
  MethodsRefused: { unit: 'Count', description: 'Requests with a method other than POST' },
  RequestsFailed: {
    unit: 'Count',
    description: 'Requests answered with 503, because SQS or Secrets Manager failed',
  },
  ResponseLatency: {
    unit: 'Milliseconds',
    statistic: 'p99',
    description: 'Time from the request to the response',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a webhook metric. */
export type WebhookMetricName = keyof typeof WEBHOOK_METRICS;

/** Metrics of the backfill, emitted once per invocation. */
export const BACKFILL_METRICS = {
  EventsRecovered: { unit: 'Count', description: 'Events found in Genesys Cloud that belong to a gap' },
  GapsFilled: { unit: 'Count', description: 'Gaps that are filled as far as possible' },
  OldestOpenGapAge: {
    unit: 'Seconds',
    statistic: 'Maximum',
    description: 'Time since the end of the oldest gap that is being filled',
  },
  PermissionsMissing: { unit: 'Count', description: 'Missing permissions, each reported once a day' },
  RoundsFailed: { unit: 'Count', description: 'Failed attempts to fill a gap, which are retried' },
  RequestsSent: { unit: 'Count', description: 'Requests to the platform API' },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a backfill metric. */
export type BackfillMetricName = keyof typeof BACKFILL_METRICS;

/** Metrics of a delivery function with the dimension `destination`, emitted once per batch. */
export const DELIVERY_METRICS = {
  EventsDelivered: { unit: 'Count', description: 'Events that the destination accepted' },
  DuplicatesDropped: { unit: 'Count', description: 'Copies dropped because the event was delivered' },
  EventsDeadLettered: { unit: 'Count', description: 'Events moved to the dead-letter queue' },
  EventsQuarantined: {
    unit: 'Count',
    description: 'Events that do not fit the fields, moved to the quarantine queue',
  },
  MessagesReturned: { unit: 'Count', description: 'Messages that are received again later' },
  CallsFailed: { unit: 'Count', description: 'Calls without a final response, which are retried later' },
  BreakerOpen: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 if the circuit breaker was open, otherwise 0',
  },
  Stopped: {
    unit: 'Count',
    statistic: 'Maximum',
    description: '1 if the destination is stopped after status 410, otherwise 0',
  },
  CallDuration: { unit: 'Milliseconds', statistic: 'p99', description: 'Time from a call to its response' },
  ReceivedToDeliveredLatency: {
    unit: 'Milliseconds',
    statistic: 'p99',
    description: 'Time from receiving the event from Genesys Cloud to its delivery',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a delivery metric. */
export type DeliveryMetricName = keyof typeof DELIVERY_METRICS;

/** Metrics of the function that puts events in order for a delivery, emitted once per batch. */
export const DELIVERY_ORDER_METRICS = {
  EventsReceived: { unit: 'Count', description: 'Messages received from the order queue' },
  EventsOrdered: { unit: 'Count', description: 'Events accepted by the FIFO queue' },
  MessagesReturned: {
    unit: 'Count',
    description: 'Messages reported as failed, which SQS delivers again',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a metric of the order function. */
export type DeliveryOrderMetricName = keyof typeof DELIVERY_ORDER_METRICS;

/** The metrics of each service. Those with the dimension `protocol` are not included. */
export const SERVICE_METRICS: Readonly<Record<string, Readonly<Record<string, MetricDefinition>>>> = {
  consumer: CONSUMER_METRICS,
  ingester: INGESTER_METRICS,
  webhook: WEBHOOK_METRICS,
  backfill: BACKFILL_METRICS,
  delivery: DELIVERY_METRICS,
  'delivery-order': DELIVERY_ORDER_METRICS,
};
