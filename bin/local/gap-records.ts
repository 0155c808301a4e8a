import type { GapRecord } from 'switchboard-local/simulator/gap-judge.ts';

/** An action of the local DynamoDB, with JSON in the wire format. */
export type DynamoDbAction = (input: Record<string, unknown>) => unknown;
/** An attribute value in the wire format. */
interface WireValue {
  readonly S?: string;
  readonly N?: string;
  readonly SS?: readonly string[];
  readonly L?: readonly WireValue[];
}
type WireItem = Readonly<Record<string, WireValue>>;

/**
 * Reads the gap records from the state table, without the product's code: items with `pk` = `subscription#<name>` and
 * `sk` = `gap#…`.
 *
 * @param scan - the Scan action of the local DynamoDB
 */
export async function readGapRecords(scan: DynamoDbAction, tableName: string): Promise<GapRecord[]> {
  const items: WireItem[] = [];
  let startKey: unknown;
  do {
    const page = (await scan({
      TableName: tableName,
      ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
    })) as { Items?: WireItem[]; LastEvaluatedKey?: unknown };
    items.push(...(page.Items ?? []));
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
  return gapRecordsOf(items);
}

/**
 * The gap records among the items of a state table. Their topics are in `topics`, or in the item `topics#<topicsId>` of
 * the same partition, and their protocol is the part of `subscription` before the slash. A record whose interval cannot
 * be read is left out, because it covers nothing.
 */
export function gapRecordsOf(items: readonly WireItem[]): GapRecord[] {
  const topicLists = new Map(
    items.flatMap(({ pk, sk, topics }): [string, string[]][] =>
      sk?.S?.startsWith('topics#') ? [[`${pk?.S} ${sk.S}`, textsOf(topics)]] : [],
    ),
  );
  return items.flatMap(({ pk, sk, fromMs, toMs, reason, subscription, topics, topicsId }) => {
    if (!pk?.S?.startsWith('subscription#') || !sk?.S?.startsWith('gap#')) return [];
    const interval = { fromMs: Number(fromMs?.N), toMs: Number(toMs?.N) };
    if (Number.isNaN(interval.fromMs) || Number.isNaN(interval.toMs)) return [];
    const listed = topicLists.get(`${pk.S} topics#${topicsId?.S ?? topicsId?.N}`) ?? [];
    const protocol = subscription?.S?.split('/')[0];
    return {
      ...interval,
      reason: reason?.S ?? '',
      topics: [...textsOf(topics), ...listed],
      ...(protocol === undefined ? {} : { protocol }),
    };
  });
}

/** The strings of a list or a string set. */
function textsOf(value: WireValue | undefined): string[] {
  return [...(value?.SS ?? []), ...(value?.L ?? []).flatMap(({ S }) => S ?? [])];
}
