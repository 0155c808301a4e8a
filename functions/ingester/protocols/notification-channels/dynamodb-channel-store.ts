import { hash, randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type Channel, type ChannelStore, IN_USE_MS } from './channel-store.ts';

/**
 * Channels in the state table: `pk` = `subscription#<name>`, `sk` = `channel#<digest of its id>`, `clientId` (the OAuth
 * client that created it), `holder` (the process that used it last), `seenAtMs` (when; 0 if free), `expiresAt`
 * (seconds, for the table's TTL). Only the holder changes an item, except to take a free channel.
 */
export class DynamoDbChannelStore implements ChannelStore {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly pk: string;
  /** Identifies this process. */
  private readonly holder = randomUUID();

  constructor(client: DynamoDBClient, tableName: string, subscription: string) {
    this.client = client;
    this.tableName = tableName;
    this.pk = `subscription#${subscription}`;
  }

  async acquire(untilMs: number, clientId: string): Promise<Channel | undefined> {
    const found = await this.client.send(
      new QueryCommand({
        TableName: this.tableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :channel)',
        ExpressionAttributeValues: { ':pk': { S: this.pk }, ':channel': { S: 'channel#' } },
        ConsistentRead: true,
      }),
    );
    for (const item of found.Items ?? []) {
      if (item.clientId?.S !== clientId) continue;
      const channel: Channel = {
        id: item.channelId?.S ?? '',
        clientId,
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
          clientId: { S: channel.clientId },
          connectUri: { S: channel.connectUri },
          expiresAtMs: { N: String(channel.expiresAtMs) },
          tokenExpiresAtMs: { N: String(channel.tokenExpiresAtMs) },
          holder: { S: this.holder },
          seenAtMs: { N: String(Date.now()) },
          expiresAt: { N: String(Math.ceil(channel.expiresAtMs / 1000)) },
        },
      }),
    );
  }

  async touch(channel: Channel): Promise<boolean> {
    if (await this.see(channel, Date.now())) return true;
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.tableName, Key: this.key(channel), ConsistentRead: true }),
    );
    return Item === undefined || Item.holder?.S === this.holder;
  }

  async release(channel: Channel): Promise<void> {
    await this.see(channel, 0);
  }

  async forget(channel: Channel): Promise<void> {
    await this.conditionally(
      new DeleteItemCommand({
        TableName: this.tableName,
        Key: this.key(channel),
        ConditionExpression: 'holder = :me',
        ExpressionAttributeValues: { ':me': { S: this.holder } },
      }),
    );
  }

  /** Mark a channel as in use by this process, unless another one has done so since it was read. */
  private take(channel: Channel, seenAtMs: number): Promise<boolean> {
    return this.conditionally(
      new UpdateItemCommand({
        TableName: this.tableName,
        Key: this.key(channel),
        UpdateExpression: 'SET seenAtMs = :now, holder = :me',
        ConditionExpression: 'seenAtMs = :seen',
        ExpressionAttributeValues: {
          ':now': { N: String(Date.now()) },
          ':seen': { N: String(seenAtMs) },
          ':me': { S: this.holder },
        },
      }),
    );
  }

  private see(channel: Channel, atMs: number): Promise<boolean> {
    return this.conditionally(
      new UpdateItemCommand({
        TableName: this.tableName,
        Key: this.key(channel),
        UpdateExpression: 'SET seenAtMs = :at',
        ConditionExpression: 'holder = :me',
        ExpressionAttributeValues: { ':at': { N: String(atMs) }, ':me': { S: this.holder } },
      }),
    );
  }

  /** @returns false if the condition does not hold: another process holds the channel, or it is not stored */
  private async conditionally(command: UpdateItemCommand | DeleteItemCommand): Promise<boolean> {
    try {
      // The overloads of `send` do not accept a union type.
      await this.client.send(command as UpdateItemCommand);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  private key(channel: Channel) {
    return { pk: { S: this.pk }, sk: { S: `channel#${hash('sha256', channel.id, 'hex').slice(0, 32)}` } };
  }
}
