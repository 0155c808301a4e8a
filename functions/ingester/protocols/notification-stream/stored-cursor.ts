import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { ProtocolContext } from '../stream-protocol.ts';

/** A cursor is kept as long as gap records. */
const LIFETIME_SECONDS = 90 * 86_400;

/** A position in the stream: this event and all earlier ones are in SQS. */
export interface Cursor {
  readonly eventId: string;
  /** Epoch milliseconds at which it was stored, rounded down to a second. */
  readonly storedAtMs: number;
}

/**
 * The cursor of a subscription in the state table, `pk` = `subscription#<subscription set>`, `sk` =
 * `cursor#<protocol>/<subscription>`, `cursor`. Without a state table it is kept in memory.
 */
export class StoredCursor {
  private readonly context: Pick<ProtocolContext, 'stateTable' | 'subscriptionSet'>;
  private readonly sk: string;
  private committed: Cursor | undefined;

  constructor(context: Pick<ProtocolContext, 'stateTable' | 'subscriptionSet'>, subscription: string) {
    this.context = context;
    this.sk = `cursor#${subscription}`;
  }

  /** The last cursor that this process or the previous one has stored. */
  async read(): Promise<Cursor | undefined> {
    const { stateTable } = this.context;
    if (this.committed || !stateTable) return this.committed;
    const { client, name } = stateTable;
    const { Item } = await client.send(
      new GetItemCommand({ TableName: name, Key: this.key, ConsistentRead: true }),
    );
    const eventId = Item?.cursor?.S;
    return eventId === undefined
      ? undefined
      : { eventId, storedAtMs: (Number(Item?.expiresAt?.N) - LIFETIME_SECONDS) * 1_000 };
  }

  /** Store a cursor durably. */
  async write(eventId: string): Promise<void> {
    const { stateTable } = this.context;
    const storedAtSeconds = Math.floor(Date.now() / 1_000);
    if (stateTable) {
      const expiresAt = { N: String(storedAtSeconds + LIFETIME_SECONDS) };
      const Item = { ...this.key, cursor: { S: eventId }, expiresAt };
      await stateTable.client.send(new PutItemCommand({ TableName: stateTable.name, Item }));
    }
    this.committed = { eventId, storedAtMs: storedAtSeconds * 1_000 };
  }

  /** Deletes the cursor, because the server no longer knows it. */
  async forget(): Promise<void> {
    const { stateTable } = this.context;
    if (stateTable)
      await stateTable.client.send(new DeleteItemCommand({ TableName: stateTable.name, Key: this.key }));
    this.committed = undefined;
  }

  private get key() {
    return { pk: { S: `subscription#${this.context.subscriptionSet}` }, sk: { S: this.sk } };
  }
}
