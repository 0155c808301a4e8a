import { optionalObjects } from '../../input.ts';
import { AwsError, type JsonObject } from '../../service.ts';
import { type RequestCapacity, readUnits } from '../capacity.ts';
import { validationError } from '../errors.ts';
import { type Condition, holds } from '../expressions/condition.ts';
import { project } from '../expressions/projection.ts';
import { keyTarget } from '../partiql/key-target.ts';
import type { StatementOf } from '../partiql/statement.ts';
import type { StatementParser } from '../partiql/statement-parser.ts';
import { type StatementWrite, statementWrite } from '../partiql/statement-write.ts';
import type { PrimaryKey } from '../tables/key-schema.ts';
import type { Table } from '../tables/table.ts';
import type { AttributeValue, Item } from '../values/attribute-value.ts';
import { performWrite } from '../write.ts';
import { type ActionContext, requestCapacity } from './context.ts';
import { readStatement } from './read-statement.ts';

/** Statements of one BatchExecuteStatement (DynamoDB quota). */
const MAX_BATCH_STATEMENTS = 25;

/** The codes of `Responses[i].Error` for the errors that a statement can end in. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: 'ConditionalCheckFailed',
  DuplicateItemException: 'DuplicateItem',
  LimitExceededException: 'RequestLimitExceeded',
  ResourceNotFoundException: 'ResourceNotFound',
  ValidationException: 'ValidationError',
  SerializationException: 'ValidationError',
};

/** A statement of a batch: a write or the reading of one item, or why it can be neither. */
type Member =
  | ({ readonly kind: 'write'; readonly table: Table; readonly key: PrimaryKey } & StatementWrite)
  | {
      readonly kind: 'read';
      readonly table: Table;
      readonly key: PrimaryKey;
      readonly statement: StatementOf<'select'>;
      readonly parameters: readonly AttributeValue[];
      readonly filter: Condition | undefined;
      readonly consistent: boolean;
    }
  | { readonly kind: 'refused'; readonly error: AwsError };

/**
 * BatchExecuteStatement: every statement has its own outcome. The whole request is refused where reads and writes are
 * mixed ("Read and write requests together in the same batch is not supported") or where two statements name one item
 * ("Provided list of item keys contains duplicates"): both as in AWS's own DynamoDB local. There, the statements up to
 * the second on that item have taken effect by then; here none has, so callers must not count on either.
 */
export function executeBatch(context: ActionContext, parser: StatementParser, input: JsonObject): JsonObject {
  const requests = optionalObjects(input, 'Statements') ?? [];
  if (requests.length === 0 || requests.length > MAX_BATCH_STATEMENTS)
    throw validationError(
      `1 validation error detected: Value at 'statements' failed to satisfy constraint: Member must have length ${requests.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${MAX_BATCH_STATEMENTS}`}`,
    );
  const members = requests.map((request) => readMember(context, parser, request));
  refuseMixed(members);
  const capacity = requestCapacity(context, input);
  const Responses = members.map((member) => respond(member, capacity));
  return { Responses, ...capacity.all() };
}

function readMember(context: ActionContext, parser: StatementParser, request: JsonObject): Member {
  try {
    const { statement, parameters } = readStatement(parser, request);
    if (statement.kind !== 'select') {
      // AWS shows no item here, whatever ReturnValuesOnConditionCheckFailure says.
      const planned = statementWrite(context.store, statement, parameters, false);
      return { kind: 'write', table: planned.write.table, key: planned.write.key, ...planned };
    }
    const table = context.store.get(statement.tableName);
    const { key, rest } = keyTarget(table.schema, statement.where, parameters);
    if (key === undefined)
      throw validationError(
        'Select statements within BatchExecuteStatement must specify the primary key in the where clause.',
      );
    const consistent = request.ConsistentRead === true;
    return { kind: 'read', table, key, statement, parameters, filter: rest, consistent };
  } catch (error) {
    if (error instanceof AwsError) return { kind: 'refused', error };
    throw error;
  }
}

function refuseMixed(members: readonly Member[]): void {
  const ready = members.filter((member) => member.kind !== 'refused');
  const [first] = ready;
  if (ready.some(({ kind }) => kind !== first?.kind))
    throw validationError('Read and write requests together in the same batch is not supported.');
  const targets = new Map<Table, Set<string>>();
  for (const { table, key } of ready) {
    let keys = targets.get(table);
    if (keys === undefined) {
      keys = new Set();
      targets.set(table, keys);
    }
    if (keys.has(key.text)) throw validationError('Provided list of item keys contains duplicates');
    keys.add(key.text);
  }
}

function respond(member: Member, capacity: RequestCapacity): JsonObject {
  // Only a statement that reached its table names it.
  if (member.kind === 'refused') return { Error: errorOf(member.error) };
  const TableName = member.table.name;
  if (member.kind === 'read') {
    const { table, key, statement, parameters, filter } = member;
    const found = table.get(key);
    capacity.read(TableName, readUnits(found?.bytes ?? 0, member.consistent));
    if (found === undefined || (filter !== undefined && !holds(filter, { item: found.item, parameters })))
      return { TableName };
    return { TableName, Item: project(found.item, statement.paths) };
  }
  try {
    return { TableName, ...shown(member.returned(performWrite(member.write, capacity))) };
  } catch (error) {
    if (error instanceof AwsError) return { TableName, Error: errorOf(error) };
    throw error;
  }
}

function shown(item: Item | undefined): JsonObject {
  return item === undefined || Object.keys(item).length === 0 ? {} : { Item: item };
}

function errorOf({ code, message }: AwsError): JsonObject {
  return { Code: ERROR_CODES[code] ?? 'InternalServerError', Message: message };
}
