import type { Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { SystemLogLevel } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Switchboard, SwitchboardProps } from '../../lib/cdk/index.ts';

/** Enough topics to be stored in an object instead of the task definition. */
const USERS = 400;

/** Every property that adds resources or permissions. A key and a topic are created in the stack. */
export function everyOption(stack: Stack): SwitchboardProps {
  const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true });
  return {
    genesysDomain: 'mypurecloud.de',
    secret: ['switchboard/genesys', 'switchboard/genesys-2'],
    topics: [
      'v2.routing.queues.{id}.conversations',
      ...Array.from({ length: USERS }, (_, n) => `v2.users.${userId(n)}.presence` as const),
    ],
    protocols: {
      analyticsEvents: { eventTypes: ['conversation'] },
      conversationStream: { types: ['voice'], states: ['active'] },
      interactionEvents: { eventTypes: ['interaction:updated'] },
      notificationStream: { subscriptions: [{ event: 'routing.queueEvents', resourceId: 'q1' }] },
    },
    ingester: { capacityProviderStrategies: [{ capacityProvider: 'FARGATE', weight: 1 }] },
    consumer: { reservedConcurrentExecutions: 10, systemLogLevel: SystemLogLevel.WARN },
    archiveDays: 30,
    claimsWarmWriteUnits: 8_000,
    webhook: {},
    partnerEventSource: 'aws.partner/genesys.com/cloud/org/main',
    partnerTopics: ['v2.detail.events.conversation.{id}.customer.end'],
    audit: { records: 'all' },
    redaction: { preset: 'structural', hash: ['**.ani'] },
    backfill: {},
    alarmTopic: new Topic(stack, 'OnCall', { masterKey: encryptionKey, enforceSSL: true }),
    encryptionKey,
    deletionProtection: true,
  };
}

/** A delivery with the defaults to `Crm`, and one with every option that adds resources or permissions to `Erp`. */
export function everyDelivery({ switchboard, stack }: { switchboard: Switchboard; stack: Stack }): void {
  const common = { url: 'https://crm.example.com/events', match: {} };
  switchboard.deliverTo('Crm', common);
  switchboard.deliverTo('Erp', {
    ...common,
    ordered: true,
    redaction: { hash: ['**.ani'] },
    vpc: Vpc.fromVpcAttributes(stack, 'Theirs', {
      vpcId: 'vpc-0a1b2c3d4e5f67890',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      privateSubnetIds: ['subnet-0a1b2c3d4e5f67890', 'subnet-0a1b2c3d4e5f67891'],
      privateSubnetRouteTableIds: ['rtb-0a1b2c3d4e5f67890', 'rtb-0a1b2c3d4e5f67891'],
    }),
    auth: { kind: 'bearer', secret: Secret.fromSecretNameV2(stack, 'Token', 'erp/token') },
  });
}

function userId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
