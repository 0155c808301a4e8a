import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { ProtocolContext } from '../stream-protocol.ts';

/** A cursor is kept as long as gap records. */
const LIFETIME_SECONDS = 90 * 86_400;

/**
 * The cursor of a subscription in the state table, `pk` = `subscription#<subscription set>`, `sk` =
 * `cursor#<protocol>/<subscription>`, `cursor`. Without a state table it is kept in memory.
 */
export class StoredCursor {
  private readonly context: Pick<ProtocolContext, 'stateTable' | 'subscriptionSet'>;
  private readonly sk: string;
  private committed: string | undefined;

  constructor(context: Pick<ProtocolContext, 'stateTable' | 'subscriptionSet'>, subscription: string) {
    this.context = context;
    this.sk = `cursor#${subscription}`;
  }

  /** The last cursor that this process, or the one before it, has stored. */
  async read(): Promise<string | undefined> {
    const { stateTable } = this.context;
    if (this.committed !== undefined || !stateTable) return this.committed;
    const { client, name } = stateTable;
    const { Item } = await client.send(
      new GetItemCommand({ TableName: name, Key: this.key, ConsistentRead: true }),
    );
    return Item?.cursor?.S;
  }

  /** Store a cursor durably. */
  async write(cursor: string): Promise<void> {
    const { stateTable } = this.context;
    if (stateTable) {
      const expiresAt = { N: String(Math.floor(Date.now() / 1000) + LIFETIME_SECONDS) };
      const Item = { ...this.key, cursor: { S: cursor }, expiresAt };
      await stateTable.client.send(new PutItemCommand({ TableName: stateTable.name, Item }));
    }
    this.committed = cursor;
  }

  private get key() {
    return { pk: { S: `subscription#${this.context.subscriptionSet}` }, sk: { S: this.sk } };
  }
}
