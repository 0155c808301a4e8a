import * as z from 'zod';
import type {
  Session,
  Signal,
  StreamProtocol,
  Subscription,
} from '../../functions/ingester/protocols/stream-protocol.ts';

const event = z
  .object({ id: z.string(), topicName: z.string(), eventBody: z.record(z.string(), z.unknown()) })
  .transform(({ id, ...frame }): Signal => ({ kind: 'event', event: { id, frame } }));
const message = z.union([
  z.strictObject({ welcome: z.literal(true) }).transform((): Signal[] => [{ kind: 'ready' }]),
  z
    .strictObject({ move: z.string() })
    .transform(({ move }): Signal[] => [{ kind: 'move', recovery: 'resume', reason: move }]),
  z
    .strictObject({ batch: z.array(event), cursor: z.string() })
    .transform(({ batch, cursor }): Signal[] => [...batch, { kind: 'cursor', value: cursor }]),
]);

const frame = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('not JSON');
    }
  })
  .pipe(message)
  .catch([{ kind: 'rejected', reason: 'invalid_frame' }]);

/** A protocol with a JSON handshake, batches of events and a cursor per stream, stored in `cursors`. */
export function batchProtocol(
  url: string,
  cursors: Pick<Map<string, string>, 'get' | 'set'>,
): StreamProtocol<{ STREAMS: string }, Subscription & { stream: string }> {
  let lastToken = '';
  return {
    name: 'batch',
    configuration: z.object({ STREAMS: z.string().describe('Names of the streams.') }),
    ends: {
      codes: { 4001: { recovery: 'reauthenticate', meaning: 'the token has expired' } },
      statuses: { 429: { recovery: 'resume', meaning: 'too many connections', throttled: true } },
      otherCode: { recovery: 'resume', meaning: 'connection lost' },
      otherStatus: { recovery: 'stop', meaning: 'refused' },
    },
    liveness: { silenceMs: 1_000, ping: { everyMs: 100 } },
    async *subscriptions({ STREAMS }) {
      yield new Map(STREAMS.split(',').map((stream) => [stream, { topics: [stream], stream }]));
    },
    connect: async ({ subscription: { stream }, recovery }, { tokens }): Promise<Session> => {
      if (recovery === 'reauthenticate') tokens.invalidate(lastToken);
      lastToken = (await tokens.get()).accessToken;
      const hello = { hello: lastToken, stream, after: cursors.get(stream) ?? '0' };
      return {
        url,
        onOpen: () => [{ kind: 'send', message: JSON.stringify(hello) }],
        onFrame: (data) => frame.parse(data.toString()),
        commit: async (cursor) => void cursors.set(stream, cursor),
      };
    },
  };
}
