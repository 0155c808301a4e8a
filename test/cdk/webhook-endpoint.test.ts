import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { RESPONSE_LIMIT_MS } from '../../functions/webhook/receiver.ts';
import { readConfig } from '../../functions/webhook/webhook-config.ts';
import { WEBHOOK_METRICS } from '../../lib/aws/metric-names.ts';
import { policyLines } from './policy-lines.ts';
import { plain, templateOf, unhashed } from './test-deployment.ts';

/** After this time, the sender gives up. */
const SENDER_LIMIT_SECONDS = 10;
const FUNCTION = { Properties: { Handler: 'webhook.handler' } };

interface FunctionProperties {
  Timeout: number;
  ReservedConcurrentExecutions: number;
  Environment: { Variables: Record<string, unknown> };
}

function webhookFunction(template: Template): FunctionProperties {
  const [found] = Object.values(template.findResources('AWS::Lambda::Function', FUNCTION));
  return found?.Properties;
}

function webhookLines(template: Template): string[] {
  return policyLines(template).filter((line) => line.startsWith('SwitchboardWebhook'));
}

test('Without the property, the deployment has no webhook and no function URL', () => {
  const template = templateOf();
  template.resourceCountIs('AWS::Lambda::Url', 0);
  expect(Object.keys(template.findResources('AWS::Lambda::Function', FUNCTION))).toEqual([]);
});

