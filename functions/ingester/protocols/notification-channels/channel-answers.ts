import * as z from 'zod';
import { GenesysError } from '../../../../lib/genesys/genesys-error.ts';

const channelSchema = z.object({
  id: z.string().min(1),
  connectUri: z.url({ protocol: /^wss?$/ }),
  expires: z.iso.datetime(),
});
const subscriptionsSchema = z.object({
  entities: z.array(
    z.object({
      id: z.string(),
      state: z.string().default('Permitted'),
      rejectionReason: z.string().optional(),
      // The name used by older platform clients.
      rejectReason: z.string().optional(),
    }),
  ),
});

/**
 * The channel in the response to `POST /api/v2/notifications/channels`; `expires` is ISO 8601. Its address must be in
 * the domain of the API, and must use TLS if the API does.
 *
 * @param apiUrl - for example `https://api.mypurecloud.com`
 * @throws {@link GenesysError} `unexpected_answer`; it does not quote the response, because a channel id is a secret
 *   (P7)
 */
export function readChannel(answer: unknown, apiUrl: string): z.infer<typeof channelSchema> {
  const parsed = channelSchema.safeParse(answer);
  const problem = parsed.success
    ? addressProblem(new URL(parsed.data.connectUri), new URL(apiUrl))
    : 'without id, connectUri or expires';
  if (parsed.success && problem === undefined) return parsed.data;
  throw new GenesysError('unexpected_answer', `POST /api/v2/notifications/channels answered ${problem}`, {
    retriable: true,
  });
}

function addressProblem(address: URL, api: URL): string | undefined {
  if (api.protocol === 'https:' && address.protocol !== 'wss:')
    return 'with an address that is not encrypted';
  const domain = api.hostname.replace(/^api\./, '');
  const isInDomain = address.hostname === domain || address.hostname.endsWith(`.${domain}`);
  return isInDomain ? undefined : `with an address outside of ${domain}`;
}

/**
 * The outcome of each topic in the response to `PUT` or `POST …/subscriptions`: why it was rejected, or undefined if it
 * is permitted. HTTP 200 does not mean success, because each topic has its own outcome. The rejected parts of a
 * combined topic are listed separately.
 *
 * @throws {@link GenesysError} `unexpected_answer`
 */
export function readTopicOutcomes(answer: unknown): Map<string, string | undefined> {
  const parsed = subscriptionsSchema.safeParse(answer);
  if (!parsed.success) {
    throw new GenesysError(
      'unexpected_answer',
      'the answer to the subscriptions of a channel has no entities',
      { retriable: true },
    );
  }
  return new Map(
    parsed.data.entities.map(({ id, state, rejectionReason, rejectReason }) => [
      id,
      state === 'Permitted' ? undefined : (rejectionReason ?? rejectReason ?? state),
    ]),
  );
}
