import { Token } from 'aws-cdk-lib';
import type { CapacityProviderStrategy } from 'aws-cdk-lib/aws-ecs';
import { FARGATE_MEMORY_MIB, SMALLEST_CPU } from './fargate-sizes.ts';
import type { IngesterOptions } from './ingester-options.ts';
import { numberProblems } from './number-problems.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

const CAPACITY_PROVIDERS: readonly string[] = ['FARGATE', 'FARGATE_SPOT'];
const WEIGHT = { min: 0, max: 1_000, why: 'the range of Amazon ECS' };
const BASE = { min: 0, max: 100_000, why: 'the range of Amazon ECS' };
/** Security groups of a network interface of a task. */
const MAX_SECURITY_GROUPS = 5;

/** Checks the size and the placement of the ingester tasks. */
export function ingesterProblems({ ingester, vpc }: SwitchboardProps): string[] {
  if (ingester === undefined) return [];
  return [
    ...sizeProblems(ingester),
    ...securityGroupProblems(ingester),
    ...strategyProblems(ingester.capacityProviderStrategies),
    ...clusterProblems(ingester, vpc),
  ];
}

/** What is accepted, but can stop all tasks at once: AWS can interrupt each task on FARGATE_SPOT. */
export function spotWarning({ ingester }: SwitchboardProps): string | undefined {
  const strategies = ingester?.capacityProviderStrategies ?? [];
  const isSpot = strategies.some(({ capacityProvider }) => capacityProvider === 'FARGATE_SPOT');
  const keepsOne = strategies.some(
    ({ capacityProvider, base = 0 }) =>
      capacityProvider === 'FARGATE' && (Token.isUnresolved(base) || base > 0),
  );
  if (!isSpot || keepsOne) return undefined;
  return "ingester.capacityProviderStrategies can place all tasks on FARGATE_SPOT. AWS can interrupt all of them at once and replaces them only when it has spare capacity, so events can be missed; add { capacityProvider: 'FARGATE', base: 1 }";
}

function sizeProblems({ cpu = SMALLEST_CPU, memoryLimitMiB }: IngesterOptions): string[] {
  if (Token.isUnresolved(cpu)) {
    if (memoryLimitMiB !== undefined) return memoryProblems(memoryLimitMiB);
    return [
      'ingester.memoryLimitMiB is missing; specify it, because ingester.cpu is known only at deployment',
    ];
  }
  const memories = FARGATE_MEMORY_MIB.get(cpu);
  if (memories) return memoryProblems(memoryLimitMiB, { cpu, memories });
  const sizes = [...FARGATE_MEMORY_MIB.keys()].join(', ');
  return [`ingester.cpu is ${cpu}, but must be one of ${sizes} (the sizes of AWS Fargate)`];
}

function memoryProblems(
  memoryMib: number | undefined,
  size?: { readonly cpu: number; readonly memories: readonly number[] },
): string[] {
  if (memoryMib === undefined || Token.isUnresolved(memoryMib)) return [];
  const allowed =
    size?.memories ?? [...new Set([...FARGATE_MEMORY_MIB.values()].flat())].sort((a, b) => a - b);
  if (allowed.includes(memoryMib)) return [];
  const given = size ? `with ingester.cpu ${size.cpu} it must` : 'must';
  return [
    `ingester.memoryLimitMiB is ${memoryMib}, but ${given} be one of ${allowed.join(', ')} (the sizes of AWS Fargate)`,
  ];
}

function securityGroupProblems({ securityGroups }: IngesterOptions): string[] {
  const count = securityGroups?.length ?? 1;
  if (count >= 1 && count <= MAX_SECURITY_GROUPS) return [];
  return [
    `ingester.securityGroups has ${count} members, but must have 1-${MAX_SECURITY_GROUPS}; omit it to create one`,
  ];
}

function strategyProblems(strategies: IngesterOptions['capacityProviderStrategies']): string[] {
  if (strategies === undefined) return [];
  const name = 'ingester.capacityProviderStrategies';
  if (strategies.length === 0) return [`${name} is an empty list; omit it to use AWS Fargate without Spot`];
  const providers = strategies.map(({ capacityProvider }) => capacityProvider);
  const problems = strategies.flatMap((strategy, index) => oneProblems(`${name}[${index}]`, strategy));
  if (new Set(providers).size < providers.length)
    problems.push(`${name} contains a capacity provider more than once; use one entry for each`);
  if (strategies.filter(({ base = 0 }) => base !== 0).length > 1)
    problems.push(`${name} has more than one base; Amazon ECS allows one`);
  if (strategies.length > 1 && strategies.every(({ weight = 0 }) => weight === 0))
    problems.push(`${name} has no weight above 0; specify the weight of one of them`);
  return problems;
}

function oneProblems(name: string, { capacityProvider, weight, base }: CapacityProviderStrategy): string[] {
  const isAllowed = Token.isUnresolved(capacityProvider) || CAPACITY_PROVIDERS.includes(capacityProvider);
  return [
    ...(isAllowed
      ? []
      : [
          `${name}.capacityProvider is ${capacityProvider}, but must be one of ${CAPACITY_PROVIDERS.join(', ')}, because the ingester runs on AWS Fargate`,
        ]),
    ...numberProblems(`${name}.weight`, weight, WEIGHT),
    ...numberProblems(`${name}.base`, base, BASE),
  ];
}

function clusterProblems({ cluster }: IngesterOptions, vpc: SwitchboardProps['vpc']): string[] {
  if (cluster === undefined) return [];
  try {
    const { vpc: own } = cluster;
    if (vpc === undefined || vpc === own) return [];
    return [
      'vpc is not the VPC of ingester.cluster, in which the tasks run; omit vpc, or specify a cluster in that VPC',
    ];
  } catch (error) {
    // A cluster that was imported only by its ARN has no VPC.
    return [`ingester.cluster has no VPC: ${(error as Error).message}`];
  }
}
