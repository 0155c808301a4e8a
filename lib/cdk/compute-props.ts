import type { IVpc, SubnetSelection, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { FunctionOptions } from './function-options.ts';
import type { IngesterOptions } from './ingester-options.ts';

/** Properties of the construct for what runs on AWS Fargate and AWS Lambda. */
export interface ComputeProps {
  /**
   * VPC of the ingester. The ingester needs outbound internet access on port 443 and no inbound access.
   *
   * @default - the VPC of `ingester.cluster` if specified, otherwise a new VPC with public subnets in two Availability Zones, without a NAT gateway
   */
  readonly vpc?: IVpc | Vpc;

  /**
   * Subnets of the ingester in your VPC.
   *
   * @default - private subnets with egress if the VPC has any, otherwise public subnets
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Prebuilt image of the ingester for ARM64, of the same version as the construct.
   *
   * @default - built with Docker at deployment
   */
  readonly image?: ContainerImage;

  /**
   * Size and placement of the ingester tasks.
   *
   * @example { cpu: 512, memoryLimitMiB: 1024 }
   * @default - the smallest AWS Fargate tasks, in a new cluster
   */
  readonly ingester?: IngesterOptions;

  /**
   * Maximum number of concurrent invocations of the consumer (AWS Lambda), 2-1000.
   *
   * @default 10
   */
  readonly consumerConcurrency?: number;

  /**
   * Options of the consumer function.
   *
   * @example { memorySize: 1024, reservedConcurrentExecutions: 20 }
   * @default - the default options
   */
  readonly consumer?: FunctionOptions;
}
