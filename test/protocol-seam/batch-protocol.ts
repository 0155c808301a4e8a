import * as z from 'zod';
import type * as seam from '../../functions/ingester/protocols/stream-protocol.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';

const event = z
  .object({ id: z.string(), topicName: z.string(), eventBody: z.record(z.string(), z.unknown()) })
  .transform(({ id, ...frame }): seam.Signal => ({ kind: 'event', event: { id, frame } }));
const message = z.union([
  z.strictObject({ welcome: z.literal(true) }).transform((): seam.Signal[] => [{ kind: 'ready' }]),
  z
    .strictObject({ move: z.string() })
    .transform(({ move }): seam.Signal[] => [{ kind: 'move', recovery: 'resume', reason: move }]),
  z
    .strictObject({ batch: z.array(event), cursor: z.string() })
    .transform(({ batch, cursor }): seam.Signal[] => [...batch, { kind: 'cursor', value: cursor }]),
]);

function read(text: string): readonly seam.Signal[] {
  try {
    return message.parse(parseExactJson(text));
  } catch {
    return [{ kind: 'rejected', reason: 'invalid_frame' }];
  }
}

/** A protocol with a JSON handshake, batches of events and a cursor per stream, stored in `cursors`. */
export function batchProtocol(
  url: string,
  cursors: Pick<Map<string, string>, 'get' | 'set'>,
): seam.StreamProtocol<{ STREAMS: string }, seam.Subscription & { stream: string }> {
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
    connect: async ({ subscription: { stream }, recovery }, { clients }): Promise<seam.Session> => {
      const [{ tokens }] = await clients();
      if (recovery === 'reauthenticate') tokens.invalidate(lastToken);
      lastToken = (await tokens.get()).accessToken;
      const hello = { hello: lastToken, stream, after: cursors.get(stream) ?? '0' };
      return {
        url,
        onOpen: () => [{ kind: 'send', message: JSON.stringify(hello) }],
        onFrame: (data) => read(data.toString()),
        commit: async (cursor) => void cursors.set(stream, cursor),
      };
    },
  };
}
