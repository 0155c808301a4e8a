import * as z from 'zod';

/** An optional string variable that must not be blank. */
export const text = z.string().trim().min(1, 'is blank').optional();

/** The members of a comma-separated list. */
export function members(list: string): string[] {
  return list.split(',').flatMap((member) => member.trim() || []);
}

/** A whole number with a default and bounds. */
export function wholeNumber({ fallback, min, max }: { fallback: number; min: number; max: number }) {
  return z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(min, `is below ${min}`)
    .max(max, `is above ${max}`)
    .default(fallback);
}

/** A comma-separated list of at least one of these values. */
export function listOf(allowed: readonly string[]) {
  const missing = `is missing: name one or more of ${allowed.join(', ')}`;
  return z
    .string(missing)
    .transform(members)
    .superRefine((values, context) => {
      if (values.length === 0) context.addIssue(missing);
      for (const value of values)
        if (!allowed.includes(value))
          context.addIssue(`names ${value}, which is not one of ${allowed.join(', ')}`);
    });
}

/** A JSON object. */
export function jsonObject(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((json, context): Readonly<Record<string, unknown>> => {
      try {
        const value: unknown = JSON.parse(json);
        if (typeof value === 'object' && value !== null && !Array.isArray(value))
          return value as Readonly<Record<string, unknown>>;
      } catch {
        // Reported like any other value that is not an object.
      }
      context.addIssue('is not a JSON object');
      return z.NEVER;
    });
}

/** A name in records and metrics. */
export function name(fallback: string) {
  return z
    .string()
    .regex(/^[\w-]{1,64}$/, 'has characters other than letters, digits, - and _, or more than 64')
    .default(fallback);
}

/** The address of a WebSocket, if it differs from the platform's. */
export const webSocketUrl = z.url({ protocol: /^wss?$/, error: 'is not a ws(s) URL' }).optional();
