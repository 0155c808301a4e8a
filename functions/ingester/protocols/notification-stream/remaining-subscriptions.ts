import * as z from 'zod';
import { redact } from '../../../../lib/events/redaction.ts';
import { GenesysError } from '../../../../lib/genesys/genesys-error.ts';
import type { RestClient } from '../../../../lib/genesys/rest-client.ts';
import {
  type NotificationStreamConfiguration,
  type Resource,
  resourceSchema,
  topicOf,
} from '../../../../lib/protocols/notification-stream-configuration.ts';
import type { ConnectionToken } from '../connection-token.ts';
import type { ProtocolContext, Subscription } from '../stream-protocol.ts';
import type { StoredCursor } from './stored-cursor.ts';

const PATH = '/api/v2/notifications/stream/subscriptions';

/** The subscription of the stream: events of several resources. */
export interface NotificationSubscription extends Subscription {
  readonly set: NotificationStreamConfiguration;
  readonly token: ConnectionToken;
  readonly cursor: StoredCursor;
  /** Subscriptions that the server no longer has, by topic. */
  readonly rejected: Map<string, string>;
}

const answerSchema = z.union([
  z.array(resourceSchema),
  z.object({ entities: z.array(resourceSchema) }).transform(({ entities }) => entities),
]);

/** The subscriptions that the server has not refused. */
export function remaining({ set, rejected }: NotificationSubscription): readonly Resource[] {
  return set.NOTIFICATION_SUBSCRIPTIONS.filter((one) => !rejected.has(topicOf(one)));
}

/**
 * Request the list of existing subscriptions, and leave out all others from now on.
 *
 * @returns whether one was left out
 * @throws GenesysError `no_subscription` if none is left
 */
export async function prune(
  subscription: NotificationSubscription,
  reason: string,
  rest: RestClient,
  { log, signal }: ProtocolContext,
): Promise<boolean> {
  const answer = answerSchema.safeParse(await rest.call({ method: 'GET', path: PATH, signal }));
  if (!answer.success)
    throw new GenesysError('unexpected_answer', `GET ${PATH} answered without subscriptions`, {
      retriable: true,
    });
  const existing = new Set(answer.data.map(topicOf));
  const gone = remaining(subscription)
    .map(topicOf)
    .filter((topic) => !existing.has(topic));
  for (const topic of gone) {
    subscription.rejected.set(topic, reason);
    log.error('a subscription is refused and left out', { topic, reason: redact(reason) });
  }
  if (remaining(subscription).length > 0) return gone.length > 0;
  throw new GenesysError(
    'no_subscription',
    `Genesys Cloud refuses every subscription: ${reason}. Check NOTIFICATION_SUBSCRIPTIONS.`,
    { retriable: false },
  );
}
