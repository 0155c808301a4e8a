import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { bundle, DEPLOYABLES } from './bundle.ts';
import { deploymentName } from './cloudwatch-metrics.ts';
import { type LogSettings, logGroup } from './log-group.ts';

/** The CPU share is proportional to the memory. Most of the duration is spent waiting for services. */
const MEMORY_MIB = 512;

/** Properties of {@link nodeFunction}. */
export interface NodeFunctionProps {
  /** Description of the function. */
  readonly description: string;

  /** What it runs. Its module exports `handler`. */
  readonly deployable: Exclude<keyof typeof DEPLOYABLES, 'ingester'>;

  /** Timeout, in seconds. */
  readonly timeoutSeconds: number;

  /**
   * Concurrency that is reserved for the function, and its limit.
   *
   * @default - that of the account
   */
  readonly reservedConcurrency?: number;

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

  /** Grants the role permission for the calls of the handler. */
  readonly grant: (role: Role) => void;
}

/** Creates an AWS Lambda function for Node.js, with its own log group and role. */
export function nodeFunction(scope: Construct, props: NodeFunctionProps): LambdaFunction {
  const { reservedConcurrency, logLevel, deployable } = props;
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
    memorySize: MEMORY_MIB,
    timeout: Duration.seconds(props.timeoutSeconds),
    ...(reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
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
