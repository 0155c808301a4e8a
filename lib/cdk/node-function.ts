import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  type FunctionProps,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { bundle, DEPLOYABLES } from './bundle.ts';
import { deploymentName } from './cloudwatch-metrics.ts';
import type { FunctionOptions } from './function-options.ts';
import { type LogSettings, logGroup } from './log-group.ts';

/** The CPU share is proportional to the memory. Most of the duration is spent waiting for services. */
const DEFAULT_MEMORY_MB = 512;

/** Properties of {@link nodeFunction}. */
export interface NodeFunctionProps {
  /** Description of the function. */
  readonly description: string;

  /** What it runs. Its module exports `handler`. */
  readonly deployable: Exclude<keyof typeof DEPLOYABLES, 'ingester'>;

  /** Timeout, in seconds. */
  readonly timeoutSeconds: number;

  /**
   * Options of the user.
   *
   * @default - the default options
   */
  readonly options?: FunctionOptions | undefined;

  /** Environment variables in addition to those of every function. */
  readonly environment: Readonly<Record<string, string>>;

  /**
   * Log level.
   *
   * @default 'INFO'
   */
  readonly logLevel?: LogLevel | undefined;

  /** Settings of the log group. Its key encrypts the environment variables too. */
  readonly logs: LogSettings;

  /**
   * VPC, subnets and security groups.
   *
   * @default - the function is not in a VPC
   */
  readonly network?: Pick<FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

  /** Grants the role permission for the calls of the handler. */
  readonly grant: (role: Role) => void;
}

/** Creates an AWS Lambda function for Node.js, with its own log group and role. */
export function nodeFunction(scope: Construct, props: NodeFunctionProps): LambdaFunction {
  const { options: { memorySize, reservedConcurrentExecutions } = {}, logLevel, deployable } = props;
  const logs = logGroup(scope, 'Logs', props.logs);
  // The default role of a function has a managed policy that allows writing to every log group.
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logs.grantWrite(role);
  props.grant(role);
  return new LambdaFunction(scope, 'Function', {
    description: props.description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(bundle(scope, deployable)),
    handler: `${DEPLOYABLES[deployable].moduleName}.handler`,
    memorySize: memorySize ?? DEFAULT_MEMORY_MB,
    timeout: Duration.seconds(props.timeoutSeconds),
    ...(reservedConcurrentExecutions === undefined ? {} : { reservedConcurrentExecutions }),
    ...logFormat(props),
    ...props.network,
    role,
    logGroup: logs,
    ...(props.logs.encryptionKey ? { environmentEncryption: props.logs.encryptionKey } : {}),
    environment: {
      NODE_OPTIONS: '--enable-source-maps',
      DEPLOYMENT: deploymentName(scope),
      ...props.environment,
      ...(logLevel ? { LOG_LEVEL: logLevel } : {}),
    },
  });
}

/**
 * The level of the system log requires the format JSON. The level of the application log then takes precedence over the
 * variable `LOG_LEVEL`. `configuration.ts` allows no level that would drop metrics.
 */
function logFormat({
  options: { systemLogLevel } = {},
  logLevel,
}: NodeFunctionProps): Partial<FunctionProps> {
  if (systemLogLevel === undefined) return {};
  return {
    loggingFormat: LoggingFormat.JSON,
    systemLogLevelV2: systemLogLevel,
    applicationLogLevelV2: logLevel === 'DEBUG' ? ApplicationLogLevel.DEBUG : ApplicationLogLevel.INFO,
  };
}
