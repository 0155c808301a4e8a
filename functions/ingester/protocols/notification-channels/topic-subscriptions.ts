import { setTimeout as delay } from 'node:timers/promises';
import type { ProtocolContext } from '../stream-protocol.ts';
import type { ChannelConfiguration } from './channel-configuration.ts';
import { type ChannelStore, MemoryChannelStore } from './channel-store.ts';
import { DynamoDbChannelStore } from './dynamodb-channel-store.ts';
import { SteadyTopics } from './steady-topics.ts';
import { type ChannelSubscription, SubscriptionChannels } from './subscription-channels.ts';
import { expandTopics } from './topic-expansion.ts';
import { MAX_TOPICS_PER_CHANNEL, spreadTopics } from './topic-spreading.ts';

/**
 * The subscriptions of a deployment, one per channel, named by number. Users and queues are listed again at every
 * refresh; a failed refresh keeps the previous topics.
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
  const steady = new SteadyTopics(log);
  for (let isFirst = true; ; isFirst = false) {
    if (!isFirst) await delay(configuration.TOPIC_REFRESH_SECONDS * 1000, undefined, { signal });
    try {
      const topics = steady.take(await expandTopics(configuration.TOPICS, context.rest, signal));
      if (topics.length === 0) log.warn('no users or queues are listed, so there is nothing to subscribe to');
      ({ channels: topicsByChannel, surplus } = spreadTopics(
        topicsByChannel,
        topics,
        configuration.CHANNELS,
      ));
      steady.confirm();
    } catch (error) {
      if (isFirst || signal.aborted) throw error;
      log.warn('the list of topics could not be refreshed; the previous one is kept', { error });
      continue;
    }
    current = toSubscriptions(topicsByChannel, current, () => new SubscriptionChannels(store, context));
    excludeSurplus(surplus, current, configuration.CHANNELS);
    yield current;
  }
}

function toSubscriptions(
  topicsByChannel: readonly (readonly string[])[],
  previous: ReadonlyMap<string, ChannelSubscription>,
  newChannels: () => SubscriptionChannels,
): ReadonlyMap<string, ChannelSubscription> {
  const subscriptions = new Map<string, ChannelSubscription>();
  for (const [index, topics] of topicsByChannel.entries()) {
    const name = String(index);
    const known = previous.get(name);
    if (topics.length === 0) continue;
    const channels = known?.channels ?? newChannels();
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

/** Topics that do not fit are reported like topics that the server rejects. */
function excludeSurplus(
  surplus: readonly string[],
  subscriptions: ReadonlyMap<string, ChannelSubscription>,
  maxChannels: number,
): void {
  const [first] = subscriptions.values();
  first?.channels.surplus.exclude(
    surplus,
    `no channel has room: ${maxChannels} channels can have ${maxChannels * MAX_TOPICS_PER_CHANNEL} topics; run fewer tasks, or a second deployment with its own OAuth client for the others`,
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
