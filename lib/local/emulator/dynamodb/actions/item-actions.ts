import { optionalString } from '../../action-input.ts';
import type { Action, JsonObject } from '../../emulated-service.ts';
import { readUnits } from '../capacity.ts';
import { constraintError, validationError } from '../dynamodb-errors.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { project, readProjection } from '../expressions/projection.ts';
import { performWrite, type Write, type WriteOutcome } from '../item-write.ts';
import { keyOf } from '../tables/key-schema.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { type ActionContext, requestCapacity } from './action-context.ts';
import { deleteWrite, putWrite, updateWrite } from './write-requests.ts';

const UPDATE_RETURN_VALUES = ['NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'];

/** GetItem, PutItem, UpdateItem and DeleteItem. */
export function itemActions(context: ActionContext): Record<string, Action> {
  const { store } = context;
  return {
    GetItem: (input) => getItem(context, input),
    PutItem: (input) => writeOne(context, input, putWrite(store, input)),
    DeleteItem: (input) => writeOne(context, input, deleteWrite(store, input)),
    UpdateItem: (input) => updateItem(context, input),
  };
}

function getItem(context: ActionContext, input: JsonObject): JsonObject {
  const table = context.store.of(input);
  const placeholders = new Placeholders(input);
  const names = readProjection(input, placeholders);
  placeholders.checkAllUsed();
  const consistent = input.ConsistentRead === true;
  const found = table.read(keyOf(table.schema, parseItem(input.Key, 'Key')), consistent);
  const capacity = requestCapacity(context, input);
  capacity.read(table.name, readUnits(found?.bytes ?? 0, consistent));
  return { ...(found === undefined ? {} : { Item: project(found.item, names) }), ...capacity.one() };
}

function writeOne(context: ActionContext, input: JsonObject, write: Write): JsonObject {
  const returned = optionalString(input, 'ReturnValues') ?? 'NONE';
  if (returned !== 'NONE' && returned !== 'ALL_OLD')
    throw validationError('Return values set to invalid value');
  const capacity = requestCapacity(context, input);
  const { before } = performWrite(write, capacity);
  return { ...attributes(returned === 'ALL_OLD' ? before?.item : undefined), ...capacity.one() };
}

function updateItem(context: ActionContext, input: JsonObject): JsonObject {
  const returned = optionalString(input, 'ReturnValues') ?? 'NONE';
  if (!UPDATE_RETURN_VALUES.includes(returned))
    throw constraintError(
      returned,
      'returnValues',
      `satisfy enum value set: [${UPDATE_RETURN_VALUES.join(', ')}]`,
    );
  const { write, names } = updateWrite(context.store, input);
  const capacity = requestCapacity(context, input);
  const outcome = performWrite(write, capacity);
  return { ...attributes(returnedByUpdate(returned, names, outcome)), ...capacity.one() };
}

/** The whole item or the attributes that the update names, before or after the update. */
function returnedByUpdate(returned: string, names: string[], outcome: WriteOutcome): Item | undefined {
  if (returned === 'NONE') return undefined;
  const item = returned.endsWith('_OLD') ? outcome.before?.item : outcome.after?.item;
  return item === undefined || returned.startsWith('ALL') ? item : project(item, names);
}

function attributes(item: Item | undefined): JsonObject {
  return item === undefined || Object.keys(item).length === 0 ? {} : { Attributes: item };
}
