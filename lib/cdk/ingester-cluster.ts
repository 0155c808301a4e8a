import { Validations } from 'aws-cdk-lib';
import { Cluster, type ICluster } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { IngesterOptions } from './ingester-options.ts';
import type { Network } from './network.ts';

/** The cluster of the ingester: that of the user, otherwise a new one. */
export function ingesterCluster(
  scope: Construct,
  { vpc }: Network,
  { cluster: existing, capacityProviderStrategies }: IngesterOptions,
): ICluster {
  if (existing) return existing as ICluster;
  const enableFargateCapacityProviders = capacityProviderStrategies !== undefined;
  const cluster = new Cluster(scope, 'Cluster', { vpc, enableFargateCapacityProviders });
  Validations.of(cluster).acknowledge({
    id: 'AwsSolutions-ECS4',
    reason: 'The ingester emits its own metrics. Container Insights would cost as much as the task.',
  });
  return cluster as ICluster;
}
