import type { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { SwitchboardConfigurationError, type SwitchboardProps } from '../../lib/cdk/index.ts';
import { contentRedactionConfig, contentRedactionEnvironment } from '../../lib/events/content-rules.ts';
import { policyLines } from './policy-lines.ts';
import { deployment, plain, templateOf, unhashed } from './test-deployment.ts';

const environment = z.object(contentRedactionEnvironment);
const PARTNER_SOURCE = 'aws.partner/genesys.com/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/main';

/** The variables about redaction of the ingester's container and of the functions of the webhook and the backfill. */
function variablesOf(redaction: SwitchboardProps['redaction']): Record<string, unknown>[] {
  const template = templateOf(() => ({ webhook: {}, redaction: redaction! }));
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const functions = ['webhook.handler', 'backfill.handler'].flatMap((Handler) =>
    Object.values(template.findResources('AWS::Lambda::Function', { Properties: { Handler } })),
  );
  expect(functions).toHaveLength(2);
  const container = task?.Properties.ContainerDefinitions[0].Environment as {
    Name: string;
    Value: unknown;
  }[];
  const all = [
    container.map(({ Name, Value }): [string, unknown] => [Name, Value]),
    ...functions.map(({ Properties }) => Object.entries(Properties.Environment.Variables as object)),
  ];
  return all.map(redactionIn);
}

/** The same of the consumer's function. */
function consumerVariables(template: Template): Record<string, unknown> {
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  const consumer = functions.find(({ Properties }) => Properties.Environment?.Variables.CLAIMS_TABLE);
  return redactionIn(Object.entries(consumer?.Properties.Environment.Variables as object));
}

function redactionIn(variables: readonly [string, unknown][]): Record<string, unknown> {
  const own = variables.filter(([name]) => name.startsWith('REDACTION'));
  return Object.fromEntries(own.map(([name, value]) => [name, plain(value)]));
}

test('Without the property nothing is redacted', () => {
  expect(JSON.stringify(templateOf(() => ({ webhook: {} })).toJSON())).not.toContain('REDACTION');
});

describe('A deployment with redaction', () => {
  test('The ingester, the webhook and the backfill get the options, and no key without hashes', () => {
    const redaction = { preset: 'structural', keep: ['**.provider'], mask: ['**.ani'] } as const;
    for (const variables of variablesOf(redaction)) {
      expect(Object.keys(variables)).toEqual(['REDACTION']);
      expect(contentRedactionConfig(environment.parse(variables))).toEqual({
        preset: 'structural',
        rules: [
          { path: '**.ani', action: 'mask' },
          { path: '**.provider', action: 'keep' },
        ],
        key: undefined,
      });
    }
    const template = templateOf(() => ({ redaction }));
    const secrets = Object.keys(template.findResources('AWS::SecretsManager::Secret')).map(unhashed);
    expect(secrets).not.toContain('SwitchboardRedactionKey');
  });

  test('A rule that hashes adds a key with a generated value, and nothing else', () => {
    const { Resources: withoutHash, Outputs } = templateOf(() => ({
      webhook: {},
      redaction: { drop: ['**.ani'] },
    })).toJSON();
    const template = templateOf(() => ({ webhook: {}, redaction: { hash: ['**.ani'] } }));
    const { Resources } = template.toJSON();
    const added = Object.keys(Resources).filter((id) => !(id in withoutHash));
    const [key = ''] = added.filter((id) => Resources[id].Type === 'AWS::SecretsManager::Secret');
    expect(unhashed(key)).toBe('SwitchboardRedactionKey');
    expect(Resources[key]).toMatchObject({ DeletionPolicy: 'Retain' });
    expect(Resources[key].Properties.GenerateSecretString).toMatchObject({ PasswordLength: 64 });
    expect(added.filter((id) => !Resources[id].Type.includes('TaskDefinition')).map(unhashed)).toEqual([
      'SwitchboardRedactionKey',
    ]);
    const output = template.findOutputs('SwitchboardRedactionKeyArn').SwitchboardRedactionKeyArn;
    expect(plain(output?.Value)).toMatch(/^<SwitchboardRedactionKey/);
    expect(Outputs).not.toHaveProperty('SwitchboardRedactionKeyArn');
    for (const variables of variablesOf({ hash: ['**.ani'] }))
      expect(variables.REDACTION_SECRET_ID).toMatch(/^<SwitchboardRedactionKey/);
  });

  test('Only the ingester, the webhook and the backfill may read the key', () => {
    const lines = policyLines(templateOf(() => ({ webhook: {}, redaction: { hash: ['**.ani'] } })));
    expect(lines.filter((line) => line.includes('SwitchboardRedactionKey'))).toEqual([
      expect.stringMatching(/^SwitchboardBackfillRoleDefaultPolicy: Allow secretsmanager:GetSecretValue/),
      expect.stringMatching(
        /^SwitchboardIngesterTaskTaskRoleDefaultPolicy: Allow secretsmanager:GetSecretValue/,
      ),
      expect.stringMatching(/^SwitchboardWebhookRoleDefaultPolicy: Allow secretsmanager:GetSecretValue/),
    ]);
  });

  test('With a partner event source, the consumer gets the same options, and may read the key', () => {
    const redaction = { hash: ['**.ani'] };
    const withSource = templateOf(() => ({ redaction, partnerEventSource: PARTNER_SOURCE, topics: [] }));
    const [ingester = {}] = variablesOf(redaction);
    expect(consumerVariables(withSource)).toEqual(ingester);
    expect(policyLines(withSource).filter((line) => line.includes('SwitchboardRedactionKey'))).toContainEqual(
      expect.stringMatching(/^SwitchboardConsumerRoleDefaultPolicy: Allow secretsmanager:GetSecretValue/),
    );
    expect(consumerVariables(templateOf(() => ({ redaction })))).toEqual({});
  });

  test('The key is encrypted with the KMS key of the deployment', () => {
    const template = templateOf((stack) => ({
      redaction: { hash: ['a'] },
      encryptionKey: new Key(stack, 'Key'),
    }));
    const [secret] = Object.values(
      template.findResources('AWS::SecretsManager::Secret', {
        Properties: { Description: 'Key with which Switchboard hashes redacted values' },
      }),
    );
    expect(plain(secret?.Properties.KmsKeyId)).toMatch(/^<Key/);
  });

  test('Invalid options fail synthesis, with every problem', () => {
    const redaction = { preset: 'none', drop: ['a..b'], mask: ['*a'] } as unknown as { drop: string[] };
    try {
      deployment(() => ({ redaction, archiveDays: 0 }));
      expect.fail('the options were accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(SwitchboardConfigurationError);
      expect((error as SwitchboardConfigurationError).problems).toEqual([
        expect.stringMatching(/^archiveDays/),
        'redaction.preset is not one of structural',
        expect.stringMatching(/^redaction\.drop\[0\] \(a\.\.b\) has an empty name/),
        expect.stringMatching(/^redaction\.mask\[0\] \(\*a\) has \*a/),
      ]);
    }
    expect(() => deployment(() => ({ redaction: {} }))).toThrow('redaction redacts nothing');
  });
});
