import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { type Fill, recoveredCounts } from './fill.ts';
import type { StoredEdges } from './live-edges.ts';

/** Records are kept as long as the gap records. */
const RECORD_LIFETIME_SECONDS = 90 * 86_400;
/** Gaps whose message was lost are searched for among those that began within this time. */
export const SWEEP_DAYS = 31;

type Item = Record<string, AttributeValue>;

/** A gap that is filled as far as possible. */
export interface FilledGap {
  readonly gapId: string;
  /** Epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly closedAtMs: number;
  /** Recovered events by topic with `{id}`. */
  readonly recovered: Readonly<Record<string, number>>;
  /** Events that are not recovered, or only partly, and why, by topic with `{id}`. */
  readonly notRecovered: Readonly<Record<string, string>>;
  readonly missingPermissions: Readonly<Record<string, string>>;
}

/** A gap record, as far as it is needed here. */
export interface RecordedGap {
  readonly gapId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly topicsId: string;
  readonly reason: string;
}

/** Another invocation has stored progress of the same gap, and continues. */
export class FillConflictError extends Error {
  readonly code = 'fill_conflict';

  constructor(gapId: string) {
    super(`Another invocation fills the gap ${gapId}`);
    this.name = 'FillConflictError';
  }
}

/**
 * The progress of backfills in the state table, `pk` = `subscription#<subscription set>`:
 *
 * - `fill#<gap id>`: a gap that is being filled; `state` is the JSON of a {@link Fill}
 * - `filled#<gap id>`: the result, the fields of a {@link FilledGap}
 * - `edges#<gap id>`: the fingerprints of events read around the gap, written by the ingester
 *
 * The id of a gap is the sort key of its record without `gap#`.
 */
export class FillStore {
  private readonly client: DynamoDBClient;
  private readonly TableName: string;
  private readonly pk: AttributeValue;

  constructor(client: DynamoDBClient, tableName: string, subscriptionSet: string) {
    this.client = client;
    this.TableName = tableName;
    this.pk = { S: `subscription#${subscriptionSet}` };
  }

  /** A gap record; undefined if there is none. */
  async gap(gapId: string): Promise<RecordedGap | undefined> {
    const item = await this.get(`gap#${gapId}`);
    return item && toGap(item);
  }

  /** The gap records that began since a time, in epoch milliseconds. */
  async gapsSince(fromMs: number): Promise<readonly RecordedGap[]> {
    const items = await this.query('sk BETWEEN :from AND :to', {
      ':from': { S: `gap#${new Date(fromMs).toISOString()}` },
      ':to': { S: 'gap#~' },
    });
    return items.map(toGap);
  }

  async topics(topicsId: string): Promise<readonly string[]> {
    const item = await this.get(`topics#${topicsId}`);
    return item?.topics?.L?.flatMap(({ S }) => S ?? []) ?? [];
  }

  async edges(gapId: string): Promise<StoredEdges | undefined> {
    const item = await this.get(`edges#${gapId}`);
    if (!item?.fingerprints?.B) return undefined;
    const { fingerprints, knownFromMs, knownUntilMs } = item;
    return {
      fingerprints: fingerprints.B,
      knownFromMs: Number(knownFromMs?.N),
      // Absent in items of earlier versions.
      knownUntilMs: Number(knownUntilMs?.N ?? Number.POSITIVE_INFINITY),
    };
  }

  /** The gaps that are being filled. */
  async openFills(): Promise<readonly Fill[]> {
    const items = await this.query('begins_with(sk, :prefix)', { ':prefix': { S: 'fill#' } });
    return items.map((item) => JSON.parse(item.state?.S ?? '{}') as Fill);
  }

  /** A gap that was filled; undefined if it was not. */
  async filledGap(gapId: string): Promise<FilledGap | undefined> {
    const item = await this.get(`filled#${gapId}`);
    return item?.result?.S === undefined ? undefined : (JSON.parse(item.result.S) as FilledGap);
  }

  /** The gaps that were filled. */
  async filledGaps(): Promise<readonly FilledGap[]> {
    const items = await this.query('begins_with(sk, :prefix)', { ':prefix': { S: 'filled#' } });
    return items.map((item) => JSON.parse(item.result?.S ?? '{}') as FilledGap);
  }

