import type * as z from 'zod';
import * as consumer from '../functions/consumer/config.ts';
import * as ingester from '../functions/ingester/config.ts';
import { ConfigurationReferenceError } from './configuration-reference-error.ts';

/** A section of the configuration reference: a title and a schema with one member per environment variable. */
export type EnvironmentSection = readonly [title: string, schema: z.ZodObject];

/** The sections with environment variables. Each protocol with settings of its own adds a section. */
export function environmentSections(): EnvironmentSection[] {
  return [
    ['Environment variables of the ingester', exportedSchema('functions/ingester/config.ts', ingester)],
    ['Environment variables of the consumer', exportedSchema('functions/consumer/config.ts', consumer)],
  ];
}

function exportedSchema(file: string, module: object): z.ZodObject {
  if ('environmentSchema' in module) return module.environmentSchema as z.ZodObject;
  throw new ConfigurationReferenceError(`${file} does not export environmentSchema, a zod object`);
}
