import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { type ISwitchboard, Switchboard } from '../../lib/cdk/index.ts';
import { policyLines } from './policy-lines.ts';
import { deployment, testApp } from './test-deployment.ts';

const ARN = (service: string, name: string) => `arn:aws:${service}:eu-central-1:123456789012:${name}`;
const ATTRIBUTES = {
  eventBusArn: ARN('events', 'event-bus/Genesys'),
  deploymentName: 'Contact-Center',
  stateTableArn: ARN('dynamodb', 'table/State'),
  oversizeBucketArn: 'arn:aws:s3:::large',
  eventsQueueArn: ARN('sqs', 'events'),
  deadLetterQueueArn: ARN('sqs', 'dead'),
};

/** Another app with a role and an imported deployment. */
function importing(attributes: Partial<typeof ATTRIBUTES> = ATTRIBUTES): {
  stack: Stack;
  role: Role;
  switchboard: ISwitchboard;
} & Disposable {
  const app = testApp();
  const stack = new Stack(app, 'Other');
  const role = new Role(stack, 'Operator', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const switchboard = Switchboard.fromAttributes(stack, 'Switchboard', {
    eventBusArn: ATTRIBUTES.eventBusArn,
    ...attributes,
  });
  return { stack, role, switchboard, [Symbol.dispose]: () => app[Symbol.dispose]() };
}

describe('an imported deployment', () => {
  test('Another app creates rules on its bus', () => {
    using other = importing();
    const target = new SqsQueue(new Queue(other.stack, 'Queue'));
    other.switchboard.on(other.stack, 'Presence', { detailTypes: ['v2.users.{id}.presence'] }, target);
    Template.fromStack(other.stack).hasResourceProperties('AWS::Events::Rule', {
      EventBusName: 'Genesys',
      EventPattern: { source: Match.arrayWith(['genesys.cloud']), 'detail-type': ['v2.users.{id}.presence'] },
    });
  });

  test('Its grants name its resources and nothing else', () => {
    using other = importing();
    other.switchboard.grantReadGaps(other.role);
    other.switchboard.grantRedrive(other.role);
    other.switchboard.grantReadOversize(other.role);
    const allowed = policyLines(Template.fromStack(other.stack)).filter((line) =>
      line.startsWith('OperatorDefaultPolicy'),
    );
    expect(allowed).toEqual(
      [
        [ATTRIBUTES.stateTableArn, ['dynamodb:GetItem', 'dynamodb:Query']],
        [
          ATTRIBUTES.deadLetterQueueArn,
          [
            'sqs:CancelMessageMoveTask',
            'sqs:DeleteMessage',
            'sqs:GetQueueAttributes',
            'sqs:GetQueueUrl',
            'sqs:ListDeadLetterSourceQueues',
            'sqs:ListMessageMoveTasks',
            'sqs:ReceiveMessage',
            'sqs:StartMessageMoveTask',
          ],
        ],
        [ATTRIBUTES.eventsQueueArn, ['sqs:SendMessage']],
        [`${ATTRIBUTES.oversizeBucketArn}/*`, ['s3:GetObject']],
      ]
        .flatMap(([arn, actions]) =>
          (actions as string[]).map((action) => `OperatorDefaultPolicy: Allow ${action} on ${arn}`),
        )
        .toSorted(),
    );
  });

  test('A grant without the ARN that it needs is refused with the name of the attribute', () => {
    using other = importing({});
    expect(() => other.switchboard.grantReadGaps(other.role)).toThrow(
      'Other/Switchboard was imported without `stateTableArn`, which this grant needs. Specify it in Switchboard.fromAttributes.',
    );
    expect(() => other.switchboard.metricPublished()).toThrow(
      'Other/Switchboard was imported without `deploymentName`, which its metrics need. Specify it in Switchboard.fromAttributes: it is the stack output SwitchboardDeploymentName.',
    );
  });

  test('Its metrics have the name of the deployment', () => {
    using other = importing();
    const { switchboard } = other;
    const metrics = [
      switchboard.metricPublished(),
      switchboard.metricLag(),
      switchboard.metricGapSeconds(),
      switchboard.metricCovered(),
      switchboard.metricRecovered(),
      switchboard.metricWebhook('EventsAccepted'),
    ];
    expect(
      metrics.map(({ metricName, statistic, dimensions }) => [metricName, statistic, dimensions]),
    ).toEqual([
      ['EventsPublished', 'Sum', { deployment: 'Contact-Center', service: 'consumer' }],
      ['ReceivedToPublishedLatency', 'p99', { deployment: 'Contact-Center', service: 'consumer' }],
      ['GapSeconds', 'Sum', { deployment: 'Contact-Center', service: 'ingester' }],
      ['Covered', 'Maximum', { deployment: 'Contact-Center', service: 'ingester' }],
      ['EventsRecovered', 'Sum', { deployment: 'Contact-Center', service: 'backfill' }],
      ['EventsAccepted', 'Sum', { deployment: 'Contact-Center', service: 'webhook' }],
    ]);
  });
});

test('The grants of a deployment with a KMS key allow the use of the key', () => {
  using made = deployment((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
  const role = new Role(made.stack, 'Operator', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  made.switchboard.grantRedrive(role);
  const lines = policyLines(Template.fromStack(made.stack));
  expect(lines).toContain('OperatorDefaultPolicy: Allow kms:Decrypt on <Key.Arn>');
  expect(lines).toContain('OperatorDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesEvents.Arn>');
});

test('The metrics of a deployment have the dimension that its functions write', () => {
  using made = deployment();
  const { deployment: name } = made.switchboard.metricPublished().dimensions ?? {};
  const functions = Object.values(Template.fromStack(made.stack).findResources('AWS::Lambda::Function'));
  const names = functions.flatMap(({ Properties }) => Properties.Environment?.Variables.DEPLOYMENT ?? []);
  expect(new Set(names)).toEqual(new Set([name]));
});
