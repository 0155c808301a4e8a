import { Token } from 'aws-cdk-lib';
import type * as z from 'zod';
import { analyticsEventsConfiguration } from '../protocols/analytics-events-configuration.ts';
import { conversationStreamConfiguration } from '../protocols/conversation-stream-configuration.ts';
import {
  interactionEventsConfiguration,
  MAX_CONNECTIONS,
} from '../protocols/interaction-events-configuration.ts';
import { notificationStreamConfiguration } from '../protocols/notification-stream-configuration.ts';
import type { StreamProtocols } from './stream-protocols.ts';

/** How the properties of a protocol become environment variables of the ingester, and the schema that checks these. */
interface ProtocolVariables<Properties> {
  readonly protocol: string;
  readonly variables: Readonly<Record<keyof Properties, string>>;
  readonly schema: z.ZodType;
}

/** The variables of each protocol. */
export const PROTOCOL_VARIABLES: {
  readonly [Name in keyof StreamProtocols]-?: ProtocolVariables<NonNullable<StreamProtocols[Name]>>;
} = {
  analyticsEvents: {
    protocol: 'analytics-events',
    schema: analyticsEventsConfiguration,
    variables: {
      url: 'ANALYTICS_URL',
      eventTypes: 'ANALYTICS_EVENT_TYPES',
      filters: 'ANALYTICS_FILTERS',
      consumerGroup: 'ANALYTICS_CONSUMER_GROUP',
      maxSubscriptions: 'ANALYTICS_MAX_SUBSCRIPTIONS',
      activeSubscriptions: 'ANALYTICS_ACTIVE_SUBSCRIPTIONS',
    },
  },
  conversationStream: {
    protocol: 'conversation-stream',
    schema: conversationStreamConfiguration,
    variables: {
      url: 'CONVERSATION_URL',
      types: 'CONVERSATION_TYPES',
      states: 'CONVERSATION_STATES',
      events: 'CONVERSATION_EVENTS',
      subscription: 'CONVERSATION_SUBSCRIPTION',
      gapTolerance: 'CONVERSATION_GAP_TOLERANCE',
    },
  },
  interactionEvents: {
    protocol: 'interaction-events',
    schema: interactionEventsConfiguration,
    variables: {
      url: 'INTERACTION_URL',
      eventTypes: 'INTERACTION_EVENT_TYPES',
      filters: 'INTERACTION_FILTERS',
      late: 'INTERACTION_LATE',
      retrySeconds: 'INTERACTION_RETRY_SECONDS',
      contentType: 'INTERACTION_CONTENT_TYPE',
      activeConnections: 'INTERACTION_ACTIVE_CONNECTIONS',
    },
  },
  notificationStream: {
    protocol: 'notification-stream',
    schema: notificationStreamConfiguration,
    variables: {
      url: 'NOTIFICATION_URL',
      subscriptions: 'NOTIFICATION_SUBSCRIPTIONS',
      maxBatchSize: 'NOTIFICATION_MAX_BATCH_SIZE',
      maxLatencyMs: 'NOTIFICATION_MAX_LATENCY_MS',
      name: 'NOTIFICATION_NAME',
    },
  },
};
const NAMES = Object.keys(PROTOCOL_VARIABLES) as (keyof StreamProtocols)[];

/** A property that chooses a protocol: `topics`, or one of `protocols`. */
export type ProtocolProperty = 'topics' | keyof StreamProtocols;

/** The protocol of `topics`. */
const TOPICS_PROTOCOL = 'notification-channels';

/** Returns the name of a protocol in metrics and environment variables. */
export function protocolName(property: ProtocolProperty): string {
  return property === 'topics' ? TOPICS_PROTOCOL : PROTOCOL_VARIABLES[property].protocol;
}

/** Environment variables of the ingester for the protocols, and for notification channels if there are topics. */
export function protocolVariables(
  protocols: StreamProtocols = {},
  topics: readonly string[],
): Record<string, string> {
  const chosen = NAMES.filter((name) => protocols[name]);
  const names = chosen.map((name) => PROTOCOL_VARIABLES[name].protocol);
  return {
    ...(names.length > 0
      ? { PROTOCOLS: [...(topics.length > 0 ? [TOPICS_PROTOCOL] : []), ...names].join(',') }
      : {}),
    ...Object.assign({}, ...chosen.map((name) => variablesOf(name, protocols))),
  };
}

/** Environment variables of the ingester for all WebSockets. */
export function socketVariables({
  maxFrameBytes,
  compressFrames,
}: {
  readonly maxFrameBytes?: number | undefined;
  readonly compressFrames?: boolean | undefined;
}): Record<string, string> {
  return {
    ...(maxFrameBytes === undefined ? {} : { SOCKET_MAX_FRAME_BYTES: String(maxFrameBytes) }),
    ...(compressFrames === undefined ? {} : { SOCKET_DEFLATE: compressFrames ? 'on' : 'off' }),
  };
}

/** Values that the ingester would refuse, by the same rules. Values known only at deployment are not checked. */
export function protocolProblems(protocols: StreamProtocols = {}, tasks: number): string[] {
  const problems = NAMES.filter((name) => protocols[name]).flatMap((name) => {
    const set = variablesOf(name, protocols);
    const variables = Object.entries(PROTOCOL_VARIABLES[name].variables);
    const { error } = PROTOCOL_VARIABLES[name].schema.safeParse(set);
    return (error?.issues ?? []).flatMap(({ path: [variable], message }) => {
      if (Token.isUnresolved(set[String(variable)])) return [];
      const problem = `${String(variable)} ${message}`;
      const named = variables.reduce((text, [property, one]) => text.replaceAll(one, property), problem);
      return [`protocols.${name}.${named}`];
    });
  });
  return [...problems, ...connectionProblems(protocols.interactionEvents, tasks)];
}

/** An upgrade runs twice as many tasks, and each of them needs a connection per event type. */
function connectionProblems(interactions: StreamProtocols['interactionEvents'], tasks: number): string[] {
  if (!interactions || Token.isUnresolved(tasks)) return [];
  const { eventTypes, activeConnections = 0 } = interactions;
  if (Token.isUnresolved(activeConnections)) return [];
  const own = 2 * tasks * eventTypes.length;
  // A number that is out of range by itself is a separate problem.
  if (!(own + activeConnections > MAX_CONNECTIONS) || activeConnections >= MAX_CONNECTIONS) return [];
  return [
    `protocols.interactionEvents needs ${own} connections during an upgrade (2 x ${tasks} tasks x ${eventTypes.length} event types), and activeConnections is ${activeConnections}, but an organization has at most ${MAX_CONNECTIONS}; reduce tasks or event types`,
  ];
}

function variablesOf(name: keyof StreamProtocols, protocols: StreamProtocols): Record<string, string> {
  const variables: Readonly<Record<string, string>> = PROTOCOL_VARIABLES[name].variables;
  return Object.fromEntries(
    Object.entries(protocols[name] ?? {}).flatMap(([property, value]): [string, string][] => {
      const variable = variables[property];
      return variable === undefined || value === undefined ? [] : [[variable, textOf(value)]];
    }),
  );
}

function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
