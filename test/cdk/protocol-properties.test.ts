import { Lazy, Stack } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import {
  Switchboard,
  type SwitchboardConfigurationError,
  type SwitchboardProps,
} from '../../lib/cdk/index.ts';
import { PROTOCOL_VARIABLES } from '../../lib/cdk/protocol-variables.ts';
import { plain, REQUIRED, templateOf, testApp } from './test-deployment.ts';

/** Every property of every protocol. */
const PROTOCOLS = {
  analyticsEvents: {
    url: 'wss://analytics.example.com/',
    eventTypes: ['conversation', 'user'],
    filters: { queueId: 'q1' },
    consumerGroup: 'wallboard',
    maxSubscriptions: 5,
    activeSubscriptions: 4,
  },
  conversationStream: {
    url: 'wss://conversations.example.com/',
    types: ['voice'],
    states: ['active', 'queued'],
    events: ['*'],
    subscription: 'calls',
    gapTolerance: 3,
  },
  interactionEvents: {
    url: 'wss://interactions.example.com/',
    eventTypes: ['interaction:updated'],
    filters: { 'interaction.id': 'eq:5' },
    late: 'drop',
    retrySeconds: 30,
    contentType: 'application/json',
    activeConnections: 20,
  },
  notificationStream: {
    url: 'wss://notifications.example.com/',
    subscriptions: [{ event: 'routing.queueEvents', resourceId: 'q1' }],
    maxBatchSize: 50,
    maxLatencyMs: 100,
    name: 'queues',
  },
} as const satisfies SwitchboardProps['protocols'];

/** The environment of the ingester's container. */
function environmentOf(props: Partial<SwitchboardProps>): Record<string, string> {
  const [task] = Object.values(templateOf(() => props).findResources('AWS::ECS::TaskDefinition'));
  const [container] = task!.Properties.ContainerDefinitions as {
    Environment: { Name: string; Value: unknown }[];
  }[];
  const entries = container?.Environment.map(({ Name, Value }) => [Name, String(plain(Value))]);
  return Object.fromEntries(entries ?? []);
}

/** As it would be in the task: references have values. */
const deployed = (environment: Record<string, string>) => ({
  ...environment,
  EVENTS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/123456789012/events',
  GAPS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/123456789012/gaps',
});

describe('The ingester', () => {
  test('It accepts the variables of every protocol', () => {
    const { protocols } = readConfig(deployed(environmentOf({ protocols: PROTOCOLS })));
    const configured = protocols.map(({ protocol: { name }, configuration }) => [name, configuration]);
    expect(configured[0]).toMatchObject(['notification-channels', { TOPICS: REQUIRED.topics }]);
    for (const [property, { protocol, variables, schema }] of Object.entries(PROTOCOL_VARIABLES)) {
      const values = Object.entries(PROTOCOLS[property as keyof typeof PROTOCOLS]);
      const expected = values.map(([name, value]) => [(variables as Record<string, string>)[name], value]);
      expect(configured).toContainEqual([protocol, Object.fromEntries(expected)]);
      // No variable is missing among the properties.
      expect(Object.values(variables).sort()).toEqual(
        Object.keys((schema as unknown as { shape: object }).shape).sort(),
      );
    }
  });

  test('Limits of the sockets reach it', () => {
    const environment = environmentOf({ maxFrameBytes: 1_048_576, compressFrames: true });
    expect(readConfig(deployed(environment)).socket).toEqual({ maxFrameBytes: 1_048_576, deflate: true });
    expect(environmentOf({})).not.toHaveProperty('SOCKET_MAX_FRAME_BYTES');
  });

  test('Without topics it has only the other protocols', () => {
    const { analyticsEvents } = PROTOCOLS;
    const environment = environmentOf({ topics: [], protocols: { analyticsEvents } });
    expect(environment).not.toHaveProperty('TOPICS');
    expect(readConfig(deployed(environment)).protocols.map(({ protocol }) => protocol.name)).toEqual([
      'analytics-events',
    ]);
  });

  test('Without other protocols it has only notification channels', () => {
    expect(environmentOf({})).not.toHaveProperty('PROTOCOLS');
    expect(environmentOf({ protocols: {} })).not.toHaveProperty('PROTOCOLS');
  });
});

/** The problems with which synthesis fails. */
function problemsOf(props: Partial<SwitchboardProps>): readonly string[] {
  using app = testApp();
  try {
    new Switchboard(new Stack(app, 'Invalid'), 'Switchboard', { ...REQUIRED, ...props });
  } catch (error) {
    return (error as SwitchboardConfigurationError).problems;
  }
  return [];
}

test('Synthesis fails if no protocol is left', () => {
  expect(problemsOf({ topics: [], protocols: {} })).toEqual([expect.stringContaining('topics is empty')]);
});

test('Synthesis fails with every problem that the ingester would have', () => {
  const protocols = {
    analyticsEvents: {
      eventTypes: ['pigeon'],
      consumerGroup: 'a b',
      maxSubscriptions: 2,
      activeSubscriptions: 2,
      url: 'https://example.com',
    },
    conversationStream: { types: [], states: [] },
    interactionEvents: { eventTypes: ['interaction:updated'], filters: { 'interaction.id': 'lt:5' } },
    notificationStream: { subscriptions: [{ event: 'a b', resourceId: 'q1' }], maxLatencyMs: 60_000 },
  } as unknown as NonNullable<SwitchboardProps['protocols']>;
  expect(problemsOf({ protocols, maxFrameBytes: 5 })).toEqual([
    'protocols.analyticsEvents.url is not a ws(s) URL',
    'protocols.analyticsEvents.eventTypes names pigeon, which is not one of conversation, interaction, routing, analytics, user',
    'protocols.analyticsEvents.consumerGroup has characters other than letters, digits, - and _, or more than 64',
    'protocols.analyticsEvents.activeSubscriptions is not below maxSubscriptions: no subscription is left',
    expect.stringMatching(
      /^protocols\.conversationStream\.types is missing: without it, the whole organization would be/,
    ),
    expect.stringMatching(
      /^protocols\.conversationStream\.states is missing: without it, the whole organization would be/,
    ),
    'protocols.interactionEvents.filters has the operator lt: for interaction.id, which is not one of eq, gt, contains',
    'protocols.notificationStream.subscriptions has an event that is not a name at position 1',
    'protocols.notificationStream.maxLatencyMs is above 10000',
    'maxFrameBytes is 5, but must be an integer from 1024 to 67108864 (it bounds the memory of one WebSocket)',
  ]);
});

test('The connections of all tasks during an upgrade, and those of others, are fewer than an organization has', () => {
  const interactionEvents = {
    eventTypes: ['interaction:updated', 'interaction:created'],
    activeConnections: 89,
  } as const;
  expect(problemsOf({ tasks: 3, protocols: { interactionEvents } })).toEqual([
    'protocols.interactionEvents needs 12 connections during an upgrade (2 x 3 tasks x 2 event types), and activeConnections is 89, but an organization has at most 100; reduce tasks or event types',
  ]);
  expect(problemsOf({ tasks: 2, protocols: { interactionEvents } })).toEqual([]);
});

test('Values that are known only at deployment are not checked', () => {
  const resourceId = Lazy.string({ produce: () => 'q1' });
  const subscriptions = [{ event: 'routing.queueEvents', resourceId }];
  expect(problemsOf({ protocols: { notificationStream: { subscriptions } } })).toEqual([]);
});
