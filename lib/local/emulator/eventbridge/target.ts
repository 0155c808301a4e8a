import { optionalObject, optionalString } from '../input.ts';
import type { JsonObject } from '../service.ts';
import { eventText } from './bus-event.ts';
import { compileInputTransformer, type Render } from './input-transformer.ts';
import { compileJsonPath } from './json-path.ts';
import { requiredName, requiredString, validationError } from './parameters.ts';

/** Longest target id and rule name, in characters. */
export const NAME_CHARACTERS_MAX = 64;
/** Longest constant `Input`, in characters (API reference of Target). */
export const INPUT_CHARACTERS_MAX = 8_192;

const SQS_ARN = /^arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w-]+(?<fifo>\.fifo)?$/;

/** Where a rule sends its events. */
export interface Target {
  id: string;
  /** ARN of an SQS queue. */
  arn: string;
  /** ARN of the queue for what cannot be delivered. */
  deadLetterArn: string | undefined;
  render: Render;
  /** The target as it was given, for ListTargetsByRule. */
  definition: JsonObject;
}

/** Checks one element of `Targets` and compiles what its events are turned into. */
export function readTarget(definition: JsonObject): Target {
  const id = requiredName(definition, 'Id', NAME_CHARACTERS_MAX);
  const arn = queueArn(requiredString(definition, 'Arn'), `Arn of target ${id}`);
  const deadLetter = optionalString(optionalObject(definition, 'DeadLetterConfig') ?? {}, 'Arn');
  return {
    id,
    arn,
    deadLetterArn:
      deadLetter === undefined ? undefined : queueArn(deadLetter, `DeadLetterConfig of target ${id}`),
    render: compileInput(definition, id),
    definition,
  };
}

function queueArn(arn: string, what: string): string {
  const match = SQS_ARN.exec(arn);
  if (match === null)
    throw validationError(`${what} is '${arn}': the emulator delivers to SQS queues only (arn:aws:sqs:…).`);
  if (match.groups?.fifo !== undefined)
    throw validationError(`${what} is '${arn}': the emulator delivers to standard queues, not to FIFO ones.`);
  return arn;
}

/** What the target receives: the event, a part of it, a constant, or a filled template. */
function compileInput(definition: JsonObject, id: string): Render {
  const input = optionalString(definition, 'Input');
  const inputPath = optionalString(definition, 'InputPath');
  const transformer = optionalObject(definition, 'InputTransformer');
  if ([input, inputPath, transformer].filter((given) => given !== undefined).length > 1)
    throw validationError(
      `Only one of Input, InputPath, or InputTransformer must be provided for target ${id}.`,
    );
  if (input !== undefined) {
    checkInput(input, id);
    return () => input;
  }
  if (transformer !== undefined) return compileInputTransformer(transformer, id);
  if (inputPath === undefined || inputPath === '$') return eventText;
  const read = compileJsonPath(inputPath, `InputPath of target ${id}`);
  // A path without a match has no documented outcome; the body must be JSON, so it is null.
  return ({ event }) => JSON.stringify(read(event) ?? null);
}

function checkInput(input: string, id: string): void {
  if (input.length > INPUT_CHARACTERS_MAX)
    throw validationError(`Input for target ${id} must have at most ${INPUT_CHARACTERS_MAX} characters.`);
  try {
    JSON.parse(input);
  } catch (error) {
    throw validationError(`JSON syntax error in input for target ${id}: ${String(error)}.`);
  }
}
