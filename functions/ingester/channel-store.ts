import { hash } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

/** A channel that is in use says so this often. */
export const TOUCH_INTERVAL_MS = 10_000;
/** A channel not touched for this long is free: its task has ended without releasing it. */
export const IN_USE_MS = 30_000;

/** A notification channel as it is remembered between connections and between tasks. Its id is a secret (P7). */
export interface Channel {
  id: string;
  connectUri: string;
  /** Epoch milliseconds at which the platform ends the channel. */
  expiresAtMs: number;
  /** Epoch milliseconds at which the token that made the channel ends. */
  tokenExpiresAtMs: number;
}

/**
 * Remembers channels, so that a start or an overlap uses one that is there instead of making another: an OAuth
 * client has room for 20, and one socket fits a channel, so a channel is handed out to one user at a time.
 */
export interface ChannelStore {
  /** A free channel whose life and token last longer than `untilMs` (epoch milliseconds), now in use. */
  acquire(untilMs: number): Promise<Channel | undefined>;
  /** Remember a channel that was just made, in use. */
  save(channel: Channel): Promise<void>;
  /** Say that a channel is still in use; expected every {@link TOUCH_INTERVAL_MS}. */
  touch(channel: Channel): Promise<void>;
  /** Give a channel back. */
  release(channel: Channel): Promise<void>;
  /** Forget a channel that is gone. */
  forget(channel: Channel): Promise<void>;
}

/**
 * Channels in the state table: `pk` = `subscription#<name>`, `sk` = `channel#<digest of its id>`, `seenAtMs` 0 when
 * free, `expiresAt` (seconds) for the table's TTL.
 */
export class DynamoDbChannelStore implements ChannelStore {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly pk: string;

  constructor(client: DynamoDBClient, tableName: string, subscription: string) {
    this.client = client;
    this.tableName = tableName;
    this.pk = `subscription#${subscription}`;
  }

  async acquire(untilMs: number): Promise<Channel | undefined> {
    const found = await this.client.send(
      new QueryCommand({
        TableName: this.tableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :channel)',
        ExpressionAttributeValues: { ':pk': { S: this.pk }, ':channel': { S: 'channel#' } },
        ConsistentRead: true,
      }),
    );
    for (const item of found.Items ?? []) {
      const channel: Channel = {
        id: item.channelId?.S ?? '',
        connectUri: item.connectUri?.S ?? '',
        expiresAtMs: Number(item.expiresAtMs?.N),
        tokenExpiresAtMs: Number(item.tokenExpiresAtMs?.N),
      };
      const seenAtMs = Number(item.seenAtMs?.N ?? 0);
      if (Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs) <= untilMs) continue;
      if (Date.now() - seenAtMs < IN_USE_MS) continue;
      if (await this.take(channel, seenAtMs)) return channel;
    }
    return undefined;
  }

  async save(channel: Channel): Promise<void> {
    await this.client.send(
      new PutItemCommand({
        TableName: this.tableName,
        Item: {
          ...this.key(channel),
          channelId: { S: channel.id },
          connectUri: { S: channel.connectUri },
          expiresAtMs: { N: String(channel.expiresAtMs) },
          tokenExpiresAtMs: { N: String(channel.tokenExpiresAtMs) },
          seenAtMs: { N: String(Date.now()) },
          expiresAt: { N: String(Math.ceil(channel.expiresAtMs / 1000)) },
        },
      }),
    );
  }

  async touch(channel: Channel): Promise<void> {
    await this.see(channel, Date.now());
  }

  async release(channel: Channel): Promise<void> {
    await this.see(channel, 0);
  }

  async forget(channel: Channel): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.tableName, Key: this.key(channel) }));
  }

  /** Take a channel unless somebody else did since it was read. */
  private async take(channel: Channel, seenAtMs: number): Promise<boolean> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.tableName,
          Key: this.key(channel),
          UpdateExpression: 'SET seenAtMs = :now',
          ConditionExpression: 'seenAtMs = :seen',
          ExpressionAttributeValues: { ':now': { N: String(Date.now()) }, ':seen': { N: String(seenAtMs) } },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  private async see(channel: Channel, atMs: number): Promise<void> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.tableName,
          Key: this.key(channel),
          UpdateExpression: 'SET seenAtMs = :at',
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeValues: { ':at': { N: String(atMs) } },
        }),
      );
    } catch (error) {
      // Forgotten or expired meanwhile: then there is nothing to see.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  private key(channel: Channel) {
    return { pk: { S: this.pk }, sk: { S: `channel#${hash('sha256', channel.id, 'hex').slice(0, 32)}` } };
  }
}

/** Channels in memory, for a run without a state table. */
export class MemoryChannelStore implements ChannelStore {
  /** Free channels; bounded by the platform's 20 channels a client. */
  private readonly free = new Map<string, Channel>();

  async acquire(untilMs: number): Promise<Channel | undefined> {
    for (const [id, channel] of this.free) {
      this.free.delete(id);
      if (Math.min(channel.expiresAtMs, channel.tokenExpiresAtMs) > untilMs) return channel;
    }
    return undefined;
  }

  async save(): Promise<void> {}

  async touch(): Promise<void> {}

  async release(channel: Channel): Promise<void> {
    this.free.set(channel.id, channel);
  }

  async forget(channel: Channel): Promise<void> {
    this.free.delete(channel.id);
  }
}
