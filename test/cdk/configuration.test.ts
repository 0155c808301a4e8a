import { Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../functions/consumer/config.ts';
import {
  LIMITS,
  overrides,
  Switchboard,
  SwitchboardConfigurationError,
  type SwitchboardProps,
} from '../../lib/cdk/index.ts';
import { REQUIRED, templateOf, testApp } from './test-deployment.ts';

function problemsOf(props: Partial<SwitchboardProps>): readonly string[] {
  using app = testApp();
  try {
    new Switchboard(new Stack(app, 'Test'), 'Switchboard', { ...REQUIRED, ...props });
  } catch (error) {
    if (error instanceof SwitchboardConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('mistakes', () => {
  test('are all listed at once, in the message too', () => {
    const mistakes = {
      genesysDomain: 'example.com',
      secret: 'no spaces, please',
      topics: ['v2.users.{id}.presence', 'v2.conversations.{id}.transcription', 'presence'],
      protocol: 'telepathy' as never,
      tasks: 0,
      consumerConcurrency: 1,
      dedupWindowDays: 3,
      archiveDays: 0,
      eventSource: 'aws.partner/mine',
    };
    const problems = problemsOf(mistakes);
    expect(problems).toEqual([
      expect.stringMatching(/^genesysDomain example\.com is no Genesys Cloud region.*mypurecloud\.com/),
      expect.stringMatching(/^secret no spaces, please is no name of a secret/),
      expect.stringMatching(/^topics: v2\.conversations\.\{id\}\.transcription: .*name the ids instead/),
      expect.stringMatching(/^topics: presence: not a topic/),
      expect.stringMatching(/^protocol telepathy is not known; it is one of notification-channels/),
      expect.stringMatching(/^eventSource aws\.partner\/mine must be/),
      expect.stringMatching(/^tasks is 0, and must be a whole number from 1 to 10/),
      expect.stringMatching(/^consumerConcurrency is 1, and must be a whole number from 2 to 1000/),
      expect.stringMatching(/^dedupWindowDays is 3, and must be a whole number from 4 to 28/),
      expect.stringMatching(/^archiveDays is 0, and must be a whole number from 1 to 3650/),
    ]);
    using app = testApp();
    expect(
      () => new Switchboard(new Stack(app, 'Test'), 'Switchboard', { ...REQUIRED, ...mistakes }),
    ).toThrow(`has ${problems.length} problem(s):\n${problems.map((one) => `  - ${one}`).join('\n')}`);
  });

  test.each([
    ['topics', []],
    ['topics', ['v2.system.socket_closing']],
    ['genesysDomain', ''],
    ['secret', ''],
    ['tasks', 1.5],
    ['tasks', Number.NaN],
    ['tasks', 11],
    ['consumerConcurrency', 1_001],
    ['dedupWindowDays', 29],
    ['archiveDays', 4_000],
    ['eventSource', ''],
  ])('%s: %j is refused', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  test('the dedup window has the limits of the consumer', () => {
    const { min, max } = LIMITS.dedupWindowDays;
    const read = (days: number) =>
      readConfig({
        CLAIMS_TABLE: 'claims',
        EVENT_BUS_NAME: 'bus',
        QUARANTINE_QUEUE_URL: 'https://sqs.test/1/q',
        DEDUP_WINDOW_DAYS: String(days),
      });
    for (const days of [min, max]) expect(read(days).dedupWindowSeconds).toBe(days * 86_400);
    for (const days of [min - 1, max + 1]) expect(() => read(days)).toThrow('DEDUP_WINDOW_DAYS');
  });
});

describe('the command line and the environment', () => {
  const environment = { GENESYS_DOMAIN: 'mypurecloud.ie', GENESYS_SECRET_NAME: 'from/environment' };

  test('say nothing, and what is written in the app holds', () => {
    using app = testApp();
    expect({ ...REQUIRED, ...overrides(app, { GENESYS_DOMAIN: '' }) }).toEqual(REQUIRED);
  });

  test('the environment goes before the app', () => {
    using app = testApp();
    expect({ ...REQUIRED, ...overrides(app, environment) }).toEqual({
      ...REQUIRED,
      genesysDomain: 'mypurecloud.ie',
      secret: 'from/environment',
    });
  });

  test('the command line goes before the environment', () => {
    using app = testApp({
      context: { genesysDomain: 'mypurecloud.jp', secret: 'from/command-line', emulator: 'true' },
    });
    expect(overrides(app, environment)).toEqual({
      genesysDomain: 'mypurecloud.jp',
      secret: 'from/command-line',
      forEmulator: true,
    });
  });
});

test('a bus of somebody else is published on by its ARN', () => {
  const arn = 'arn:aws:events:eu-central-1:111122223333:event-bus/shared';
  const template = templateOf((stack) => ({
    bus: EventBus.fromEventBusArn(stack, 'Shared', arn),
    logRetention: RetentionDays.ONE_YEAR,
  }));
  template.resourceCountIs('AWS::Events::EventBus', 0);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { EVENT_BUS_NAME: arn } },
  });
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
});

test('the outputs say where everything is and how to fill the secret', () => {
  const outputs = templateOf().findOutputs('*');
  expect(Object.keys(outputs)).toEqual([
    'SwitchboardEventBusName',
    'SwitchboardEventsQueueUrl',
    'SwitchboardDeadLetterQueueUrl',
    'SwitchboardQuarantineQueueUrl',
    'SwitchboardStateTableName',
    'SwitchboardDashboardUrl',
    'SwitchboardSecretName',
    'SwitchboardFillSecretCommand',
  ]);
  expect(outputs.SwitchboardSecretName?.Value).toBe('switchboard/genesys');
  expect(JSON.stringify(outputs.SwitchboardFillSecretCommand?.Value)).toMatch(
    /aws secretsmanager put-secret-value --region .*--secret-id .*SwitchboardSecret.*--secret-string file:\/\/\/dev\/stdin/,
  );
});
