import { hash } from 'node:crypto';
import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import type { StoredReads } from './read-fingerprints.ts';

/** Gap records are kept longer than any backfill needs them. */
const GAP_LIFETIME_SECONDS = 90 * 86_400;
/** The events read around a gap are needed until the gap is filled. */
const EDGES_LIFETIME_SECONDS = 31 * 86_400;
/** Proofs, spans and lists of topics are kept as long as the gap records that refer to them, and are renewed while in use. */
const PROOF_LIFETIME_SECONDS = 2 * GAP_LIFETIME_SECONDS;
/** Characters of a digest that identifies a list of topics. */
const TOPICS_ID_CHARACTERS = 32;

/** An interval in which a subscription of a task had no connection that was proven live (P4). */
export interface Gap {
  /** Name of the subscription. */
  readonly subscription: string;
  /** {@link topicsId} of the topics that are affected. */
  readonly topicsId: string;
  /**
   * Epoch milliseconds. Everything that the server sent before has been read: a ping that was sent then was answered. A
   * server that does not answer pings proves less: then this is a second before the last frame.
   */
  readonly fromMs: number;
  /** Epoch milliseconds at which a connection was ready again. */
  readonly toMs: number;
  readonly reason: string;
  /** How far the wall clock moved more than a monotonic clock during the gap, if it jumped. */
  readonly clockJumpMs?: number;
}

/** How far the coverage of a subscription by one task is proven. */
export interface CoverageProof {
  readonly task: string;
  readonly subscription: string;
  /** Epoch milliseconds: everything that was sent until then was read and accepted by SQS, or is in a gap record. */
  readonly coveredUntilMs: number;
  /**
   * The topics that are served, and since when (epoch milliseconds). Together with `coveredUntilMs` a
   * {@link CoveredSpan} that has not ended. Undefined if none are served.
   */
  readonly covering?: { readonly topicsId: string; readonly fromMs: number } | undefined;
  /** Epoch milliseconds at which the proof was stored. */
  readonly storedAtMs: number;
  /** The task stopped and stored this proof last. */
  readonly isFinal: boolean;
}

/**
 * An interval in which a task served topics. The intervals of its own gap records are not covered. Without a span,
 * nothing shows that a task covered a time: it may not have run.
 */
export interface CoveredSpan {
  readonly task: string;
  readonly subscription: string;
  /** {@link topicsId} of the topics that were served. */
  readonly topicsId: string;
  /** Epoch milliseconds. */
  readonly fromMs: number;
  /** Epoch milliseconds. */
  readonly toMs: number;
  /** A standby sent what it had read, because the leader's connection had a gap. */
  readonly isBridge?: boolean | undefined;
}

/** Where gaps and proofs of coverage are stored. */
export interface CoverageStore {
  putTopics(id: string, topics: readonly string[]): Promise<void>;
  putGap(gap: Gap, task: string): Promise<void>;
  putProof(proof: CoverageProof): Promise<void>;
  putSpan(span: CoveredSpan): Promise<void>;
  /** Delete the proof of a task that has ended. */
  deleteProof(proof: CoverageProof): Promise<void>;
  /** The proofs of all tasks, strongly consistent. */
  proofs(): Promise<readonly CoverageProof[]>;
}

/** Delete the proof of a task that has ended. Its span remains. */
export async function endProof(store: CoverageStore, proof: CoverageProof): Promise<void> {
  const { task, subscription, covering, coveredUntilMs: toMs } = proof;
  if (covering && covering.fromMs < toMs) await store.putSpan({ task, subscription, ...covering, toMs });
  await store.deleteProof(proof);
}

/** Identifies a gap of a task. */
export function gapIdOf({ fromMs, subscription, topicsId: id }: Gap, task: string): string {
  return `${new Date(fromMs).toISOString()}#${task}#${subscription}#${id}`;
}

/** Identifies a list of topics, regardless of its order. */
export function topicsId(topics: readonly string[]): string {
  return hash('sha256', JSON.stringify(topics.toSorted()), 'hex').slice(0, TOPICS_ID_CHARACTERS);
}

/**
 * Coverage in the state table, `pk` = `subscription#<subscription set>`:
 *
 * - `topics#<id>`: `topics`, a list
 * - `gap#<from, ISO 8601>#<task>#<subscription>#<topics id>`: `fromMs`, `toMs`, `reason`, `task`, `subscription`, `topicsId`,
 *   `clockJumpMs`
 * - `edges#<the same as of the gap>`: `fingerprints`, `knownFromMs`, `knownUntilMs`: the events read around the gap
 * - `span#<from, ISO 8601>#<task>#<subscription>#<topics id>`: the fields of a {@link CoveredSpan}
 * - `proof#<task>#<subscription>`: `coveredUntilMs`, `storedAtMs`, `isFinal`, and of the span that has not ended
 *   `topicsId` and `coveredFromMs`
 */
