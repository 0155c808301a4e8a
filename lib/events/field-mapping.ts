import * as z from 'zod';
import { isExactNumber } from './exact-json.ts';

/** Types that a field can require. */
export const FIELD_TYPES = ['string', 'number', 'boolean', 'object', 'array'] as const;
/** A type that a field can require. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** Maximum number of fields. Their JSON is an environment variable. */
export const MAX_FIELDS = 50;
/** Maximum length of the name of a field. */
const MAX_NAME_CHARACTERS = 128;
/** Maximum length of a path. */
const MAX_PATH_CHARACTERS = 256;

/** A dot that is not escaped. */
const SEPARATOR = /(?<!\\)\./;
const ARRAY_INDEX = /^(?:0|[1-9]\d{0,8})$/;
/** Members of an event as EventBridge delivers it to a target. */
const EVENT_MEMBERS: readonly string[] = [
  'version',
  'id',
  'detail-type',
  'source',
  'account',
  'time',
  'region',
  'resources',
  'detail',
];

const fieldSchema = z.strictObject(
  {
    path: z.string('has no path').superRefine((path, context) => {
      const problem = pathProblem(path);
      if (problem) context.addIssue(`(${path}) ${problem}`);
    }),
    type: z.enum(FIELD_TYPES, `has a type that is not one of ${FIELD_TYPES.join(', ')}`).optional(),
    optional: z.boolean('has a value for optional that is not true or false').optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has the unknown member ${issue.keys.join(', ')}; use path, type and optional`
        : 'is not a path or an object with a path',
  },
);

/** Where the value of a field comes from, and what it must be. */
export interface Field {
  /** Names from the event to the value, separated by dots. A number is the index of an array element. */
  readonly path: string;

  /**
   * Type of the value.
   *
   * @default - any value, also `null`
   */
  readonly type?: FieldType | undefined;

  /**
   * Whether the field is omitted from the body if the event has no value or `null` at the path.
   *
   * @default false
   */
  readonly optional?: boolean | undefined;
}

/** The fields of a body by name. A string is the path of a required value of any type. */
export type FieldMappingOptions = Readonly<Record<string, string | Field>>;

/** The body of an event, or why it has none. The reason contains no values of the event. */
export type MappedEvent =
  | { readonly kind: 'mapped'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'problem'; readonly reason: string };

/** A mapping is invalid. The message lists all problems. */
export class FieldMappingError extends Error {
  readonly code = 'invalid_field_mapping';
  readonly retriable = false;

  constructor(problems: readonly string[]) {
    super(`The fields have ${problems.length} problem(s): ${problems.join('; ')}`);
    this.name = 'FieldMappingError';
  }
}

/** The problems with invalid fields, one string each, starting with the field concerned. Empty if there are none. */
export function fieldMappingProblems(options: unknown): readonly string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return [' is not an object with a path for each field'];
  const fields = Object.entries(options);
  if (fields.length === 0) return [' is empty: specify a field, or omit it'];
  if (fields.length > MAX_FIELDS)
    return [` has ${fields.length} fields, but at most ${MAX_FIELDS} are allowed`];
  return fields.flatMap(([name, field]) => {
    const { error } = fieldSchema.safeParse(fieldOf(field));
    return [...nameProblems(name), ...(error?.issues ?? []).map(({ message }) => `.${name} ${message}`)];
  });
}

/**
 * The mapping in the value of the variable `FIELDS`.
 *
 * @throws {@link FieldMappingError} with all problems
 */
export function parseFieldMapping(text: string): FieldMapping {
  const options = optionsIn(text);
  const problems = fieldMappingProblems(options);
  if (problems.length > 0)
    throw new FieldMappingError(problems.map((problem) => problem.replace(/^[ .]/, '')));
  return new FieldMapping(options as FieldMappingOptions);
}

/** Maps an event to a flat object with the fields that a destination expects. */
export class FieldMapping {
  private readonly fields: readonly (Field & { readonly name: string; readonly names: readonly string[] })[];

  /** @param options - without problems */
  constructor(options: FieldMappingOptions) {
    this.fields = Object.entries(options).map(([name, field]) => {
      const given = fieldOf(field) as Field;
      return { ...given, name, names: namesIn(given.path) };
    });
  }

  /** @param event - the event as EventBridge delivers it to a target */
  apply(event: unknown): MappedEvent {
    const values: [string, unknown][] = [];
    for (const { name, path, names, type, optional } of this.fields) {
      const value = valueAt(event, names);
      const isAbsent = value === undefined || (value === null && (optional || type !== undefined));
      if (isAbsent && optional) continue;
      if (isAbsent) return problem(name, path, value === null ? 'is null' : 'is missing');
      const actual = typeOf(value);
      if (type !== undefined && actual !== type)
        return problem(name, path, `is of type ${actual}, not ${type}`);
      values.push([name, value]);
    }
    return { kind: 'mapped', value: Object.fromEntries(values) };
  }
}

function problem(name: string, path: string, what: string): MappedEvent {
  return { kind: 'problem', reason: `field ${name}: ${path} ${what}` };
}

/** Only own members count, so that no path leads to what every object inherits. */
function valueAt(event: unknown, names: readonly string[]): unknown {
  let value = event;
  for (const name of names) {
    if (Array.isArray(value)) value = ARRAY_INDEX.test(name) ? value[Number(name)] : undefined;
    else if (typeOf(value) !== 'object' || !Object.hasOwn(value as object, name)) return undefined;
    else value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The JSON type of a value. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return isExactNumber(value) ? 'number' : typeof value;
}

function fieldOf(field: unknown): unknown {
  return typeof field === 'string' ? { path: field } : field;
}

function nameProblems(name: string): string[] {
  if (name === '') return [' has a field without a name'];
  // Some JSON parsers give every object this member, or drop it.
  if (name === '__proto__') return ['.__proto__ is not allowed as a name'];
  if (name.length <= MAX_NAME_CHARACTERS) return [];
  return [` has a name with more than ${MAX_NAME_CHARACTERS} characters: ${name}`];
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.length > MAX_PATH_CHARACTERS) return `has more than ${MAX_PATH_CHARACTERS} characters`;
  const names = namesIn(path);
  if (names.includes('')) return 'has an empty name between two dots, or at an end';
  const [first = ''] = names;
  if (!EVENT_MEMBERS.includes(first))
    return `begins with ${first}, but an event has ${EVENT_MEMBERS.join(', ')}`;
  const wildcard = names.find((name) => /^\*+$/.test(name));
  return wildcard && `has ${wildcard}, but a path selects a single value; use an index such as 0`;
}

function namesIn(path: string): string[] {
  return path.split(SEPARATOR).map((name) => name.replaceAll('\\.', '.'));
}

function optionsIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported as a problem of the options.
  }
  return undefined;
}