describe('A deployment with a webhook', () => {
  let template: Template;
  let defaults: Template;
  beforeAll(() => {
    defaults = templateOf();
    template = templateOf(() => ({ webhook: {}, logLevel: 'DEBUG' }));
  });

  test('The webhook adds these resources and changes no other', () => {
    const { Resources: before } = templateOf(() => ({ logLevel: 'DEBUG' })).toJSON();
    const { Resources: after } = template.toJSON();
    const added = Object.keys(after).filter((id) => !(id in before));
    expect(added.map((id) => `${after[id].Type} ${unhashed(id)}`).sort()).toMatchSnapshot();
    for (const [id, resource] of Object.entries(before)) expect(after[id], id).toEqual(resource);
  });

  test('The function URL is public, and only the signature authenticates', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE', Cors: Match.absent() });
    const permissions = Object.entries(template.findResources('AWS::Lambda::Permission'))
      .filter(([id]) => id.startsWith('SwitchboardWebhook'))
      .map(([, permission]) => permission);
    expect(permissions.length).toBeGreaterThan(0);
    for (const { Properties } of permissions) {
      expect(Properties.Principal).toBe('*');
      expect(Properties.FunctionUrlAuthType ?? Properties.InvokedViaFunctionUrl).toBeDefined();
    }
  });

  test('The webhook may send to the events queue, read its secret and write its log, and nothing else', () => {
    expect(webhookLines(template)).toEqual([
      'SwitchboardWebhookRole: Allow sts:AssumeRole on itself to {"Service":"lambda.amazonaws.com"}',
      'SwitchboardWebhookRoleDefaultPolicy: Allow logs:CreateLogStream on <SwitchboardWebhookLogs.Arn>',
      'SwitchboardWebhookRoleDefaultPolicy: Allow logs:PutLogEvents on <SwitchboardWebhookLogs.Arn>',
      'SwitchboardWebhookRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on <SwitchboardWebhookSecret>',
      'SwitchboardWebhookRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesEvents.Arn>',
    ]);
  });

  test('The webhook accepts the environment of its function', () => {
    const { Variables } = webhookFunction(template).Environment;
    const environment = Object.fromEntries(
      Object.entries(Variables).map(([name, value]) => [
        name,
        String(plain(value)).replace(/^<(SwitchboardQueues\w+)>$/, 'https://sqs.test/1/$1'),
      ]),
    );
    expect(readConfig(environment)).toEqual({
      eventsQueueUrl: expect.stringContaining('QueuesEvents'),
      secretId: expect.stringContaining('WebhookSecret'),
      deployment: expect.stringMatching(/^Test-Switchboard/),
      logLevel: 'DEBUG',
    });
  });

  test('The function responds before it times out, and times out when the sender gives up', () => {
    const { Timeout, ReservedConcurrentExecutions } = webhookFunction(template);
    expect(RESPONSE_LIMIT_MS / 1_000).toBeLessThan(Timeout);
    expect(Timeout).toBeLessThanOrEqual(SENDER_LIMIT_SECONDS);
    expect(ReservedConcurrentExecutions).toBe(50);
  });

  test('A new secret has a generated value that the webhook accepts: 64 hexadecimal digits', () => {
    const [found] = Object.values(
      template.findResources('AWS::SecretsManager::Secret', {
        Properties: { Description: Match.stringLikeRegexp('webhook') },
      }),
    );
    const { PasswordLength, ExcludeCharacters, ...rules } = found?.Properties.GenerateSecretString ?? {};
    const letters = [...'0123456789abcdefghijklmnopqrstuvwxyz'].filter(
      (letter) => !ExcludeCharacters.includes(letter),
    );
    expect(letters.join('')).toBe('0123456789abcdef');
    expect(PasswordLength).toBe(64);
    expect(rules).toEqual({
      ExcludeUppercase: true,
      ExcludePunctuation: true,
      IncludeSpace: false,
      RequireEachIncludedType: false,
    });
  });

  test('The outputs name the URL and the secret', () => {
    const added = Object.keys(template.findOutputs('*')).filter(
      (name) => !(name in defaults.findOutputs('*')),
    );
    expect(added).toEqual(['SwitchboardWebhookUrl', 'SwitchboardWebhookSecretArn']);
  });

  test.each([
    ['WebhookErrors', 'AWS/Lambda', 'Errors', 0],
    ['WebhookThrottled', 'AWS/Lambda', 'Throttles', 0],
    ['WebhookFailures', 'Switchboard', 'RequestsFailed', 10],
    ['WebhookSignaturesRejected', 'Switchboard', 'SignaturesRejected', 0],
    ['WebhookBodiesTooLarge', 'Switchboard', 'BodiesTooLarge', 0],
  ])('The alarm %s monitors %s %s', (name, Namespace, MetricName, Threshold) => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      (one) => one.Properties,
    );
    const alarm = alarms.find(({ AlarmName }) => AlarmName.endsWith(`-${name}`));
    expect(alarm).toMatchObject({ Namespace, MetricName, Threshold, Statistic: 'Sum', Period: 300 });
    expect(alarm.AlarmDescription).toMatch(/^(CRITICAL|WARNING): .{60,}\.$/);
    if (Namespace === 'Switchboard') {
      expect(Object.keys(WEBHOOK_METRICS)).toContain(MetricName);
      expect(alarm.Dimensions).toContainEqual({ Name: 'service', Value: 'webhook' });
    }
  });
});

test('The webhook reads an existing secret, and creates none', () => {
  const template = templateOf((stack) => ({
    webhook: {
      secret: Secret.fromSecretNameV2(stack, 'Theirs', 'team/signing'),
      reservedConcurrentExecutions: 7,
    },
  }));
  template.resourceCountIs('AWS::SecretsManager::Secret', 1);
  expect(webhookLines(template).filter((line) => line.includes('secretsmanager'))).toEqual([
    'SwitchboardWebhookRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:team/signing-??????',
  ]);
  expect(webhookFunction(template).ReservedConcurrentExecutions).toBe(7);
});

test('With a customer managed key, the webhook may use it, and its secret is encrypted with it', () => {
  const template = templateOf((stack) => ({ webhook: {}, encryptionKey: new Key(stack, 'Key') }));
  const uses = webhookLines(template).filter((line) => line.endsWith('on <Key.Arn>'));
  for (const action of ['Decrypt', 'GenerateDataKey'])
    expect(uses).toContain(`SwitchboardWebhookRoleDefaultPolicy: Allow kms:${action} on <Key.Arn>`);
  template.allResourcesProperties('AWS::SecretsManager::Secret', { KmsKeyId: Match.anyValue() });
});
