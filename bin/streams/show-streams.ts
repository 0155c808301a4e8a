import { MASK } from '../../lib/events/redaction.ts';
import type { RegisteredStream, StreamRequest } from '../../lib/genesys/event-streams.ts';

/** The request that would create a stream, without its secret. */
export function showRequest(request: StreamRequest): string {
  const shown = { ...request, destination: { ...request.destination, secret: MASK } };
  return `POST /api/v2/eventbridge/streams\n${JSON.stringify(shown, undefined, 2)}\nNothing was created.\n`;
}

/** A stream that was created, and its secret if it is new. */
export function showCreated({ id, name }: RegisteredStream, newSecret: string | undefined): string {
  const created = `Created the stream ${name}: ${id}\n`;
  if (newSecret === undefined) return `${created}It uses the secret that was already stored.\n`;
  return `${created}Signing secret, stored in Secrets Manager and shown only now: ${newSecret}\n`;
}

/** One paragraph per stream. */
export function showStreams(streams: readonly RegisteredStream[]): string {
  if (streams.length === 0) return 'There are no streams.\n';
  return streams
    .map(({ id, name, enabled = true, destination, routingRules = [] }) =>
      [
        `${name}${enabled ? '' : ' (disabled)'}`,
        `  id    ${id}`,
        `  to    ${destination?.url ?? destination?.type ?? 'unknown'}`,
        ...routingRules.map(({ condition }) => `  rule  ${condition ?? ''}`),
        '',
      ].join('\n'),
    )
    .join('\n');
}
