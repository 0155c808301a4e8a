/** CloudWatch namespace of every metric that Switchboard emits. */
export const METRIC_NAMESPACE = 'Switchboard';

/** What one metric measures, and its CloudWatch unit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds' | 'Bytes';
  /** One line for dashboards and documentation. */
  readonly description: string;
}

/** Metrics of the consumer: one value per batch. */
export const CONSUMER_METRICS = {
  EventsReceived: { unit: 'Count', description: 'Events in the received messages, copies included' },
  EventsPublished: { unit: 'Count', description: 'Events that EventBridge accepted' },
  DuplicatesDropped: { unit: 'Count', description: 'Copies of events that another message publishes' },
  EventsQuarantined: { unit: 'Count', description: 'Items that were moved to the quarantine queue' },
  EventsLate: { unit: 'Count', description: 'Published events that their protocol marked as late' },
  MessagesReturned: { unit: 'Count', description: 'Messages that SQS delivers again' },
  ReceivedToPublishedLatency: {
    unit: 'Milliseconds',
    description: 'Time from reading the frame to the answer of PutEvents',
  },
} as const satisfies Record<string, MetricDefinition>;
/** Name of a consumer metric. */
export type ConsumerMetricName = keyof typeof CONSUMER_METRICS;

/** Metrics of an ingester task: one value per report. */
export const INGESTER_METRICS = {
  EventsReceived: { unit: 'Count', description: 'Events read from sockets, copies included' },
  CopiesDropped: { unit: 'Count', description: 'Copies that overlapping connections delivered' },
  FramesRejected: { unit: 'Count', description: 'Frames that could not become events' },
  EventsSent: { unit: 'Count', description: 'Events and rejected frames that SQS accepted' },
  Connects: { unit: 'Count', description: 'Connections opened' },
  GapSeconds: { unit: 'Seconds', description: 'Length of the gaps that ended' },
  Connections: { unit: 'Count', description: 'Open WebSockets' },
  Covered: { unit: 'Count', description: '1 while every subscription has a live connection, else 0' },
  BufferBytes: { unit: 'Bytes', description: 'Bytes that were read and that SQS has not accepted yet' },
  EventLoopLag: { unit: 'Milliseconds', description: '99th percentile of the event loop delay' },
} as const satisfies Record<string, MetricDefinition>;
/** Name of an ingester metric. */
export type IngesterMetricName = keyof typeof INGESTER_METRICS;
