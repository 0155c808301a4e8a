import { Stack, Tokenization, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { type IGrantable, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import {
  EventSourceMapping,
  type FunctionProps,
  type Function as LambdaFunction,
} from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { acknowledgeQueueFunction } from './consumer-function.ts';
import type { DeliveryAuth, DeliveryOptions } from './delivery-options.ts';
import { grantKeyUse } from './encryption.ts';
import { grantReadSecrets } from './genesys-secret.ts';
import type { LogSettings } from './log-group.ts';
import { nodeFunction } from './node-function.ts';
import { RedactionSettings } from './redaction-settings.ts';

/** An invocation waits up to a minute for the rate limit or the circuit breaker. */
export const DELIVERY_TIMEOUT_SECONDS = 120;
const BATCH_SIZE = 10;
const DEFAULT_CONCURRENCY = 2;
const DEFAULT_API_KEY_HEADER = 'X-Api-Key';
const HTTPS_PORT = 443;
/** Partition of the state table with the states of all deliveries. */
const STATES_KEY = 'deliveries';
/** What AWS Lambda needs to connect a function to a VPC. */
const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** Properties of {@link DeliveryFunction}. */
export interface DeliveryFunctionProps {
  /** Name of the destination. */
  readonly destination: string;
  /** Options of the user. */
  readonly options: DeliveryOptions;
  /** Key that signs calls. */
  readonly secret: ISecret;
  /** The event source. */
  readonly queue: IQueue;
  /** Queue for events that the destination refuses. */
  readonly deadLetterQueue: IQueue;
  /** Queue for events without the required fields. */
  readonly quarantine: IQueue;
  /** Table that records which events were delivered. */
  readonly claimsTable: ITable;
  /** Table with the state of the circuit breaker. */
  readonly stateTable: ITable;
  /** Log level. @default 'INFO' */
  readonly logLevel?: LogLevel | undefined;
  /** Settings of the log group. Its key also encrypts the queues and the table. */
  readonly logs: LogSettings;
}

/** The function that calls a destination. It processes its queue with partial batch responses. */
export class DeliveryFunction extends Construct {
  /** The Lambda function. */
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: DeliveryFunctionProps) {
    super(scope, id);
    const { options, logs } = props;
    const redaction =
      options.redaction && new RedactionSettings(this, 'Redaction', { options: options.redaction, ...logs });
    this.function = nodeFunction(this, {
      description: 'Switchboard delivery: sends events to an HTTP API',
      deployable: 'delivery',
      timeoutSeconds: DELIVERY_TIMEOUT_SECONDS,
      environment: { ...this.environment(props), ...redaction?.environment },
      logLevel: props.logLevel,
      logs,
      ...(options.vpc ? { network: this.network(options.vpc as IVpc, options) } : {}),
      grant: (role) => {
        this.grantAll(role, props);
        redaction?.grantRead(role);
      },
    });
    const mapping = new EventSourceMapping(this, 'EventSource', {
      target: this.function,
      eventSourceArn: props.queue.queueArn,
      batchSize: BATCH_SIZE,
      maxConcurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      reportBatchItemFailures: true,
    });
    acknowledgeQueueFunction(this.function, mapping, 'the queue of the delivery');
  }

  /** Environment variables, read by `functions/delivery/delivery-config.ts`. */
  private environment(props: DeliveryFunctionProps): Record<string, string> {
    const { timeout, ratePerSecond, fields, content, auth, allowPrivateAddresses, url } = props.options;
    const json = (value: unknown) => Stack.of(this).toJsonString(value);
    const number = (value: number) => Tokenization.stringifyNumber(value);
    return {
      DESTINATION: props.destination,
      DESTINATION_URL: url,
      DELIVERY_QUEUE_URL: props.queue.queueUrl,
      DEAD_LETTER_QUEUE_URL: props.deadLetterQueue.queueUrl,
      QUARANTINE_QUEUE_URL: props.quarantine.queueUrl,
      STATE_TABLE: props.stateTable.tableName,
      CLAIMS_TABLE: props.claimsTable.tableName,
      SIGNING_SECRET_ID: props.secret.secretArn,
      ...(timeout ? { TIMEOUT_MS: number(timeout.toMilliseconds()) } : {}),
      ...(ratePerSecond === undefined ? {} : { RATE_PER_SECOND: number(ratePerSecond) }),
      ...(fields ? { FIELDS: json(fields) } : {}),
      ...(content ? { CONTENT: content } : {}),
      ...(allowPrivateAddresses ? { ADDRESSES: 'private' } : {}),
      ...(auth ? { AUTH: json(authSettings(auth)) } : {}),
    };
  }

  /** Grants the calls made by `functions/delivery` and by the Lambda event source. */
  private grantAll(role: Role, props: DeliveryFunctionProps): void {
    const { options, destination, queue, deadLetterQueue, quarantine, stateTable, secret, logs } = props;
    queue.grant(
      role,
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:GetQueueAttributes',
    );
    for (const one of [deadLetterQueue, quarantine]) one.grant(role, 'sqs:SendMessage');
    grantStates(role, stateTable, ['GetItem', 'PutItem', 'UpdateItem'], [`delivery#${destination}`]);
    grantKeys(role, props.claimsTable, ['UpdateItem'], 'StringLike', [`delivery#${destination}#*`]);
    grantReadSecrets([secret, ...(options.auth ? [options.auth.secret as ISecret] : [])], role);
    grantKeyUse(logs.encryptionKey, role);
    if (options.vpc) grantNetworkInterfaces(role);
  }

  /** The function accepts no connections. */
  private network(
    vpc: IVpc,
    { vpcSubnets }: DeliveryOptions,
  ): Pick<FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'> {
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Switchboard delivery: outbound HTTPS only',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(HTTPS_PORT), 'The destination and AWS');
    return { vpc, securityGroups: [securityGroup], ...(vpcSubnets ? { vpcSubnets } : {}) };
  }
}

/**
 * Grants access to the states of deliveries in the state table, which also contains channels and gap records.
 *
 * @param more - further partition keys
 */
export function grantStates(
  grantee: IGrantable,
  table: ITable,
  actions: readonly string[],
  more: readonly string[] = [],
): void {
  grantKeys(grantee, table, actions, 'StringEquals', [STATES_KEY, ...more]);
}

function grantKeys(
  grantee: IGrantable,
  table: ITable,
  actions: readonly string[],
  operator: 'StringEquals' | 'StringLike',
  partitionKeys: readonly string[],
): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: [table.tableArn],
      conditions: { [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': partitionKeys } },
    }),
  );
}

function grantNetworkInterfaces(role: Role): void {
  role.addToPrincipalPolicy(new PolicyStatement({ actions: NETWORK_INTERFACE_ACTIONS, resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'AWS Lambda creates the network interfaces of a function in a VPC with its role, and their ids are not known in advance.',
  });
}

/** The value of the variable `AUTH`. */
function authSettings(auth: DeliveryAuth): Record<string, unknown> {
  const secretId = auth.secret.secretArn;
  switch (auth.kind) {
    case 'bearer':
      return { kind: 'bearer', secretId };
    case 'apiKey':
      return { kind: 'api_key', header: auth.header ?? DEFAULT_API_KEY_HEADER, secretId };
    case 'oauth':
      return { kind: 'oauth', tokenUrl: auth.tokenUrl, secretId, scope: auth.scope };
  }
}