  /** Until when a gap is filled or being filled, in epoch milliseconds; undefined if it is not. */
  async filledUntilMs(gapId: string): Promise<number | undefined> {
    const items = [await this.get(`fill#${gapId}`), await this.get(`filled#${gapId}`)];
    const times = items.flatMap((item) => (item?.toMs?.N === undefined ? [] : Number(item.toMs.N)));
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** Begins to fill a gap. No effect if another invocation has begun. */
  async add(fill: Fill): Promise<void> {
    await this.putFill(fill, 'attribute_not_exists(pk)', {}).catch((error: unknown) => {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    });
  }

  /**
   * Stores progress.
   *
   * @returns the fill with its new version
   * @throws {@link FillConflictError} if another invocation has stored progress since
   */
  async save(fill: Fill): Promise<Fill> {
    const next = { ...fill, version: fill.version + 1 };
    await this.orConflict(
      fill.gapId,
      this.putFill(next, 'version = :version', { ':version': { N: String(fill.version) } }),
    );
    return next;
  }

  /**
   * Stores the result of a gap that is filled as far as possible.
   *
   * @throws {@link FillConflictError} if another invocation has stored progress since
   */
  async close(fill: Fill, notRecovered: Readonly<Record<string, string>>): Promise<FilledGap> {
    const { gapId, toMs, missingPermissions } = fill;
    const earlier = await this.filledGap(gapId);
    // A gap that has become longer is filled again, from where it ended before.
    const wasShorter = earlier !== undefined && earlier.toMs < toMs;
    const recovered = wasShorter ? sum(earlier.recovered, recoveredCounts(fill)) : recoveredCounts(fill);
    const closedAtMs = Date.now();
    const fromMs = wasShorter ? earlier.fromMs : fill.fromMs;
    const result = { gapId, fromMs, toMs, closedAtMs, recovered, notRecovered, missingPermissions };
    // In this order: a gap that is in both is only closed again.
    await this.put(`filled#${gapId}`, RECORD_LIFETIME_SECONDS, {
      toMs: { N: String(toMs) },
      result: { S: JSON.stringify(result) },
    });
    await this.orConflict(
      gapId,
      this.client.send(
        new DeleteItemCommand({
          TableName: this.TableName,
          Key: { pk: this.pk, sk: { S: `fill#${gapId}` } },
          ConditionExpression: 'version = :version',
          ExpressionAttributeValues: { ':version': { N: String(fill.version) } },
        }),
      ),
    );
    return result;
  }

  private async putFill(fill: Fill, condition: string, values: Item): Promise<void> {
    await this.put(
      `fill#${fill.gapId}`,
      RECORD_LIFETIME_SECONDS,
      {
        toMs: { N: String(fill.toMs) },
        dueAtMs: { N: String(fill.dueAtMs) },
        version: { N: String(fill.version) },
        state: { S: JSON.stringify(fill) },
      },
      { ConditionExpression: condition, ...values },
    );
  }

  private async put(
    sk: string,
    lifetimeSeconds: number,
    attributes: Item,
    { ConditionExpression, ...values }: { ConditionExpression?: string } & Record<string, unknown> = {},
  ): Promise<void> {
    const expiresAt = { N: String(Math.floor(Date.now() / 1000) + lifetimeSeconds) };
    await this.client.send(
      new PutItemCommand({
        TableName: this.TableName,
        Item: { pk: this.pk, sk: { S: sk }, ...attributes, expiresAt },
        ...(ConditionExpression === undefined ? {} : { ConditionExpression }),
        ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values as Item }),
      }),
    );
  }

  private async orConflict(gapId: string, writing: Promise<unknown>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      throw error instanceof ConditionalCheckFailedException ? new FillConflictError(gapId) : error;
    }
  }

  private async get(sk: string): Promise<Item | undefined> {
    const Key = { pk: this.pk, sk: { S: sk } };
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.TableName, Key, ConsistentRead: true }),
    );
    return Item;
  }

  private async query(condition: string, values: Item): Promise<Item[]> {
    const items: Item[] = [];
    const pages = paginateQuery(
      { client: this.client },
      {
        TableName: this.TableName,
        KeyConditionExpression: `pk = :pk AND ${condition}`,
        ExpressionAttributeValues: { ':pk': this.pk, ...values },
        ConsistentRead: true,
      },
    );
    for await (const page of pages) items.push(...(page.Items ?? []));
    return items;
  }
}

function toGap(item: Item): RecordedGap {
  return {
    gapId: (item.sk?.S ?? '').slice('gap#'.length),
    fromMs: Number(item.fromMs?.N),
    toMs: Number(item.toMs?.N),
    topicsId: item.topicsId?.S ?? '',
    reason: item.reason?.S ?? '',
  };
}

function sum(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}
