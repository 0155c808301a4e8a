import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../functions/consumer/consumer-config.ts';
import { LIMITS, overrides, Switchboard, type SwitchboardProps } from '../../lib/cdk/index.ts';
import { problemsOf, REQUIRED, templateOf, testApp } from './test-deployment.ts';

function warningsOf(props: Partial<SwitchboardProps>): string[] {
  using app = testApp();
  const stack = new Stack(app, 'Test');
  new Switchboard(stack, 'Switchboard', { ...REQUIRED, ...props });
  return Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('genesysDomain'))
    .map(({ entry }) => String(entry.data));
}

describe('The domain of the region', () => {
  test('A region that is newer than this version is accepted with a warning', () => {
    expect(warningsOf({ genesysDomain: 'new1.pure.cloud' })).toEqual([
      expect.stringMatching(/^genesysDomain new1\.pure\.cloud is not .* that this version knows/),
    ]);
    expect(warningsOf({})).toEqual([]);
  });

  test('A domain that is known only at deployment is not checked', () => {
    using app = testApp();
    const stack = new Stack(app, 'Test');
    const { valueAsString: genesysDomain } = new CfnParameter(stack, 'Domain');
    expect(() => new Switchboard(stack, 'Switchboard', { ...REQUIRED, genesysDomain })).not.toThrow();
  });
});

