import * as z from 'zod';

/** An optional text variable that must not be blank. */
export const text = z.string().trim().min(1, 'is blank').optional();

/** The members of a list that are separated by commas. */
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
