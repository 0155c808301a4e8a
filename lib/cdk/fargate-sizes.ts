import type { IngesterOptions } from './ingester-options.ts';

const MIB_PER_GIB = 1_024;

/**
 * Memory in MiB that AWS Fargate offers for each number of CPU units, from the documentation of the task definition
 * parameters of Amazon ECS. Linux tasks have the same sizes on ARM64 and X86_64.
 */
export const FARGATE_MEMORY_MIB: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1_024, 2_048]],
  [512, gib(1, 4)],
  [1_024, gib(2, 8)],
  [2_048, gib(4, 16)],
  [4_096, gib(8, 30)],
  [8_192, gib(16, 60, 4)],
  [16_384, gib(32, 120, 8)],
]);

/** The smallest size of a Fargate task. */
export const SMALLEST_CPU = 256;

/** Completes the size of a task that `ingester-problems.ts` has checked: the default is the smallest one. */
export function taskSize({ cpu = SMALLEST_CPU, memoryLimitMiB }: IngesterOptions = {}) {
  const [smallest] = FARGATE_MEMORY_MIB.get(cpu) ?? [];
  const memoryMib = memoryLimitMiB ?? smallest;
  return { cpu, ...(memoryMib === undefined ? {} : { memoryLimitMiB: memoryMib }) };
}

function gib(min: number, max: number, step = 1): number[] {
  return Array.from({ length: (max - min) / step + 1 }, (_, index) => (min + index * step) * MIB_PER_GIB);
}
