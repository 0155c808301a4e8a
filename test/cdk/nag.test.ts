import type { App } from 'aws-cdk-lib';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, type NagPack, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyDelivery, everyOption } from './every-option.ts';
import { type Deployment, deployment, unhashed } from './test-deployment.ts';

/** A reason must be a full sentence. */
const MIN_REASON_CHARACTERS = 40;
/** Prefix of acknowledgements that the CDK adds to its own constructs. */
const CDK_PREFIX = 'CloudFormation-Validate::';

/** The findings of the rule packs, in the form `<rule> at <path>`. */
function findings(app: App, { ignoreAcknowledgements = false } = {}): string[] {
  const packs: NagPack[] = [new AwsSolutionsChecks(), new ServerlessChecks()];
  return packs
    .flatMap((pack) => {
      if (ignoreAcknowledgements) Object.assign(pack, { isAcknowledged: () => false });
      return pack.validateScope(app).violations;
    })
    .flatMap(({ ruleName, violatingResources = [] }) =>
      violatingResources.map(({ constructPath }) => `${unhashed(ruleName)} at ${constructPath}`),
    )
    .sort();
}

/** The acknowledged rules of a construct tree. */
function acknowledgements(node: IConstruct): { id: string; reason: string }[] {
  return node.node.findAll().flatMap((one) =>
    one.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .filter(([id]) => !id.startsWith(CDK_PREFIX))
      .map(([id, reason]) => ({ id: unhashed(id.replace(/^Annotation::/, '')), reason })),
  );
}

describe.each([
  ['with the defaults', () => deployment()],
  ['with every option', () => deployment(everyOption)],
  ['for an emulator', () => deployment(() => ({ forEmulator: true, redaction: { hash: ['**.ani'] } }))],
])('cdk-nag with the packs AwsSolutions and Serverless, %s', (_, make) => {
  let made: Deployment;
  beforeAll(() => {
    made = make();
    everyDelivery(made);
  });
  afterAll(() => made[Symbol.dispose]());

  test('The deployment has no findings that are not acknowledged', () => {
    expect(findings(made.app)).toEqual([]);
  });

  test('Every acknowledgement matches a finding and states a reason', () => {
    const found = new Set(
      findings(made.app, { ignoreAcknowledgements: true }).map((line) => line.split(' at ')[0]),
    );
    const acknowledged = acknowledgements(made.stack);
    expect(new Set(acknowledged.map(({ id }) => id))).toEqual(found);
    for (const { reason } of acknowledged) expect(reason.length).toBeGreaterThan(MIN_REASON_CHARACTERS);
  });
});

test('The deployment with the defaults acknowledges exactly the expected findings', () => {
  using made = deployment();
  expect(findings(made.app, { ignoreAcknowledgements: true })).toEqual([
    'AwsSolutions-DDB3 at Test/Switchboard/Tables/Claims/Resource',
    'AwsSolutions-ECS2 at Test/Switchboard/Ingester/Task/Resource',
    'AwsSolutions-ECS4 at Test/Switchboard/Ingester/Cluster/Resource',
    'AwsSolutions-IAM5[Resource::*] at Test/Switchboard/Ingester/Task/ExecutionRole/DefaultPolicy/Resource',
    'AwsSolutions-IAM5[Resource::<SwitchboardOversizeBucket.Arn>/*] at Test/Switchboard/Backfill/Role/DefaultPolicy/Resource',
    'AwsSolutions-IAM5[Resource::<SwitchboardOversizeBucket.Arn>/*] at Test/Switchboard/Consumer/Role/DefaultPolicy/Resource',
    'AwsSolutions-IAM5[Resource::<SwitchboardOversizeBucket.Arn>/*] at Test/Switchboard/Ingester/Task/TaskRole/DefaultPolicy/Resource',
    'AwsSolutions-S1 at Test/Switchboard/Oversize/Bucket/Resource',
    'AwsSolutions-SMG4 at Test/Switchboard/Secret/Secret/Resource',
    'AwsSolutions-SQS3 at Test/Switchboard/Queues/Quarantine/Resource',
    'Serverless-EventBusDLQ at Test/Switchboard/Backfill/Sweep/Resource',
    'Serverless-LambdaDLQ at Test/Switchboard/Backfill/Function/Resource',
    'Serverless-LambdaDLQ at Test/Switchboard/Consumer/Function/Resource',
    'Serverless-LambdaEventSourceMappingDestination at Test/Switchboard/Backfill/EventSource/Resource',
    'Serverless-LambdaEventSourceMappingDestination at Test/Switchboard/Consumer/EventSource/Resource',
    'Serverless-LambdaTracing at Test/Switchboard/Backfill/Function/Resource',
    'Serverless-LambdaTracing at Test/Switchboard/Consumer/Function/Resource',
    'Serverless-SQSRedrivePolicy at Test/Switchboard/Queues/DeadLetter/Resource',
    'Serverless-SQSRedrivePolicy at Test/Switchboard/Queues/GapsDeadLetter/Resource',
    'Serverless-SQSRedrivePolicy at Test/Switchboard/Queues/Quarantine/Resource',
  ]);
});
