import { Duration, Size, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AvailabilityZoneRebalancing,
  AwsLogDriverMode,
  Capability,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { channelShare } from '../genesys/channel-budget.ts';
import { bundle } from './bundle.ts';
import { deploymentName } from './cloudwatch-metrics.ts';
import { grantKeyUse } from './encryption.ts';
import { taskSize } from './fargate-sizes.ts';
import { grantReadSecrets } from './genesys-secret.ts';
import { ingesterCluster } from './ingester-cluster.ts';
import { HEALTH_PORT, INGESTER_HEALTH_CHECK } from './ingester-health-check.ts';
import type { IngesterOptions } from './ingester-options.ts';
import { type LogSettings, logGroup } from './log-group.ts';
import type { Network } from './network.ts';
import { grantPutObjects } from './oversize-bucket.ts';
import { protocolVariables, socketVariables } from './protocol-variables.ts';
import type { RedactionSettings } from './redaction-settings.ts';
import type { ShardOptions } from './shard-options.ts';
import type { StreamProtocols } from './stream-protocols.ts';
import { ConfiguredTopics } from './topics-object.ts';

/** Time from SIGTERM to SIGKILL. The ingester stops earlier, within its drain limit. */
const STOP_TIMEOUT_SECONDS = 30;
/** Buffer for log lines while CloudWatch Logs is unavailable. If it is full, lines are dropped, so logging never blocks. */
const MAX_LOG_BUFFER_MIB = 10;
/** The user `node` of the official image. */
const USER = '1000:1000';

/** Properties of {@link IngesterService}. */
export interface IngesterServiceProps {
  /**
   * Size and placement of the tasks.
   *
   * @default - the smallest tasks, in a new cluster
   */
  readonly ingester?: IngesterOptions | undefined;

  /** Network of the tasks. */
  readonly network: Network;

  /**
   * Image of the ingester.
   *
   * @default - built at deployment; synthesis only writes its files
   */
  readonly image?: ContainerImage | undefined;

  /** Desired number of tasks. One of them leads. */
  readonly tasks: number;

  /** Domain of the Genesys Cloud region. */
  readonly genesysDomain: string;

  /**
   * One secret per OAuth client, `{"clientId":"…","clientSecret":"…"}`. The ingester reads them at run time, so that they
   * do not appear in the task definition.
   */
  readonly secrets: readonly ISecret[];

  /**
   * Notification channels that a task may use.
   *
   * @default - the task's share of what each OAuth client may have
   */
  readonly channels?: number | undefined;

  /** Topics to subscribe to. */
  readonly topics: readonly string[];

  /**
   * Share of the topics.
   *
   * @default - all topics
   */
  readonly shard?: ShardOptions | undefined;

  /**
   * Other protocols.
   *
   * @default - none
   */
  readonly protocols?: StreamProtocols | undefined;

  /**
   * Maximum size of a frame, in bytes.
   */
  readonly maxFrameBytes?: number | undefined;

  /**
   * Whether permessage-deflate is offered.
   */
  readonly compressFrames?: boolean | undefined;

  /** Queue to which events are sent. */
  readonly eventsQueue: IQueue;

  /** Queue that wakes the backfill after a gap. */
  readonly gapsQueue?: IQueue | undefined;

  /** Table for channels and gap records. */
  readonly stateTable: ITable;

  /** Bucket for frames that do not fit into a message. */
  readonly oversizeBucket: IBucket;

  /**
   * Content redaction.
   *
   * @default - nothing is redacted
   */
  readonly redaction?: RedactionSettings | undefined;

  /**
   * Log level.
   *
   * @default 'INFO'
   */
  readonly logLevel?: LogLevel | undefined;

  /** Settings of the log group. */
  readonly logs: LogSettings;

  /**
   * KMS key that encrypts the queue and the table.
   *
   * @default - AWS owned keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/**
 * The ingester: an ECS service on AWS Fargate (ARM64). Its tasks are distributed across Availability Zones, and rolling
 * deployments keep the desired number of tasks running.
 */
export class IngesterService extends Construct {
  /** The Fargate service. */
  readonly service: FargateService;
  /** The container of each task. */
  readonly taskDefinition: FargateTaskDefinition;
  private readonly topics: ConfiguredTopics;

  constructor(scope: Construct, id: string, props: IngesterServiceProps) {
    super(scope, id);
    const { network, tasks, ingester: options = {} } = props;
    this.topics = new ConfiguredTopics(this, 'Topics', props.topics);
    const taskDefinition = this.createTaskDefinition(props);
    this.taskDefinition = taskDefinition;
    const cluster = ingesterCluster(this, network, options);
    const { capacityProviderStrategies: strategies } = options;
    this.service = new FargateService(this, 'Service', {
      cluster,
      taskDefinition,
      desiredCount: tasks,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      vpcSubnets: network.subnets,
      securityGroups: [...network.securityGroups],
      assignPublicIp: network.assignPublicIp,
      ...(strategies ? { capacityProviderStrategies: [...strategies] } : {}),
      propagateTags: PropagatedTagSource.SERVICE,
      enableECSManagedTags: true,
    });
    this.grantAll(taskDefinition.taskRole, props);
    // A task that starts before them cannot pull its image, and the first deployment would fail.
    this.service.node.addDependency(network.internet, taskDefinition.obtainExecutionRole());
    // The capacity providers must be associated with the cluster as long as the service uses them.
    if (strategies) this.service.node.addDependency(cluster);
  }

  private createTaskDefinition(props: IngesterServiceProps): FargateTaskDefinition {
    const definition = new FargateTaskDefinition(this, 'Task', {
      ...taskSize(props.ingester),
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    const linuxParameters = new LinuxParameters(this, 'LinuxParameters');
    linuxParameters.dropCapabilities(Capability.ALL);
    definition.addContainer('ingester', {
      image: props.image ?? this.image(),
      environment: this.environment(props),
      user: USER,
      readonlyRootFilesystem: true,
      linuxParameters,
      stopTimeout: Duration.seconds(STOP_TIMEOUT_SECONDS),
      healthCheck: INGESTER_HEALTH_CHECK,
      logging: LogDrivers.awsLogs({
        streamPrefix: 'ingester',
        logGroup: logGroup(this, 'Logs', props.logs),
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(MAX_LOG_BUFFER_MIB),
      }),
    });
    Validations.of(definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason:
        'The environment contains only addresses and names. The ingester reads the secrets at run time.',
    });
    Validations.of(definition.obtainExecutionRole()).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'ecr:GetAuthorizationToken does not support resource-level permissions. All other statements name a resource.',
    });
    return definition;
  }

  /** The image, which is built at deployment. Synthesis only writes its files. */
  private image(): ContainerImage {
    const directory = bundle(this, 'ingester');
    return ContainerImage.fromDockerImageAsset(
      new DockerImageAsset(this, 'Image', { directory, platform: Platform.LINUX_ARM64 }),
    );
  }

  /** Environment variables, read by `functions/ingester/ingester-config.ts`. */
  private environment(props: IngesterServiceProps): Record<string, string> {
    return {
      GENESYS_DOMAIN: props.genesysDomain,
      GENESYS_SECRET_ID: props.secrets.map(({ secretArn }) => secretArn).join(','),
      ...this.topics.environment,
      ...(props.shard ? { SHARD: `${props.shard.index}/${props.shard.count}` } : {}),
      CHANNELS: String(channelsPerClient(props)),
      ...protocolVariables(props.protocols, props.topics),
      ...socketVariables(props),
      DEPLOYMENT: deploymentName(this),
      TASKS: String(props.tasks),
      EVENTS_QUEUE_URL: props.eventsQueue.queueUrl,
      ...(props.gapsQueue ? { GAPS_QUEUE_URL: props.gapsQueue.queueUrl } : {}),
      STATE_TABLE: props.stateTable.tableName,
      OVERSIZE_BUCKET: props.oversizeBucket.bucketName,
      ...props.redaction?.environment,
      HEALTH_PORT: String(HEALTH_PORT),
      ...(props.logLevel ? { LOG_LEVEL: props.logLevel } : {}),
    };
  }

  /** Grants the calls made by `functions/ingester`. */
  private grantAll(role: IRole, props: IngesterServiceProps): void {
    const { eventsQueue, stateTable, oversizeBucket, secrets, encryptionKey } = props;
    eventsQueue.grant(role, 'sqs:SendMessage');
    props.gapsQueue?.grant(role, 'sqs:SendMessage');
    stateTable.grant(
      role,
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
    );
    grantReadSecrets(secrets, role);
    grantPutObjects(oversizeBucket, role, 'The ingester');
    this.topics.grantRead(role);
    props.redaction?.grantRead(role);
    grantKeyUse(encryptionKey, role);
  }
}

/** Notification channels of each OAuth client. */
function channelsPerClient({ channels, tasks, secrets }: IngesterServiceProps): number {
  return channels === undefined ? channelShare(tasks) : Math.ceil(channels / secrets.length);
}
