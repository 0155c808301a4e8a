import { createStream, listStreams, type RegisteredStream } from '../../lib/genesys/event-streams.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';
import { newSigningSecret, type SigningSecretStore } from './signing-secret-store.ts';
import { type StreamFlags, streamDefinition } from './stream-definition.ts';
import { StreamsError } from './streams-error.ts';

/**
 * Registers a stream whose deliveries the webhook accepts. The secret is stored before the stream exists, so that the
 * webhook knows it when the first event arrives.
 *
 * @param keepSecret - use the stored secret instead of a new one
 * @returns the stream, and its secret if it is new
 * @throws {@link StreamsError} if another stream delivers to the URL and its secret would be replaced
 */
export async function registerStream(
  { flags, keepSecret }: { flags: StreamFlags; keepSecret: boolean },
  rest: RestClient,
  store: SigningSecretStore,
): Promise<{ stream: RegisteredStream; newSecret?: string }> {
  if (keepSecret) return { stream: await createStream(rest, streamDefinition(flags, await store.read())) };
  const newSecret = newSigningSecret();
  const definition = streamDefinition(flags, newSecret);
  await refuseIfInUse(rest, flags.url);
  await store.replace(newSecret);
  return { stream: await createStream(rest, definition), newSecret };
}

/** Two streams to one webhook need the same secret. */
async function refuseIfInUse(rest: RestClient, url: string): Promise<void> {
  const other = (await listStreams(rest)).find(({ destination }) => destination?.url === url);
  if (!other) return;
  throw new StreamsError(
    'url_in_use',
    `The stream ${other.name} (${other.id}) already delivers to ${url}, and a new secret would replace its secret. Use --keep-secret to give both the same one, or delete the other stream first.`,
  );
}
