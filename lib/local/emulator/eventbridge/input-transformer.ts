import { isJsonObject, optionalObject } from '../input.ts';
import type { JsonObject } from '../service.ts';
import { type AcceptedEvent, eventText } from './bus-event.ts';
import { compileJsonPath } from './json-path.ts';
import { requiredString, validationError } from './parameters.ts';

/** Most variables of one transformer (API reference of InputTransformer). */
export const VARIABLES_MAX = 100;
/** Longest template, in characters (API reference of InputTransformer). */
export const TEMPLATE_CHARACTERS_MAX = 8_192;

/** The rule that an event goes through, for the predefined variables. */
export interface RuleIdentity {
  name: string;
  arn: string;
}

/** The body that a target receives. */
export type Render = (accepted: AcceptedEvent, rule: RuleIdentity) => string;

/** A variable's value: plain for use in quotes, JSON for use without. */
type Value = { plain: string; json: string };
type Variable = (accepted: AcceptedEvent, rule: RuleIdentity) => Value;

const PREDEFINED: Record<string, Variable> = {
  'aws.events.rule-arn': (_, rule) => toValue(rule.arn),
  'aws.events.rule-name': (_, rule) => toValue(rule.name),
  'aws.events.event.ingestion-time': ({ receivedAtMs }) => toValue(new Date(receivedAtMs).toISOString()),
  'aws.events.event': ({ event: { detail: _, ...envelope } }) => toValue(envelope),
  'aws.events.event.json': (accepted) => toStructure(eventText(accepted)),
};

/**
 * Compiles an `InputTransformer` by the quoting rules of the EventBridge user guide: a variable outside quotes
 * becomes JSON (a string gets its quotes); inside quotes a string is put in as it is, not escaped, and an object or
 * array without its quotes; a path that finds nothing is an empty string. The rest of the template stays as written.
 *
 * @param target the target's id, for messages.
 * @throws AwsError (ValidationException) for an unknown variable and for a template that is neither JSON nor lines
 *   of quoted strings.
 */
export function compileInputTransformer(transformer: JsonObject, target: string): Render {
  const variables = compileVariables(optionalObject(transformer, 'InputPathsMap') ?? {}, target);
  const template = requiredString(transformer, 'InputTemplate');
  if (template.length > TEMPLATE_CHARACTERS_MAX)
    throw validationError(
      `InputTemplate for target ${target} must have at most ${TEMPLATE_CHARACTERS_MAX} characters.`,
    );
  const parts = parseTemplate(template, (name) => {
    const variable = variables.get(name);
    if (variable === undefined)
      throw validationError(`InputTemplate for target ${target} contains invalid placeholder ${name}.`);
    return variable;
  });
  const isJson = checkTemplate(parts, target);
  return (accepted, rule) => {
    const text = fill(parts, (variable) => variable(accepted, rule));
    // EventBridge cannot send a JSON template that its values broke, such as by a quote inside quotes.
    if (isJson) JSON.parse(text);
    return text;
  };
}

function compileVariables(paths: JsonObject, target: string): ReadonlyMap<string, Variable> {
  const entries = Object.entries(paths);
  if (entries.length > VARIABLES_MAX)
    throw validationError(`InputPathsMap for target ${target} must have at most ${VARIABLES_MAX} entries.`);
  const variables = new Map(Object.entries(PREDEFINED));
  for (const [name, path] of entries) {
    if (typeof path !== 'string' || !/^[\w-]+$/.test(name))
      throw validationError(
        `InputPathsMap for target ${target} must map names of letters, digits, - and _ to paths: ${name} does not.`,
      );
    const read = compileJsonPath(path, `InputPathsMap ${name} of target ${target}`);
    variables.set(name, ({ event }) => toValue(read(event)));
  }
  return variables;
}

function toValue(value: unknown): Value {
  if (value === undefined) return toValue('');
  if (typeof value === 'string') return { plain: value, json: JSON.stringify(value) };
  return toStructure(JSON.stringify(value));
}

function toStructure(json: string): Value {
  return { plain: json.replaceAll('"', ''), json };
}

type Part = string | { variable: Variable; quoted: boolean };

/** Literal text and variables, each with whether it stands inside a JSON string. */
function parseTemplate(template: string, variableOf: (name: string) => Variable): Part[] {
  const parts: Part[] = [];
  let quoted = false;
  for (const [piece] of template.matchAll(/<[\w.-]+>|(?:\\.|[^<\\])+|[<\\]/gs)) {
    if (piece.startsWith('<') && piece.length > 1) {
      parts.push({ variable: variableOf(piece.slice(1, -1)), quoted });
    } else {
      const quotes = piece.replace(/\\./gs, '').split('"').length - 1;
      if (quotes % 2 === 1) quoted = !quoted;
      parts.push(piece);
    }
  }
  return parts;
}

function fill(parts: readonly Part[], value: (variable: Variable) => Value): string {
  return parts
    .map((part) => (typeof part === 'string' ? part : value(part.variable)[part.quoted ? 'plain' : 'json']))
    .join('');
}

/** Tells whether the template is a JSON object or array; else it must be lines of quoted strings. */
function checkTemplate(parts: readonly Part[], target: string): boolean {
  const sample = fill(parts, () => ({ plain: '', json: '""' })).trim();
  try {
    const value: unknown = JSON.parse(sample);
    return isJsonObject(value) || Array.isArray(value);
  } catch (error) {
    const lines = sample.split('\n').map((line) => line.trim());
    if (lines.every((line) => line === '' || /^".*"$/.test(line))) return false;
    throw validationError(
      `Invalid InputTemplate for target ${target}: it must be JSON, or text in double quotes (${String(error)}).`,
    );
  }
}
