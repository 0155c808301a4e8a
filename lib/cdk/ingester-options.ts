import type { ISecurityGroup, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { CapacityProviderStrategy, Cluster, ICluster } from 'aws-cdk-lib/aws-ecs';

/** Options of the ingester, an ECS service on AWS Fargate. */
export interface IngesterOptions {
  /**
   * CPU units of a task: 256, 512, 1024, 2048, 4096, 8192 or 16384. 1024 units are one vCPU. Most of the work is done by one thread, so more than 1024 has little effect.
   *
   * @default 256
   */
  readonly cpu?: number;

  /**
   * Memory of a task in MiB, at least 512. It must be a value that AWS Fargate offers for `cpu`. The limits of the buffer (48 MiB) and of a standby's memory (96 MiB) stay the same. More memory is useful with a larger `maxFrameBytes` and with `compressFrames`.
   *
   * @default - the smallest value for `cpu`, 512 with 256 CPU units
   */
  readonly memoryLimitMiB?: number;

  /**
   * Security groups of the tasks, 1-5. They must allow outbound connections on port 443.
   *
   * @default - a new security group, which allows only outbound connections on port 443
   */
  readonly securityGroups?: readonly (ISecurityGroup | SecurityGroup)[];

  /**
   * Capacity providers `FARGATE` and `FARGATE_SPOT` with their weights. AWS can interrupt tasks on `FARGATE_SPOT` at any time, and replaces them only when it has spare capacity, so keep one task on `FARGATE`, as in the example. If you specify `cluster`, associate the capacity providers with it.
   *
   * @example [{ capacityProvider: 'FARGATE', base: 1 }, { capacityProvider: 'FARGATE_SPOT', weight: 1 }]
   * @default - all tasks have the launch type FARGATE
   */
  readonly capacityProviderStrategies?: readonly CapacityProviderStrategy[];

  /**
   * ECS cluster of the service. The tasks run in its VPC.
   *
   * @default - a new cluster
   */
  readonly cluster?: ICluster | Cluster;
}
