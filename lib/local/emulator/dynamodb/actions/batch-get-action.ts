import { isJsonObject, optionalObject, optionalObjects, serializationError } from '../../action-input.ts';
import type { Action, JsonObject } from '../../emulated-service.ts';
import { refuseOtherMembers } from '../../not-emulated.ts';
import { readUnits } from '../capacity.ts';
import { constraintError, validationError } from '../dynamodb-errors.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { project, readProjection } from '../expressions/projection.ts';
import { keyOf, type PrimaryKey } from '../tables/key-schema.ts';
import type { Table } from '../tables/table.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { type ActionContext, requestCapacity } from './action-context.ts';

/** Keys per BatchGetItem (DynamoDB quota). */
const MAX_GET_KEYS = 100;
/** Maximum bytes of one answer; the remaining keys are returned as `UnprocessedKeys` (DynamoDB quota). */
const MAX_GET_BYTES = 16 * 1_048_576;
const MEMBERS = ['Keys', 'ConsistentRead', 'ProjectionExpression', 'ExpressionAttributeNames'];

const NOT_EMPTY = 'have length greater than or equal to 1';

interface Reading {
  readonly table: Table;
  readonly request: JsonObject;
  readonly keys: readonly PrimaryKey[];
  readonly names: readonly string[] | undefined;
}

/** BatchGetItem. */
export function batchGetAction(context: ActionContext): Record<string, Action> {
  return { BatchGetItem: (input) => batchGet(context, input) };
}

function batchGet(context: ActionContext, input: JsonObject): JsonObject {
  const requests = Object.entries(optionalObject(input, 'RequestItems') ?? {});
  if (requests.length === 0) throw constraintError('{}', 'requestItems', NOT_EMPTY);
  const readings = requests.map(([name, request]) => readKeys(context, name, request));
  if (readings.reduce((total, { keys }) => total + keys.length, 0) > MAX_GET_KEYS)
    throw validationError('Too many items requested for the BatchGetItem call');
  const capacity = requestCapacity(context, input);
  const responses: Record<string, Item[]> = {};
  const unprocessed: Record<string, JsonObject> = {};
  let bytes = 0;
  for (const { table, request, keys, names } of readings) {
    const consistent = request.ConsistentRead === true;
    const items: Item[] = [];
    const left: Item[] = [];
    for (const key of keys) {
      const found = table.read(key, consistent);
      if (bytes + (found?.bytes ?? 0) > MAX_GET_BYTES) {
        left.push(key.attributes);
        continue;
      }
      bytes += found?.bytes ?? 0;
      capacity.read(table.name, readUnits(found?.bytes ?? 0, consistent));
      if (found !== undefined) items.push(project(found.item, names));
    }
    responses[table.name] = items;
    if (left.length > 0) unprocessed[table.name] = { ...request, Keys: left };
  }
  return { Responses: responses, UnprocessedKeys: unprocessed, ...capacity.all() };
}

function readKeys(context: ActionContext, name: string, request: unknown): Reading {
  if (!isJsonObject(request)) throw serializationError(`RequestItems.${name}`, 'an object', request);
  refuseOtherMembers(request, MEMBERS, 'RequestItems of BatchGetItem');
  const table = context.store.get(name);
  const placeholders = new Placeholders(request);
  const names = readProjection(request, placeholders);
  placeholders.checkAllUsed();
  const keys = (optionalObjects(request, 'Keys') ?? []).map((key) =>
    keyOf(table.schema, parseItem(key, 'Key')),
  );
  if (keys.length === 0) throw constraintError('[]', `requestItems.${name}.member.keys`, NOT_EMPTY);
  if (new Set(keys.map(({ text }) => text)).size !== keys.length)
    throw validationError('Provided list of item keys contains duplicates');
  return { table, request, keys, names };
}
