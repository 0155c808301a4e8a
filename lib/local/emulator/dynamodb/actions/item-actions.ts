import { optionalString } from '../../input.ts';
import type { Action, JsonObject } from '../../service.ts';
import { readUnits } from '../capacity.ts';
import { validationError } from '../errors.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { project, readProjection } from '../expressions/projection.ts';
import { keyOf } from '../tables/key-schema.ts';
import { readUpdateReturn, returnedByUpdate } from '../update-return.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { performWrite, type Write } from '../write.ts';
import { type ActionContext, refuseUnsupported, requestCapacity } from './context.ts';
import { deleteWrite, putWrite, updateWrite } from './write-requests.ts';

/** GetItem, PutItem, UpdateItem and DeleteItem. */
export function itemActions(context: ActionContext): Record<string, Action> {
  const { store } = context;
  return {
    GetItem: (input) => getItem(context, input),
    PutItem: (input) => writeOne(context, input, putWrite(store, input)),
    DeleteItem: (input) => writeOne(context, input, deleteWrite(store, input)),
    UpdateItem: (input) => {
      const returned = readUpdateReturn(input);
      const { write, actions } = updateWrite(store, input);
      const capacity = requestCapacity(context, input);
      const outcome = performWrite(write, capacity);
      return { ...attributes(returnedByUpdate(returned, actions, outcome)), ...capacity.one() };
    },
  };
}

function getItem(context: ActionContext, input: JsonObject): JsonObject {
  refuseUnsupported(input);
  const table = context.store.of(input);
  const placeholders = new Placeholders(input);
  const paths = readProjection(input, placeholders);
  placeholders.checkAllUsed();
  const found = table.get(keyOf(table.schema, parseItem(input.Key, 'Key')));
  const capacity = requestCapacity(context, input);
  capacity.read(table.name, readUnits(found?.bytes ?? 0, input.ConsistentRead === true));
  return { ...(found === undefined ? {} : { Item: project(found.item, paths) }), ...capacity.one() };
}

function writeOne(context: ActionContext, input: JsonObject, write: Write): JsonObject {
  const returned = optionalString(input, 'ReturnValues') ?? 'NONE';
  if (returned !== 'NONE' && returned !== 'ALL_OLD')
    throw validationError('Return values set to invalid value');
  const capacity = requestCapacity(context, input);
  const { before } = performWrite(write, capacity);
  return { ...attributes(returned === 'ALL_OLD' ? before?.item : undefined), ...capacity.one() };
}

function attributes(item: Item | undefined): JsonObject {
  return item === undefined || Object.keys(item).length === 0 ? {} : { Attributes: item };
}
