import { CfnOutput } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { AuditLog } from './audit-log.ts';
import type { Dashboard } from './dashboard.ts';
import type { Tables } from './dynamodb-tables.ts';
import type { GenesysSecret } from './genesys-secret.ts';
import type { Queues } from './message-queues.ts';
import type { OversizeBucket } from './oversize-bucket.ts';
import type { RedactionSettings } from './redaction-settings.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';

/** The parts of a deployment that have outputs. */
export interface OutputParts {
  readonly bus: IEventBus;
  readonly deploymentName: string;
  readonly queues: Queues;
  readonly tables: Tables;
  readonly oversize: OversizeBucket;
  readonly secrets: readonly GenesysSecret[];
  readonly webhook?: WebhookEndpoint;
  readonly redaction?: RedactionSettings;
  readonly audit?: AuditLog;
  readonly dashboard?: Dashboard;
}

/** Adds the outputs of the stack. */
export function addOutputs(scope: Construct, parts: OutputParts): void {
  const { events, deadLetter, quarantine } = parts.queues;
  const add = (name: string, value: string, description: string) =>
    addOutput(scope, name, value, description);
  add('EventBusName', parts.bus.eventBusName, 'Event bus with the published events, for your rules');
  add('DeploymentName', parts.deploymentName, 'Dimension `deployment` of the metrics');
  add('EventsQueueUrl', events.queueUrl, 'Queue from the ingester to the consumer');
  add(
    'DeadLetterQueueUrl',
    deadLetter.queueUrl,
    'Queue for messages that failed five times; redrive it after you fix the cause',
  );
  add(
    'QuarantineQueueUrl',
    quarantine.queueUrl,
    'Queue for items that fail on every attempt; the message attribute reason states why',
  );
  add('StateTableName', parts.tables.state.tableName, 'Table with channels and gap records');
  add(
    'OversizeBucketName',
    parts.oversize.bucket.bucketName,
    'Bucket for events that are too large for a message or the event bus',
  );
  if (parts.webhook) {
    add('WebhookUrl', parts.webhook.url, 'URL of the webhook, for switchboard streams create');
    add('WebhookSecretArn', parts.webhook.secret.secretArn, 'Signing secret of the webhook');
  }
  if (parts.redaction?.key)
    add('RedactionKeyArn', parts.redaction.key.secretArn, 'Key for the hashes of redacted values');
  if (parts.audit)
    add('AuditLogGroupName', parts.audit.logGroup.logGroupName, 'Log group with audit records');
  if (parts.dashboard) add('DashboardUrl', parts.dashboard.url, 'CloudWatch dashboard');
  for (const [index, { name, fillCommand }] of parts.secrets.entries()) {
    add(numbered('SecretName', index), name, 'Secret with the OAuth client');
    add(
      numbered('FillSecretCommand', index),
      fillCommand,
      'Run this command, paste {"clientId":"…","clientSecret":"…"} and press Ctrl-D twice; the secret is not saved in the shell history',
    );
  }
}

/** The logical id is the construct id followed by the name of the output, so that scripts can rely on it. */
export function addOutput(scope: Construct, name: string, value: string, description: string): void {
  const prefix = scope.node.id.replace(/[^A-Za-z0-9]/g, '');
  new CfnOutput(scope, name, { value, description }).overrideLogicalId(`${prefix}${name}`);
}

/** The first secret has no number, so that a second one does not replace it. */
export function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}${index + 1}`;
}