export class DynamoDbCoverageStore implements CoverageStore {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly pk: AttributeValue;

  constructor(client: DynamoDBClient, tableName: string, subscriptionSet: string) {
    this.client = client;
    this.tableName = tableName;
    this.pk = { S: `subscription#${subscriptionSet}` };
  }

  async putTopics(id: string, topics: readonly string[]): Promise<void> {
    await this.put(`topics#${id}`, PROOF_LIFETIME_SECONDS, {
      topics: { L: topics.map((topic) => ({ S: topic })) },
    });
  }

  async putGap(gap: Gap, task: string): Promise<void> {
    const { subscription, fromMs, toMs, reason, clockJumpMs } = gap;
    await this.put(`gap#${gapIdOf(gap, task)}`, GAP_LIFETIME_SECONDS, {
      task: { S: task },
      subscription: { S: subscription },
      topicsId: { S: gap.topicsId },
      fromMs: { N: String(fromMs) },
      toMs: { N: String(toMs) },
      reason: { S: reason },
      ...(clockJumpMs === undefined ? {} : { clockJumpMs: { N: String(clockJumpMs) } }),
    });
  }

  /** Store the events that were read around a gap. */
  async putEdges(gapId: string, { fingerprints, knownFromMs, knownUntilMs }: StoredReads): Promise<void> {
    await this.put(`edges#${gapId}`, EDGES_LIFETIME_SECONDS, {
      fingerprints: { B: fingerprints },
      knownFromMs: { N: String(knownFromMs) },
      knownUntilMs: { N: String(knownUntilMs) },
    });
  }

  async putSpan({ task, subscription, topicsId: id, fromMs, toMs, isBridge }: CoveredSpan): Promise<void> {
    await this.put(
      `span#${new Date(fromMs).toISOString()}#${task}#${subscription}#${id}`,
      PROOF_LIFETIME_SECONDS,
      {
        task: { S: task },
        subscription: { S: subscription },
        topicsId: { S: id },
        fromMs: { N: String(fromMs) },
        toMs: { N: String(toMs) },
        ...(isBridge ? { isBridge: { BOOL: true } } : {}),
      },
    );
  }

  async putProof(proof: CoverageProof): Promise<void> {
    const { task, subscription, coveredUntilMs, covering, storedAtMs, isFinal } = proof;
    await this.put(`proof#${task}#${subscription}`, PROOF_LIFETIME_SECONDS, {
      task: { S: task },
      subscription: { S: subscription },
      coveredUntilMs: { N: String(coveredUntilMs) },
      storedAtMs: { N: String(storedAtMs) },
      isFinal: { BOOL: isFinal },
      ...(covering && {
        topicsId: { S: covering.topicsId },
        coveredFromMs: { N: String(covering.fromMs) },
      }),
    });
  }

  async deleteProof({ task, subscription }: CoverageProof): Promise<void> {
    const Key = { pk: this.pk, sk: { S: `proof#${task}#${subscription}` } };
    await this.client.send(new DeleteItemCommand({ TableName: this.tableName, Key }));
  }

  async proofs(): Promise<readonly CoverageProof[]> {
    const proofs: CoverageProof[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :proof)',
          ExpressionAttributeValues: { ':pk': this.pk, ':proof': { S: 'proof#' } },
          ConsistentRead: true,
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      );
      proofs.push(...(page.Items ?? []).map(toProof));
      start = page.LastEvaluatedKey;
    } while (start);
    return proofs;
  }

  private async put(
    sk: string,
    lifetimeSeconds: number,
    attributes: Record<string, AttributeValue>,
  ): Promise<void> {
    const expiresAt = { N: String(Math.floor(Date.now() / 1000) + lifetimeSeconds) };
    const Item = { pk: this.pk, sk: { S: sk }, ...attributes, expiresAt };
    await this.client.send(new PutItemCommand({ TableName: this.tableName, Item }));
  }
}

/** The proof in an item of the state table. */
export function toProof(item: Record<string, AttributeValue>): CoverageProof {
  const { topicsId: id, coveredFromMs } = item;
  return {
    task: item.task?.S ?? '',
    subscription: item.subscription?.S ?? '',
    coveredUntilMs: Number(item.coveredUntilMs?.N),
    storedAtMs: Number(item.storedAtMs?.N),
    isFinal: item.isFinal?.BOOL ?? false,
    ...(id?.S && coveredFromMs?.N ? { covering: { topicsId: id.S, fromMs: Number(coveredFromMs.N) } } : {}),
  };
}
