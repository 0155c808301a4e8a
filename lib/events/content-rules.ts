import * as z from 'zod';
import { CONTENT_ACTIONS, type ContentRule, fieldPathProblem } from './field-paths.ts';

/** Presets of content redaction. */
export const CONTENT_PRESETS = ['structural'] as const;
/** Maximum number of paths per action. */
const MAX_PATHS = 100;
/** Minimum length of a key for hashes: as many characters as SHA-256 outputs bytes. */
export const MIN_HASH_KEY_CHARACTERS = 32;

const paths = z
  .array(z.string(), 'is not a list of paths')
  .max(MAX_PATHS, `has more than ${MAX_PATHS} paths`)
  .superRefine((list, context) => {
    for (const [index, path] of list.entries()) {
      const problem = fieldPathProblem(path);
      if (problem)
        context.addIssue({
          // Stryker disable next-line StringLiteral: only the message is read
          code: 'custom',
          path: [index],
          message: `(${path}) ${problem}`,
        });
    }
  })
  .optional();

const optionsSchema = z.strictObject(
  {
    preset: z.enum(CONTENT_PRESETS, `is not one of ${CONTENT_PRESETS.join(', ')}`).optional(),
    drop: paths,
    hash: paths,
    mask: paths,
    keep: paths,
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has the unknown member ${issue.keys.join(', ')}; use preset, ${CONTENT_ACTIONS.join(', ')}`
        : 'is not a preset or an object',
  },
);

/** What is redacted: a preset, and paths by action. */
export type ContentRedactionOptions = z.infer<typeof optionsSchema>;

/** Parsed options. */
export interface ContentRules {
  readonly preset?: (typeof CONTENT_PRESETS)[number] | undefined;
  readonly rules: readonly ContentRule[];
}

/** The problems with invalid options, one string each, starting with the member concerned. Empty if there are none. */
export function contentRedactionProblems(options: unknown): readonly string[] {
  const { error, data } = optionsSchema.safeParse(options);
  if (error)
    return error.issues.map(({ path: [name, index], message }) => {
      const member = name === undefined ? '' : `.${String(name)}`;
      return `${member}${index === undefined ? '' : `[${String(index)}]`} ${message}`;
    });
  return isEmpty(data) ? [' redacts nothing: specify a preset or a path'] : [];
}

function isEmpty({ preset, drop = [], hash = [], mask = [] }: ContentRedactionOptions): boolean {
  return preset === undefined && drop.length + hash.length + mask.length === 0;
}

/** The rules of valid options. */
export function contentRules(options: ContentRedactionOptions): ContentRules {
  const rules = CONTENT_ACTIONS.flatMap((action) =>
    (options[action] ?? []).map((path) => ({ path, action })),
  );
  return { preset: options.preset, rules };
}

/** Whether a rule needs a key. */
export function needsHashKey(options: { readonly hash?: readonly string[] | undefined }): boolean {
  return (options.hash ?? []).length > 0;
}

/** The options in the value of the variable `REDACTION`. */
export const contentRedactionSetting = z.string().transform((text, context): ContentRedactionOptions => {
  const options = optionsIn(text);
  const problems = contentRedactionProblems(options);
  for (const problem of problems) context.addIssue(problem.trimStart().replace(/^\./, ''));
  return options as ContentRedactionOptions;
});

/** A preset by its name, or options as JSON. */
function optionsIn(text: string): unknown {
  try {
    return text.trimStart().startsWith('{') ? JSON.parse(text) : { preset: text.trim() };
  } catch {
    // Reported as a problem of the options.
  }
  return undefined;
}

// Stryker disable StringLiteral: documentation
/** Environment variables of content redaction, for every deployable that receives events. */
export const contentRedactionEnvironment = {
  REDACTION: contentRedactionSetting.transform(contentRules).optional().meta({
    description:
      'What is redacted before an event is sent (in the consumer: only from events of the native integration): the preset `structural`, or JSON such as `{"preset":"structural","keep":["**.provider"],"hash":["**.ani"]}` with paths for `drop`, `hash`, `mask` and `keep`.',
    typeText: '`structural` or a JSON object',
  }),
  REDACTION_SECRET_ID: z.string().min(1).optional().meta({
    description:
      'Name or ARN of a Secrets Manager secret whose value is the key for hashes, at least 32 characters.',
    defaultText: 'required with `hash` paths and without `REDACTION_KEY`',
  }),
  REDACTION_KEY: z
    .string()
    .min(MIN_HASH_KEY_CHARACTERS, `has fewer than ${MIN_HASH_KEY_CHARACTERS} characters`)
    .optional()
    .meta({
      description: 'Key for hashes. Ignored if `REDACTION_SECRET_ID` is set.',
      defaultText: 'required with `hash` paths and without `REDACTION_SECRET_ID`',
    }),
};

// Stryker restore StringLiteral

/** The parsed variables. */
export interface ContentRedactionVariables {
  readonly REDACTION?: ContentRules | undefined;
  readonly REDACTION_SECRET_ID?: string | undefined;
  readonly REDACTION_KEY?: string | undefined;
}

/** The configured content redaction: the rules, and the source of the key. */
export interface ContentRedactionConfig extends ContentRules {
  readonly key: { readonly secretId: string } | { readonly text: string } | undefined;
}

/** The configuration in the variables; undefined if nothing is redacted. */
export function contentRedactionConfig(set: ContentRedactionVariables): ContentRedactionConfig | undefined {
  const { REDACTION, REDACTION_SECRET_ID: secretId, REDACTION_KEY: text } = set;
  if (!REDACTION) return undefined;
  const isHashed = REDACTION.rules.some(({ action }) => action === 'hash');
  const key = secretId !== undefined ? { secretId } : text !== undefined ? { text } : undefined;
  return { ...REDACTION, key: isHashed ? key : undefined };
}

/** A problem with the combination of variables. */
export function hashKeyProblems({
  REDACTION,
  REDACTION_SECRET_ID,
  REDACTION_KEY,
}: ContentRedactionVariables): string[] {
  const isHashed = REDACTION?.rules?.some(({ action }) => action === 'hash');
  if (!isHashed || REDACTION_SECRET_ID || REDACTION_KEY) return [];
  return ['REDACTION_SECRET_ID is missing: REDACTION hashes, which needs a key. Or set REDACTION_KEY'];
}
