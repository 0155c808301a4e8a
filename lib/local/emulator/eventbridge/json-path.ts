import { isJsonObject } from '../input.ts';
import { validationError } from './parameters.ts';

/** Longest path, in characters (API reference of Target, `InputPath`). */
export const PATH_CHARACTERS_MAX = 256;

type Step = { member: string } | { index: number } | { every: true };

const STEP = /\.(?<member>[\w\-/]+)|\[(?<index>\d{1,9})\]|(?<every>\.\*|\[\*\])/y;

/**
 * Compiles the part of JSONPath that EventBridge documents for target input: `$`, `.member` (letters, digits, `-`,
 * `_`, `/`), `[0]`, and the wildcards `.*` and `[*]`.
 *
 * @param what the parameter and the target that the path is from, for the message of the error.
 * @returns reads the value from an event; undefined where there is none, a list where a wildcard is in the path.
 */
export function compileJsonPath(path: string, what: string): (event: unknown) => unknown {
  if (path.length > PATH_CHARACTERS_MAX)
    throw validationError(`${what} must have at most ${PATH_CHARACTERS_MAX} characters.`);
  const steps = parseSteps(path, what);
  const many = steps.some((step) => 'every' in step);
  return (event) => {
    const found = steps.reduce<unknown[]>(
      (values, step) => values.flatMap((value) => take(value, step)),
      [event],
    );
    return many ? found : found[0];
  };
}

function parseSteps(path: string, what: string): Step[] {
  const steps: Step[] = [];
  let position = 1;
  while (path.startsWith('$') && position < path.length) {
    STEP.lastIndex = position;
    const { member, index } = STEP.exec(path)?.groups ?? {};
    if (STEP.lastIndex === 0) break;
    position = STEP.lastIndex;
    if (member !== undefined) steps.push({ member });
    else steps.push(index === undefined ? { every: true } : { index: Number(index) });
  }
  if (!path.startsWith('$') || position < path.length)
    throw validationError(`${what} is not a path: '${path}'. Use $, .member, [0], .* and [*] only.`);
  return steps;
}

/** The values one step further, none where the step leads nowhere. */
function take(value: unknown, step: Step): unknown[] {
  if ('member' in step)
    return isJsonObject(value) && Object.hasOwn(value, step.member) ? [value[step.member]] : [];
  if ('every' in step) return typeof value === 'object' && value !== null ? Object.values(value) : [];
  // One more layer of array: flatMap takes away one, and the value may be an array itself.
  return Array.isArray(value) && step.index < value.length ? [value[step.index]] : [];
}
