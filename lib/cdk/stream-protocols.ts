/** Protocols by which events are received besides notification channels. */
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
}

/** Properties of the protocol `interaction-events`. */
export interface InteractionEventsProps {
  /** Event types to subscribe to. */
  readonly eventTypes: readonly ('interaction:updated' | 'interaction:created')[];

  /**
   * Filters. A text can begin with an operator: `eq:`, `gt:`, `contains:`.
   *
   * @default - the routing type is `IVR`
   */
  readonly filters?: Readonly<Record<string, string>>;

  /**
   * What happens to events that arrive after later ones: they are tagged or dropped.
   *
   * @default 'tag'
   */
  readonly late?: 'tag' | 'drop';
}

/** Properties of the protocol `notification-stream`. */
export interface NotificationStreamProps {
  /**
   * What to subscribe to.
   *
   * @example [{ event: 'routing.queueEvents', resourceId: '…', filters: { eventType: ['QUEUE_ADD'] } }]
   */
  readonly subscriptions: readonly {
    readonly event: string;
    readonly resourceId: string;
    readonly filters?: Readonly<Record<string, unknown>>;
  }[];

  /**
   * Most events in a batch.
   *
   * @default 100
   */
  readonly maxBatchSize?: number;
}

/** How the properties of each protocol become environment variables of the ingester. */
const VARIABLES: {
  readonly [Name in keyof StreamProtocols]-?: {
    readonly protocol: string;
    readonly variables: Readonly<Record<keyof NonNullable<StreamProtocols[Name]>, string>>;
  };
} = {
  analyticsEvents: {
    protocol: 'analytics-events',
    variables: {
      eventTypes: 'ANALYTICS_EVENT_TYPES',
      filters: 'ANALYTICS_FILTERS',
      consumerGroup: 'ANALYTICS_CONSUMER_GROUP',
    },
  },
  conversationStream: {
    protocol: 'conversation-stream',
    variables: {
      types: 'CONVERSATION_TYPES',
      states: 'CONVERSATION_STATES',
      events: 'CONVERSATION_EVENTS',
    },
  },
  interactionEvents: {
    protocol: 'interaction-events',
    variables: {
      eventTypes: 'INTERACTION_EVENT_TYPES',
      filters: 'INTERACTION_FILTERS',
      late: 'INTERACTION_LATE',
    },
  },
  notificationStream: {
    protocol: 'notification-stream',
    variables: {
      subscriptions: 'NOTIFICATION_SUBSCRIPTIONS',
      maxBatchSize: 'NOTIFICATION_MAX_BATCH_SIZE',
    },
  },
};
const NAMES = Object.keys(VARIABLES) as (keyof StreamProtocols)[];

/** Environment variables of the ingester for the protocols, and for notification channels if there are topics. */
export function protocolVariables(
  protocols: StreamProtocols = {},
  topics: readonly string[],
): Record<string, string> {
  const chosen = NAMES.filter((name) => protocols[name]);
  const names = chosen.map((name) => VARIABLES[name].protocol);
  const own = chosen.flatMap((name) =>
    Object.entries(protocols[name] ?? {}).flatMap(([property, value]): [string, string][] => {
      const variable = (VARIABLES[name].variables as Readonly<Record<string, string>>)[property];
      return variable === undefined || value === undefined ? [] : [[variable, textOf(value)]];
    }),
  );
  return {
    ...(names.length > 0
      ? { PROTOCOLS: [...(topics.length > 0 ? ['notification-channels'] : []), ...names].join(',') }
      : {}),
    ...Object.fromEntries(own),
  };
}

/** Lists without a member, which would receive nothing or everything. */
export function protocolProblems(protocols: StreamProtocols = {}): string[] {
  return NAMES.flatMap((name) =>
    Object.entries(protocols[name] ?? {}).flatMap(([property, value]) =>
      Array.isArray(value) && value.length === 0
        ? [`protocols.${name}.${property} is empty; specify at least one`]
        : [],
    ),
  );
}

function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