describe('Invalid properties', () => {
  test('The configuration error lists all problems, and its message contains them', () => {
    const invalid = {
      genesysDomain: 'example.com',
      secret: 'no spaces, please',
      topics: ['v2.users.{id}.presence', 'v2.conversations.{id}.transcription', 'presence'],
      tasks: 0,
      consumerConcurrency: 1,
      dedupWindowDays: 3,
      archiveDays: 0,
      eventSource: 'aws.partner/mine',
      webhook: { secret: 'not a name', reservedConcurrentExecutions: 0 },
    };
    const problems = problemsOf(invalid);
    expect(problems).toEqual([
      expect.stringMatching(
        /^genesysDomain example\.com is not the domain of a Genesys Cloud region.*mypurecloud\.com/,
      ),
      expect.stringMatching(/^secret no spaces, please is not a valid secret name/),
      expect.stringMatching(/^topics: v2\.conversations\.\{id\}\.transcription: .*use the ids instead/),
      expect.stringMatching(/^topics: presence: not a topic/),
      expect.stringMatching(/^eventSource aws\.partner\/mine is invalid/),
      expect.stringMatching(/^tasks is 0, but must be an integer from 1 to 10/),
      expect.stringMatching(/^consumerConcurrency is 1, but must be an integer from 2 to 1000/),
      expect.stringMatching(/^dedupWindowDays is 3, but must be an integer from 4 to 28/),
      expect.stringMatching(/^archiveDays is 0, but must be an integer from 1 to 3650/),
      expect.stringMatching(/^webhook\.secret not a name is not a valid secret name/),
      expect.stringMatching(
        /^webhook\.reservedConcurrentExecutions is 0, but must be an integer from 1 to 1000/,
      ),
    ]);
    using app = testApp();
    expect(() => new Switchboard(new Stack(app, 'Test'), 'Switchboard', { ...REQUIRED, ...invalid })).toThrow(
      `has ${problems.length} problem(s):\n${problems.map((one) => `  - ${one}`).join('\n')}`,
    );
  });

  test.each([
    ['topics', []],
    ['topics', ['v2.system.socket_closing']],
    ['genesysDomain', ''],
    ['secret', ''],
    ['secret', []],
    ['secret', ['switchboard/1', 'no spaces, please']],
    ['secret', ['switchboard/1', 'switchboard/2', 'switchboard/1']],
    ['secret', Array.from({ length: 11 }, (_, n) => `switchboard/${n}`)],
    ['channels', 0],
    ['channels', 101],
    ['tasks', 1.5],
    ['tasks', Number.NaN],
    ['tasks', 11],
    ['consumerConcurrency', 1_001],
    ['dedupWindowDays', 29],
    ['archiveDays', 4_000],
    ['eventSource', ''],
  ])('The property %s is rejected with the value %j', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  test('The deduplication window has the same limits as in the configuration of the consumer', () => {
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

describe('Several OAuth clients', () => {
  const clients = (count: number) => Array.from({ length: count }, (_, n) => `switchboard/${n}`);

  test('The same existing secret twice is a problem, and different secrets are not', () => {
    using app = testApp();
    const stack = new Stack(app, 'Secrets');
    const named = (id: string, name: string) => Secret.fromSecretNameV2(stack, id, name);
    const own = new Secret(stack, 'Own');
    expect(
      problemsOf({ secret: [own, new Secret(stack, 'Other'), named('1', 'a'), named('2', 'b')] }),
    ).toEqual([]);
    expect(problemsOf({ secret: [own, own] })).toEqual([
      'secret contains the same secret more than once; each OAuth client needs its own secret',
    ]);
    expect(problemsOf({ secret: ['a', named('3', 'a')] })).toEqual([
      'secret contains a more than once; each OAuth client needs its own secret',
    ]);
  });

  test('More channels than the OAuth clients have are a problem that names the numbers and the remedy', () => {
    expect(problemsOf({ tasks: 2, channels: 15 })).toEqual([
      'tasks x channels is 2 x 15 = 30, but 1 OAuth client(s) with 20 channels each allow 2 x 5 = 10, because an upgrade runs twice as many tasks; add another OAuth client to `secret`, or reduce tasks or channels',
    ]);
    expect(problemsOf({ tasks: 2, channels: 15, secret: clients(3) })).toEqual([]);
    expect(problemsOf({ tasks: 2, channels: 16, secret: clients(3) })).toEqual([
      expect.stringContaining('2 x 16 = 32, but 3 OAuth client(s) with 20 channels each allow 2 x 15 = 30'),
    ]);
  });

  test('Channels that no client has room for are a problem even if the sum over all clients has', () => {
    // Each task would need three channels of the first client: 2 x 4 x 3 = 24.
    expect(problemsOf({ tasks: 4, channels: 5, secret: clients(2) })).toEqual([
      expect.stringContaining('4 x 5 = 20, but 2 OAuth client(s) with 20 channels each allow 4 x 4 = 16'),
    ]);
  });

  test.each([
    [{}, '5'],
    [{ tasks: 1 }, '10'],
    [{ tasks: 3 }, '3'],
    [{ tasks: 3, secret: clients(2) }, '3'],
    [{ tasks: 10, secret: clients(10) }, '1'],
    [{ channels: 1 }, '1'],
    [{ channels: 7, secret: clients(2) }, '4'],
  ])('With the properties %j a task uses %s channels of each OAuth client', (props, channels) => {
    const [task] = Object.values(templateOf(() => props).findResources('AWS::ECS::TaskDefinition'));
    expect(task?.Properties.ContainerDefinitions[0].Environment).toContainEqual({
      Name: 'CHANNELS',
      Value: channels,
    });
  });

  test('Each secret of a list is created, named in an output and filled by its own command', () => {
    const one = templateOf(() => ({ secret: 'switchboard/0' }));
    const two = templateOf(() => ({ secret: clients(2) }));
    const outputs = two.findOutputs('*');
    expect(Object.keys(outputs).slice(-4)).toEqual([
      'SwitchboardSecretName',
      'SwitchboardFillSecretCommand',
      'SwitchboardSecretName2',
      'SwitchboardFillSecretCommand2',
    ]);
    expect(outputs.SwitchboardSecretName2?.Value).toBe('switchboard/1');
    expect(JSON.stringify(outputs.SwitchboardFillSecretCommand2?.Value)).toContain('SwitchboardSecret2');
    // A second OAuth client does not replace the first secret.
    const secrets = one.findResources('AWS::SecretsManager::Secret');
    expect(two.findResources('AWS::SecretsManager::Secret')).toMatchObject(secrets);
  });
});

describe('Overrides', () => {
  const environment = { GENESYS_DOMAIN: 'mypurecloud.ie', GENESYS_SECRET_NAME: 'from/environment' };

  test('The properties of the app apply without overrides', () => {
    using app = testApp();
    expect({ ...REQUIRED, ...overrides(app, { GENESYS_DOMAIN: '' }) }).toEqual(REQUIRED);
  });

  test('The environment takes precedence over the app', () => {
    using app = testApp();
    expect({ ...REQUIRED, ...overrides(app, environment) }).toEqual({
      ...REQUIRED,
      genesysDomain: 'mypurecloud.ie',
      secret: 'from/environment',
    });
  });

  test('The command line takes precedence over the environment', () => {
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

test('An existing event bus is identified by its ARN', () => {
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

test('The stack outputs name the resources and the command that fills the secret', () => {
  const outputs = templateOf().findOutputs('*');
  expect(Object.keys(outputs)).toEqual([
    'SwitchboardEventBusName',
    'SwitchboardDeploymentName',
    'SwitchboardEventsQueueUrl',
    'SwitchboardDeadLetterQueueUrl',
    'SwitchboardQuarantineQueueUrl',
    'SwitchboardStateTableName',
    'SwitchboardOversizeBucketName',
    'SwitchboardDashboardUrl',
    'SwitchboardSecretName',
    'SwitchboardFillSecretCommand',
  ]);
  expect(outputs.SwitchboardSecretName?.Value).toBe('switchboard/genesys');
  expect(JSON.stringify(outputs.SwitchboardFillSecretCommand?.Value)).toMatch(
    /aws secretsmanager put-secret-value --region .*--secret-id .*SwitchboardSecret.*--secret-string file:\/\/\/dev\/stdin/,
  );
});
