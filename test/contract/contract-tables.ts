import {
  CreateTableCommand,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue as SdkValue,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { dynamodb, uniqueName } from './contract-clients.ts';

const MAX_WAIT_SECONDS = 25;

/** An item as the SDK takes it. */
export type SdkItem = Record<string, SdkValue>;

const created: string[] = [];

/** Creates a table with the hash key `pk` and, if `ranged`, the range key `sk`. Both are strings. */
export async function createTable(purpose: string, ranged = false): Promise<string> {
  const TableName = uniqueName(purpose);
  const names = ranged ? (['pk', 'sk'] as const) : (['pk'] as const);
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: names.map((AttributeName) => ({
        AttributeName,
        KeyType: AttributeName === 'pk' ? 'HASH' : 'RANGE',
      })),
    }),
  );
  created.push(TableName);
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: MAX_WAIT_SECONDS, minDelay: 1 }, { TableName });
  return TableName;
}

/** Deletes the tables that {@link createTable} created in this file. */
export async function deleteTables(): Promise<void> {
  for (const TableName of created.splice(0)) await dynamodb.send(new DeleteTableCommand({ TableName }));
}

/** Puts an item without a condition. */
export async function put(TableName: string, Item: SdkItem): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName, Item }));
}

/** Reads an item of a table without a range key. */
export async function get(TableName: string, pk: string): Promise<SdkItem | undefined> {
  const command = new GetItemCommand({ TableName, Key: { pk: { S: pk } }, ConsistentRead: true });
  return (await dynamodb.send(command)).Item;
}
