import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig as readConsumerConfig } from '../../functions/consumer/consumer-config.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/ingester-config.ts';
import type { AuditOptions } from '../../lib/cdk/audit-options.ts';
import { policyLines } from './policy-lines.ts';
import { plain, templateOf, unhashed } from './test-deployment.ts';

const CONSUMER = 'SwitchboardConsumerRoleDefaultPolicy';
const INGESTER = 'SwitchboardIngesterTaskTaskRoleDefaultPolicy';

function added(template: Template, before: Template): string[] {
  const known = new Set(policyLines(before));
  return policyLines(template).filter((line) => !known.has(line));
}

/** The environment variables of the consumer and the ingester, by name. */
function environments(template: Template): Record<'consumer' | 'ingester', Record<string, string>> {
  const [lambda] = Object.values(template.findResources('AWS::Lambda::Function'));
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const variables: { Name: string; Value: unknown }[] = task?.Properties.ContainerDefinitions[0].Environment;
  const text = (value: unknown) =>
    String(plain(value)).replace(/^<(SwitchboardQueues\w+)>$/, 'https://sqs.test/1/$1');
  return {
    consumer: Object.fromEntries(
      Object.entries(lambda?.Properties.Environment.Variables).map(([name, value]) => [name, text(value)]),
    ),
    ingester: Object.fromEntries(variables.map(({ Name, Value }) => [Name, text(Value)])),
  };
}

test('Without the property, there is no log group for audit records and no permission', () => {
  const template = templateOf();
  expect(JSON.stringify(template.toJSON())).not.toContain('SwitchboardAuditLogs');
  expect(environments(template).consumer).not.toHaveProperty('AUDIT');
  expect(environments(template).ingester).not.toHaveProperty('AUDIT');
});

describe.each<AuditOptions['records']>(['connections', 'all'])('Audit records: %s', (records) => {
  let template: Template;
  let before: Template;
  beforeAll(() => {
    before = templateOf();
    template = templateOf((stack) => ({ audit: { records }, alarmTopic: new Topic(stack, 'OnCall') }));
  });

  test('Those that write records may write to the log group, and nothing else is granted', () => {
    const writers = records === 'all' ? [CONSUMER, INGESTER] : [INGESTER];
    expect(added(template, before)).toEqual(
      writers.flatMap((policy) =>
        ['CreateLogStream', 'PutLogEvents'].map(
          (action) => `${policy}: Allow logs:${action} on <SwitchboardAuditLogs.Arn>`,
        ),
      ),
    );
  });

  test('The ingester and the consumer accept their environments', () => {
    const { consumer, ingester } = environments(template);
    const audit = { level: records, logGroup: expect.stringMatching(/^<SwitchboardAuditLogs/) };
    expect(readIngesterConfig(ingester).audit).toEqual(audit);
    expect(readConsumerConfig(consumer).audit).toEqual(records === 'all' ? audit : undefined);
  });

  test('The log group is kept for a year, and its name is an output', () => {
    const groups = template.findResources('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 365 } });
    expect(Object.keys(groups).map(unhashed)).toEqual(['SwitchboardAuditLogs']);
    expect(Object.values(groups)[0]).toMatchObject({ DeletionPolicy: 'Retain' });
    template.hasOutput('SwitchboardAuditLogGroupName', { Value: { Ref: Object.keys(groups)[0] } });
  });

  test('An alarm reports records that were lost, of the ingester and the consumer together', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: Match.stringLikeRegexp('AuditRecordsLost$'),
      AlarmDescription: Match.stringLikeRegexp('^WARNING: '),
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: [{ Ref: Match.stringLikeRegexp('^OnCall') }],
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: 'FILL(ingester, 0) + FILL(consumer, 0)' }),
        Match.objectLike({
          Id: 'ingester',
          MetricStat: { Metric: { MetricName: 'AuditRecordsLost' }, Stat: 'Sum' },
        }),
        Match.objectLike({
          Id: 'consumer',
          MetricStat: { Metric: { MetricName: 'AuditRecordsLost' }, Stat: 'Sum' },
        }),
      ]),
    });
  });
});

test('Retention and key of the log group can be chosen', () => {
  const template = templateOf((stack) => ({
    audit: { records: 'all', retention: RetentionDays.TEN_YEARS },
    encryptionKey: new Key(stack, 'Key'),
    logRetention: RetentionDays.ONE_WEEK,
  }));
  template.hasResourceProperties('AWS::Logs::LogGroup', {
    RetentionInDays: RetentionDays.TEN_YEARS,
    KmsKeyId: Match.anyValue(),
  });
});

test('With forEmulator, only the consumer writes audit records', () => {
  const template = templateOf(() => ({ audit: { records: 'all' }, forEmulator: true }));
  const lines = policyLines(template).filter((line) => line.includes('SwitchboardAuditLogs'));
  expect(lines.every((line) => line.startsWith(CONSUMER))).toBe(true);
  expect(lines).toHaveLength(2);
});

test('Other records than connections and all are refused', () => {
  const audit = { records: 'everything' } as unknown as AuditOptions;
  expect(() => templateOf(() => ({ audit }))).toThrow(
    'audit.records is everything, but must be connections or all',
  );
});
