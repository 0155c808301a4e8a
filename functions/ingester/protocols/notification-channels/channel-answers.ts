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
      // The name in older clients of the platform.
      rejectReason: z.string().optional(),
    }),
  ),
});

/**
 * The channel in the answer of `POST /api/v2/notifications/channels`; `expires` is ISO 8601.
 *
 * @throws {@link GenesysError} `unexpected_answer`; it does not quote the answer, because a channel id is a secret (P7)
 */
export function readChannel(answer: unknown): z.infer<typeof channelSchema> {
  const parsed = channelSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new GenesysError(
    'unexpected_answer',
    'POST /api/v2/notifications/channels answered without id, connectUri or expires',
    { retriable: true },
  );
}

/**
 * The outcome of each topic in the answer to `PUT` or `POST …/subscriptions`: why it was rejected, or undefined if it
 * is permitted. HTTP 200 does not mean success, because each topic has its own outcome. The rejected parts of a
 * combined topic are listed one by one beside it.
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
