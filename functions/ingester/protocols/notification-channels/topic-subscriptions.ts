import { setTimeout as delay } from 'node:timers/promises';
import { MAX_TOPICS_PER_CHANNEL } from '../../../../lib/genesys/channel-budget.ts';
import { topicsOfShard } from '../../../../lib/genesys/topic-shards.ts';
import type { OAuthClient, ProtocolContext } from '../stream-protocol.ts';
import type { ChannelConfiguration } from './channel-configuration.ts';
import { type ChannelStore, MemoryChannelStore } from './channel-store.ts';
import { DynamoDbChannelStore } from './dynamodb-channel-store.ts';
import { SteadyTopics } from './steady-topics.ts';
import { type ChannelSubscription, SubscriptionChannels } from './subscription-channels.ts';
import { expandTopics } from './topic-expansion.ts';
import { spreadTopics } from './topic-spreading.ts';

/**
 * The subscriptions of a deployment, one per channel, named by number. Users and queues are listed again at every
 * refresh. If a refresh fails, the previous topics are kept.
 */
export async function* topicSubscriptions(
  configuration: ChannelConfiguration,
  context: ProtocolContext,
  store: ChannelStore = channelStore(context),
): AsyncGenerator<ReadonlyMap<string, ChannelSubscription>> {
  const { log, signal } = context;
  let current: ReadonlyMap<string, ChannelSubscription> = new Map();
  let topicsByChannel: string[][] = [];
  let surplus: string[] = [];
  let clients: readonly OAuthClient[] = [];
  const steady = new SteadyTopics(log);
  for (let isFirst = true; ; isFirst = false) {
    if (!isFirst) await delay(configuration.TOPIC_REFRESH_SECONDS * 1000, undefined, { signal });
    try {
      const filled = await context.clients();
      clients = filled;
      const expanded = await expandTopics(configuration.TOPICS, filled[0].rest, signal);
      const topics = steady.take(topicsOfShard(expanded, configuration.SHARD));
      if (topics.length === 0) log.warn('no users or queues are listed, so there is nothing to subscribe to');
      const maxChannels = configuration.CHANNELS * clients.length;
      ({ channels: topicsByChannel, surplus } = spreadTopics(topicsByChannel, topics, maxChannels));
      steady.confirm();
    } catch (error) {
      if (isFirst || signal.aborted) throw error;
      log.warn('the list of topics could not be refreshed; the previous one is kept', { error });
      continue;
    }
    current = toSubscriptions(
      topicsByChannel,
      current,
      (used) => new SubscriptionChannels(store, leastUsed(clients, used), context),
    );
    excludeSurplus(surplus, current, { each: configuration.CHANNELS, clients: clients.length });
    yield current;
  }
}

function toSubscriptions(
  topicsByChannel: readonly (readonly string[])[],
  previous: ReadonlyMap<string, ChannelSubscription>,
  newChannels: (used: readonly SubscriptionChannels[]) => SubscriptionChannels,
): ReadonlyMap<string, ChannelSubscription> {
  const subscriptions = new Map<string, ChannelSubscription>();
  const wanted = topicsByChannel.flatMap((topics, index) =>
    topics.length === 0 ? [] : { name: String(index), topics },
  );
  const used = wanted.flatMap(({ name }) => previous.get(name)?.channels ?? []);
  for (const { name, topics } of wanted) {
    const known = previous.get(name);
    const channels = known?.channels ?? newChannels(used);
    if (!known) used.push(channels);
    const isUnchanged = known && isEqual(known.topics, topics);
    subscriptions.set(name, isUnchanged ? known : subscription(topics, channels));
  }
  return subscriptions;
}

function subscription(topics: readonly string[], channels: SubscriptionChannels): ChannelSubscription {
  return {
    topics,
    channels,
    get rejected() {
      return channels.rejected;
    },
  };
}

/** The OAuth client with the fewest subscriptions, so that they are spread evenly. */
function leastUsed(clients: readonly OAuthClient[], used: readonly SubscriptionChannels[]): OAuthClient {
  const uses = (client: OAuthClient) => used.filter((channels) => channels.client === client).length;
  return clients.reduce((least, client) => (uses(client) < uses(least) ? client : least));
}

/** Topics that do not fit are reported like topics rejected by the server. */
function excludeSurplus(
  surplus: readonly string[],
  subscriptions: ReadonlyMap<string, ChannelSubscription>,
  { each, clients }: { each: number; clients: number },
): void {
  const [first] = subscriptions.values();
  first?.channels.surplus.exclude(
    surplus,
    `no channel has room: ${clients} OAuth client(s) with ${each} channels per task can have ${each * clients * MAX_TOPICS_PER_CHANNEL} topics; add another OAuth client to \`secret\`, or run fewer tasks`,
  );
}

function isEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((topic, index) => topic === right[index]);
}

function channelStore({ stateTable, subscriptionSet }: ProtocolContext): ChannelStore {
  return stateTable
    ? new DynamoDbChannelStore(stateTable.client, stateTable.name, subscriptionSet)
    : new MemoryChannelStore();
}
