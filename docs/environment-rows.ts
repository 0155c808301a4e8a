import * as z from 'zod';
import { ConfigurationReferenceError } from './configuration-reference-error.ts';
import { code, type SettingRow } from './markdown-table.ts';

/** Metadata of an environment variable: the JSON Schema of zod, with the keys that a schema adds with `.meta()`. */
const variableSchema = z.strictObject({
  $schema: z.string(),
  description: z.string().optional(),
  /** Text for the column "Default" of an optional variable without a default. */
  defaultText: z.string().optional(),
  /** Text for the column "Type", for values that a JSON Schema does not describe well. */
  typeText: z.string().optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  type: z.enum(['string', 'integer', 'number', 'boolean']).optional(),
  enum: z.array(z.string()).optional(),
  format: z.literal('uri').optional(),
  pattern: z.string().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
type Variable = z.infer<typeof variableSchema>;

/**
 * Describes the environment variables of a schema.
 *
 * @param schema - zod object with one member per variable, each with `.meta({ description })`
 * @throws {@link ConfigurationReferenceError} if a variable has no description or a type that is not supported
 */
export function environmentRows(schema: Pick<z.ZodObject, 'shape'>): SettingRow[] {
  return Object.entries(schema.shape).map(([name, member]) => {
    const variable = readVariable(name, member as z.ZodType);
    if (!variable.description) {
      throw new ConfigurationReferenceError(`${name} has no description: add .meta({ description })`);
    }
    return {
      name,
      type: typeText(name, variable),
      default: defaultText(variable, z.safeParse(member as z.ZodType, undefined).success),
      description: variable.description,
    };
  });
}

function readVariable(name: string, member: z.ZodType): Variable {
  const json = z.toJSONSchema(member, { io: 'input', unrepresentable: 'any' });
  const parsed = variableSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ConfigurationReferenceError(
    `${name} has a schema that is not supported: extend docs/environment-rows.ts\n${z.prettifyError(parsed.error)}`,
  );
}

function typeText(name: string, variable: Variable): string {
  const { type, format, pattern } = variable;
  if (variable.typeText) return variable.typeText;
  if (variable.enum) return variable.enum.map(code).join(', ');
  if (format === 'uri') return 'URL';
  if (pattern !== undefined) {
    throw new ConfigurationReferenceError(
      `${name} has a pattern: describe the valid values with .meta({ typeText })`,
    );
  }
  if (type === 'string') return `string${range(variable.minLength, variable.maxLength, ' characters', 1)}`;
  if (type === 'integer' || type === 'number') return `${type}${range(variable.minimum, variable.maximum)}`;
  if (type === 'boolean') return 'boolean';
  throw new ConfigurationReferenceError(
    `${name} has no type: describe the valid values with .meta({ typeText })`,
  );
}

/** @param trivialMin - minimum that is not worth mentioning, because a variable is never empty */
function range(min: number | undefined, max: number | undefined, unit = '', trivialMin?: number): string {
  const isBounded = max !== undefined && max !== Number.MAX_SAFE_INTEGER;
  if (isBounded) return `, ${min ?? 0}-${max}${unit}`;
  if (min === undefined || min === trivialMin || min === Number.MIN_SAFE_INTEGER) return '';
  return `, at least ${min}${unit}`;
}

function defaultText(variable: Variable, isOptional: boolean): string {
  if (variable.default !== undefined) return code(String(variable.default));
  if (variable.defaultText) return variable.defaultText;
  return isOptional ? 'none' : 'required';
}
