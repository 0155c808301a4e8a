import {
  CreateTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { sdkClients } from '../sdk-clients.ts';

/** An item as the SDK takes it. */
export type SdkItem = Record<string, SdkValue>;

/** An emulator with the tables `hashed` (pk) and `ranged` (pk, sk), and a client in the same process. */
export async function localTables(): Promise<{ emulator: Emulator; client: DynamoDBClient }> {
  const emulator = new Emulator();
  const { dynamodb: client } = sdkClients({ requestHandler: emulator.requestHandler() });
  await client.send(
    new CreateTableCommand({
      TableName: 'hashed',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  await createRanged(client, 'ranged', 'S');
  return { emulator, client };
}

/** Creates a table with a hash key `pk` and a range key `sk` of a type. */
export async function createRanged(
  client: DynamoDBClient,
  TableName: string,
  rangeType: 'S' | 'N' | 'B',
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: rangeType },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}

/** Puts items. */
export async function put(client: DynamoDBClient, TableName: string, ...items: SdkItem[]): Promise<void> {
  for (const Item of items) await client.send(new PutItemCommand({ TableName, Item }));
}
