import { Token } from 'aws-cdk-lib';

/** Minimum and maximum of a number, with the reason. */
export interface NumberLimits {
  readonly min: number;
  readonly max: number;
  readonly why: string;
}

/** Checks an integer. A value that is known only at deployment is accepted. */
export function numberProblems(
  name: string,
  value: number | undefined,
  { min, max, why }: NumberLimits,
): string[] {
  if (value === undefined || Token.isUnresolved(value)) return [];
  if (Number.isInteger(value) && value >= min && value <= max) return [];
  return [`${name} is ${value}, but must be an integer from ${min} to ${max} (${why})`];
}
