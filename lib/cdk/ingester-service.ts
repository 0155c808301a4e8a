import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AvailabilityZoneRebalancing,
  AwsLogDriverMode,
  Capability,
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/logger.ts';
import { bundle } from './bundle.ts';
import { grantKeyUse } from './encryption.ts';
import { type LogSettings, logGroup } from './log-group.ts';
import type { Network } from './network.ts';

/** The smallest task that Fargate has: a quarter of a CPU and half a gigabyte. */
const CPU_UNITS = 256;
const MEMORY_MIB = 512;
/** From SIGTERM to SIGKILL. The ingester ends by itself before (its `DRAIN_LIMIT_MS`). */
export const STOP_TIMEOUT_SECONDS = 30;
/** The ingester calls itself unhealthy after 30 s; three failed looks later the task is replaced. */
export const HEALTH_INTERVAL_SECONDS = 10;
const HEALTH_RETRIES = 3;
const HEALTH_TIMEOUT_SECONDS = 5;
/** For listing all users and queues and subscribing to them; failed looks do not count until then. */
const HEALTH_START_SECONDS = 120;
const HEALTH_PORT = 3001;
/** Log lines kept while CloudWatch Logs does not answer; more are dropped rather than reading held up. */
const LOG_BUFFER_MIB = 10;
/** The user `node` of the official image. */
const USER = '1000:1000';

/** What the ingester is wired to. */
export interface IngesterServiceProps {
  readonly network: Network;
  readonly tasks: number;
  readonly genesysDomain: string;
  /** `{"clientId","clientSecret"}`; the task reads it by itself, so that it is in no environment. */
  readonly secret: ISecret;
  readonly topics: readonly string[];
  readonly eventsQueue: IQueue;
  readonly stateTable: ITable;
  readonly logLevel?: LogLevel | undefined;
  readonly logs: LogSettings;
  readonly encryptionKey?: IKey | undefined;
}

/** The ingester on AWS Fargate (ARM), spread over zones, replaced by rolling with no task less. */
export class IngesterService extends Construct {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: IngesterServiceProps) {
    super(scope, id);
    const { network, tasks } = props;
    const taskDefinition = this.taskDefinition(props);
    this.service = new FargateService(this, 'Service', {
      cluster: this.cluster(network),
      taskDefinition,
      desiredCount: tasks,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      vpcSubnets: network.subnets,
      securityGroups: [network.securityGroup],
      assignPublicIp: network.assignPublicIp,
    });
    this.grantAll(taskDefinition.taskRole, props);
  }

  private cluster({ vpc }: Network): ICluster {
    const cluster = new Cluster(this, 'Cluster', { vpc });
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason: 'The ingester reports its own metrics; Container Insights would cost as much as the task.',
    });
    return cluster as ICluster;
  }

  private taskDefinition(props: IngesterServiceProps): FargateTaskDefinition {
    const definition = new FargateTaskDefinition(this, 'Task', {
      cpu: CPU_UNITS,
      memoryLimitMiB: MEMORY_MIB,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    const linuxParameters = new LinuxParameters(this, 'LinuxParameters');
    linuxParameters.dropCapabilities(Capability.ALL);
    definition.addContainer('ingester', {
      image: ContainerImage.fromDockerImageAsset(this.image()),
      environment: this.environment(props),
      user: USER,
      readonlyRootFilesystem: true,
      linuxParameters,
      stopTimeout: Duration.seconds(STOP_TIMEOUT_SECONDS),
      healthCheck: {
        command: ['CMD', 'node', '-e', healthProbe()],
        interval: Duration.seconds(HEALTH_INTERVAL_SECONDS),
        timeout: Duration.seconds(HEALTH_TIMEOUT_SECONDS),
        retries: HEALTH_RETRIES,
        startPeriod: Duration.seconds(HEALTH_START_SECONDS),
      },
      logging: LogDrivers.awsLogs({
        streamPrefix: 'ingester',
        logGroup: logGroup(this, 'Logs', props.logs),
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(LOG_BUFFER_MIB),
      }),
    });
    Validations.of(definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'Only addresses and names are in the environment; the task reads the secret by itself.',
    });
    Validations.of(definition.obtainExecutionRole()).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'ecr:GetAuthorizationToken takes no resource; all else of this role names one.',
    });
    return definition;
  }

  /** The image is built when it is deployed; until then there are only its files. */
  private image(): DockerImageAsset {
    const directory = bundle(this, 'functions/ingester/main.ts', 'main');
    copyFileSync(join(import.meta.dirname, 'ingester.Dockerfile'), join(directory, 'Dockerfile'));
    return new DockerImageAsset(this, 'Image', { directory, platform: Platform.LINUX_ARM64 });
  }

  /** The variables of `functions/ingester/ingester-config.ts`. */
  private environment(props: IngesterServiceProps): Record<string, string> {
    return {
      GENESYS_DOMAIN: props.genesysDomain,
      GENESYS_SECRET_ID: props.secret.secretArn,
      TOPICS: props.topics.join(','),
      EVENTS_QUEUE_URL: props.eventsQueue.queueUrl,
      STATE_TABLE: props.stateTable.tableName,
      HEALTH_PORT: String(HEALTH_PORT),
      ...(props.logLevel ? { LOG_LEVEL: props.logLevel } : {}),
    };
  }

  /** The calls that `functions/ingester` makes. */
  private grantAll(role: IRole, props: IngesterServiceProps): void {
    const { eventsQueue, stateTable, secret, encryptionKey } = props;
    eventsQueue.grant(role, 'sqs:SendMessage');
    stateTable.grant(
      role,
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
    );
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        // A secret known by its name only has an ARN without the six characters that AWS adds.
        resources: [secret.secretFullArn ?? `${secret.secretArn}-??????`],
      }),
    );
    secret.encryptionKey?.grantDecrypt(role);
    grantKeyUse(encryptionKey, role);
  }
}

/**
 * Ends with 0 when `/healthz` answers 2xx, or says that the secret is still empty: a first deployment then settles, and
 * its alarm tells, instead of the stack failing. The image has no curl.
 */
function healthProbe(): string {
  const limitMs = (HEALTH_TIMEOUT_SECONDS - 1) * 1_000;
  return `fetch('http://127.0.0.1:${HEALTH_PORT}/healthz',{signal:AbortSignal.timeout(${limitMs})}).then(async r=>process.exit(r.ok||(await r.json()).waitingFor==='secret'?0:1)).catch(()=>process.exit(1))`;
}
