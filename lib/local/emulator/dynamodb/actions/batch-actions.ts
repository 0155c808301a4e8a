import { isJsonObject, optionalObject, optionalObjects, serializationError } from '../../input.ts';
import type { Action, JsonObject } from '../../service.ts';
import { readUnits } from '../capacity.ts';
import { validationError } from '../errors.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { project, readProjection } from '../expressions/projection.ts';
import { keyOf, type PrimaryKey } from '../tables/key-schema.ts';
import type { Table } from '../tables/table.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { performWrite, type Write } from '../write.ts';
import { type ActionContext, refuseUnsupported, requestCapacity } from './context.ts';
import { deleteWrite, putWrite } from './write-requests.ts';

/** Keys of one BatchGetItem and writes of one BatchWriteItem (DynamoDB quotas). */
const MAX_GET_KEYS = 100;
const MAX_WRITE_REQUESTS = 25;
/** What one BatchGetItem returns at most; the rest comes back as `UnprocessedKeys` (DynamoDB quota). */
const MAX_GET_BYTES = 16 * 1_048_576;

/** BatchGetItem and BatchWriteItem. */
export function batchActions(context: ActionContext): Record<string, Action> {
  return {
    BatchGetItem: (input) => batchGet(context, input),
    BatchWriteItem: (input) => batchWrite(context, input),
  };
}

interface Reading {
  readonly table: Table;
  readonly request: JsonObject;
  readonly keys: readonly PrimaryKey[];
  readonly paths: ReturnType<typeof readProjection>;
}

function batchGet(context: ActionContext, input: JsonObject): JsonObject {
  const requests = requestItems(input, isJsonObject, 'an object');
  const readings = requests.map(([name, request]) => readKeys(context, name, request));
  if (readings.reduce((total, { keys }) => total + keys.length, 0) > MAX_GET_KEYS)
    throw validationError('Too many items requested for the BatchGetItem call');
  const capacity = requestCapacity(context, input);
  const responses: Record<string, Item[]> = {};
  const unprocessed: Record<string, JsonObject> = {};
  let bytes = 0;
  for (const { table, request, keys, paths } of readings) {
    const items: Item[] = [];
    const left: Item[] = [];
    for (const key of keys) {
      const found = table.get(key);
      if (bytes + (found?.bytes ?? 0) > MAX_GET_BYTES) {
        left.push(key.attributes);
        continue;
      }
      bytes += found?.bytes ?? 0;
      capacity.read(table.name, readUnits(found?.bytes ?? 0, request.ConsistentRead === true));
      if (found !== undefined) items.push(project(found.item, paths));
    }
    responses[table.name] = items;
    if (left.length > 0) unprocessed[table.name] = { ...request, Keys: left };
  }
  return { Responses: responses, UnprocessedKeys: unprocessed, ...capacity.all() };
}

function readKeys(context: ActionContext, name: string, request: JsonObject): Reading {
  refuseUnsupported(request);
  const table = context.store.get(name);
  const placeholders = new Placeholders(request);
  const paths = readProjection(request, placeholders);
  placeholders.checkAllUsed();
  const keys = (optionalObjects(request, 'Keys') ?? []).map((key) =>
    keyOf(table.schema, parseItem(key, 'Key')),
  );
  if (keys.length === 0)
    throw validationError(
      `1 validation error detected: Value '[]' at 'requestItems.${name}.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    );
  refuseDuplicates(keys);
  return { table, request, keys, paths };
}

function batchWrite(context: ActionContext, input: JsonObject): JsonObject {
  const requests = requestItems(input, Array.isArray, 'a list');
  const writes: Write[] = [];
  for (const [name, list] of requests) {
    const ofTable = list.map((request: unknown) => writeRequest(context, name, request));
    refuseDuplicates(ofTable.map(({ key }) => key));
    writes.push(...ofTable);
  }
  if (writes.length > MAX_WRITE_REQUESTS)
    throw validationError('Too many items requested for the BatchWriteItem call');
  const capacity = requestCapacity(context, input);
  for (const write of writes) performWrite(write, capacity);
  return { UnprocessedItems: {}, ...capacity.all() };
}

function writeRequest(context: ActionContext, TableName: string, request: unknown): Write {
  if (!isJsonObject(request)) throw serializationError('WriteRequest', 'an object', request);
  const put = optionalObject(request, 'PutRequest');
  const deletion = optionalObject(request, 'DeleteRequest');
  if ((put === undefined) === (deletion === undefined))
    throw validationError('A WriteRequest must contain exactly one of PutRequest and DeleteRequest');
  if (put !== undefined) return putWrite(context.store, { TableName, Item: put.Item });
  return deleteWrite(context.store, { TableName, Key: deletion?.Key });
}

function requestItems<T>(
  input: JsonObject,
  is: (value: unknown) => value is T,
  expected: string,
): [string, T][] {
  const entries = Object.entries(optionalObject(input, 'RequestItems') ?? {});
  if (entries.length === 0)
    throw validationError(
      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  return entries.map(([name, value]) => {
    if (!is(value)) throw serializationError(`RequestItems.${name}`, expected, value);
    return [name, value];
  });
}

function refuseDuplicates(keys: readonly PrimaryKey[]): void {
  if (new Set(keys.map(({ text }) => text)).size !== keys.length)
    throw validationError('Provided list of item keys contains duplicates');
}
