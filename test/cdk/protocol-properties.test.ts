import { Stack } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import {
  Switchboard,
  type SwitchboardConfigurationError,
  type SwitchboardProps,
} from '../../lib/cdk/index.ts';
import { plain, REQUIRED, templateOf, testApp } from './test-deployment.ts';

const PROTOCOLS = {
  analyticsEvents: {
    eventTypes: ['conversation', 'user'],
    filters: { queueId: 'q1' },
    consumerGroup: 'wallboard',
  },
  conversationStream: { types: ['voice'], states: ['active', 'queued'], events: ['*'] },
  interactionEvents: {
    eventTypes: ['interaction:updated'],
    filters: { 'interaction.id': 'eq:5' },
    late: 'drop',
  },
  notificationStream: {
    subscriptions: [{ event: 'routing.queueEvents', resourceId: 'q1' }],
    maxBatchSize: 50,
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
});

describe('The ingester', () => {
  test('It accepts the variables of every protocol', () => {
    const { protocols } = readConfig(deployed(environmentOf({ protocols: PROTOCOLS })));
    expect(protocols.map(({ protocol: { name }, configuration }) => ({ name, configuration }))).toMatchObject(
      [
        { name: 'notification-channels', configuration: { TOPICS: REQUIRED.topics } },
        {
          name: 'analytics-events',
          configuration: {
            ANALYTICS_EVENT_TYPES: ['conversation', 'user'],
            ANALYTICS_FILTERS: { queueId: 'q1' },
            ANALYTICS_CONSUMER_GROUP: 'wallboard',
          },
        },
        {
          name: 'conversation-stream',
          configuration: {
            CONVERSATION_TYPES: ['voice'],
            CONVERSATION_STATES: ['active', 'queued'],
            CONVERSATION_EVENTS: ['*'],
          },
        },
        {
          name: 'interaction-events',
          configuration: {
            INTERACTION_EVENT_TYPES: ['interaction:updated'],
            INTERACTION_FILTERS: { 'interaction.id': 'eq:5' },
            INTERACTION_LATE: 'drop',
          },
        },
        {
          name: 'notification-stream',
          configuration: {
            NOTIFICATION_SUBSCRIPTIONS: [{ event: 'routing.queueEvents', resourceId: 'q1' }],
            NOTIFICATION_MAX_BATCH_SIZE: 50,
          },
        },
      ],
    );
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

test('Synthesis fails if no protocol is left, or if a list of a protocol is empty', () => {
  using app = testApp();
  const invalid = { ...REQUIRED, topics: [], protocols: {} };
  expect(() => new Switchboard(new Stack(app, 'None'), 'Switchboard', invalid)).toThrow('topics is empty');
  const empty = { ...REQUIRED, protocols: { conversationStream: { types: [], states: [] } } };
  try {
    new Switchboard(new Stack(app, 'Empty'), 'Switchboard', empty);
    expect.unreachable();
  } catch (error) {
    expect((error as SwitchboardConfigurationError).problems).toEqual([
      'protocols.conversationStream.types is empty; specify at least one',
      'protocols.conversationStream.states is empty; specify at least one',
    ]);
  }
});
