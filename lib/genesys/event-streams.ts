import * as z from 'zod';
import { registerSecret } from '../events/redaction.ts';
import { GenesysError } from './genesys-error.ts';
import type { RestClient } from './rest-client.ts';

const PATH = '/api/v2/eventbridge/streams';

/** A rule that selects events for a stream. An event is delivered if one of the rules matches. */
export interface RoutingRule {
  name: string;
  /** See `conditionProblems`. */
  condition: string;
  enabled: boolean;
}

/** The definition of a stream of events to a webhook. */
export interface StreamRequest {
  name: string;
  description: string;
  enabled: boolean;
  destination: {
    type: 'webhook';
    url: string;
    /** Signing secret in hexadecimal. */
    secret: string;
  };
  routingRules: readonly RoutingRule[];
}

const streamSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  enabled: z.boolean().optional(),
  destination: z.looseObject({ type: z.string(), url: z.string().optional() }).optional(),
  routingRules: z
    .array(z.looseObject({ name: z.string().optional(), condition: z.string().optional() }))
    .optional(),
});
/** A registered stream. Its secret is not readable. */
export type RegisteredStream = z.infer<typeof streamSchema>;

/**
 * Registers a stream.
 *
 * @throws {@link GenesysError} if the call fails
 */
export async function createStream(rest: RestClient, stream: StreamRequest): Promise<RegisteredStream> {
  registerSecret(stream.destination.secret);
  return parsed(streamSchema, await rest.call({ method: 'POST', path: PATH, body: stream }), 'POST');
}

/**
 * All registered streams.
 *
 * @throws {@link GenesysError} if the call fails
 */
export async function listStreams(rest: RestClient): Promise<RegisteredStream[]> {
  const schema = z.looseObject({ entities: z.array(streamSchema) });
  return parsed(schema, await rest.call({ method: 'GET', path: PATH }), 'GET').entities;
}

/**
 * Deletes a stream.
 *
 * @throws {@link GenesysError} if the call fails, with the code `not_found` if there is no such stream
 */
export async function deleteStream(rest: RestClient, id: string): Promise<void> {
  await rest.call({ method: 'DELETE', path: `${PATH}/{id}`, parameters: { id } });
}

function parsed<T>(schema: z.ZodType<T>, body: unknown, method: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new GenesysError('unexpected_answer', `${method} ${PATH} returned an unexpected response`, {
    retriable: false,
  });
}
