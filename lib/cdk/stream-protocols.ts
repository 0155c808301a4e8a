/** Protocols to receive events with, in addition to notification channels. */
export interface StreamProtocols {
  /**
   * The protocol `analytics-events`.
   *
   * @default - not used
   */
  readonly analyticsEvents?: AnalyticsEventsProps;

  /**
   * The protocol `conversation-stream`.
   *
   * @default - not used
   */
  readonly conversationStream?: ConversationStreamProps;

  /**
   * The protocol `interaction-events`.
   *
   * @default - not used
   */
  readonly interactionEvents?: InteractionEventsProps;

  /**
   * The protocol `notification-stream`.
   *
   * @default - not used
   */
  readonly notificationStream?: NotificationStreamProps;
}

/** Properties of the protocol `analytics-events`. */
export interface AnalyticsEventsProps {
  /** Event types to subscribe to. */
  readonly eventTypes: readonly ('conversation' | 'interaction' | 'routing' | 'analytics' | 'user')[];

  /**
   * Filters.
   *
   * @default - none
   */
  readonly filters?: Readonly<Record<string, unknown>>;

  /**
   * Consumer group.
   *
   * @default 'switchboard'
   */
  readonly consumerGroup?: string;

  /**
   * Subscriptions that the organization may have.
   *
   * @default 1
   */
  readonly maxSubscriptions?: number;

  /**
   * Subscriptions that the organization has in addition to this one; no API returns them. Fewer than `maxSubscriptions`.
   *
   * @default 0
   */
  readonly activeSubscriptions?: number;

  /**
   * Address of the stream.
   *
   * @default - `wss://api.{genesysDomain}/api/v2/analytics/events`
   */
  readonly url?: string;
}

/** Properties of the protocol `conversation-stream`. */
export interface ConversationStreamProps {
  /** Media types to subscribe to, for example `voice`. */
  readonly types: readonly string[];

  /** States to subscribe to, for example `active`. */
  readonly states: readonly string[];

  /**
   * Events to publish: a type, or a type and a state such as `conversation.state:completed`. `*` stands for every event.
   *
   * @default - `conversation.state` with `completed`, `abandoned` or `transfer`, and `routing.queue`
   */
  readonly events?: readonly string[];

  /**
   * Name of the subscription in event ids, health and gap records.
   *
   * @default 'conversations'
   */
  readonly subscription?: string;

  /**
   * Number of consecutive missing events that are only counted, without a gap record.
   *
   * @default 0
   */
  readonly gapTolerance?: number;

  /**
   * Address of the stream.
   *
   * @default - `wss://api.{genesysDomain}/api/v2/analytics/events/stream`
   */
  readonly url?: string;
}

/** Properties of the protocol `interaction-events`. */
export interface InteractionEventsProps {
  /** Event types to subscribe to. */
  readonly eventTypes: readonly ('interaction:updated' | 'interaction:created')[];

  /**
   * Filters. A string can begin with an operator: `eq:`, `gt:`, `contains:`.
   *
   * @default - the routing type is `IVR`
   */
  readonly filters?: Readonly<Record<string, string>>;

  /**
   * Whether events that arrive after later ones are tagged or dropped.
   *
   * @default 'tag'
   */
  readonly late?: 'tag' | 'drop';

  /**
   * Time, in seconds, for which the server resends missed events after a short disconnect.
   *
   * @default 60
   */
  readonly retrySeconds?: number;

  /**
   * Format of the frames.
   *
   * @default 'application/msgpack'
   */
  readonly contentType?: 'application/msgpack' | 'application/json';

  /**
   * Connections that the organization has in addition to those of this deployment; no API returns them. In total, including those of the deployment, fewer than 100: each task needs one per event type, and an upgrade runs twice as many tasks.
   *
   * @default 0
   */
  readonly activeConnections?: number;

  /**
   * Address of the stream.
   *
   * @default - `wss://{genesysDomain}/api/v2/events`
   */
  readonly url?: string;
}

/** Properties of the protocol `notification-stream`. */
export interface NotificationStreamProps {
  /**
   * Events to subscribe to.
   *
   * @example [{ event: 'routing.queueEvents', resourceId: '…', filters: { eventType: ['QUEUE_ADD'] } }]
   */
  readonly subscriptions: readonly {
    readonly event: string;
    readonly resourceId: string;
    readonly filters?: Readonly<Record<string, unknown>>;
  }[];

  /**
   * Maximum number of events in a batch.
   *
   * @default 100
   */
  readonly maxBatchSize?: number;

  /**
   * Maximum time for which the server collects a batch, in milliseconds.
   *
   * @default 5000
   */
  readonly maxLatencyMs?: number;

  /**
   * Name of the subscription in health, gap records and the stored cursor.
   *
   * @default 'notifications'
   */
  readonly name?: string;

  /**
   * Address of the stream.
   *
   * @default - `wss://api.{genesysDomain}/api/v2/notifications/stream`
   */
  readonly url?: string;
}
