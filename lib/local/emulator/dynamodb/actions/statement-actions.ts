import { optionalObjects, optionalString, serializationError } from '../../action-input.ts';
import { type Action, AwsError, type JsonObject } from '../../emulated-service.ts';
import { refuseOtherMembers } from '../../not-emulated.ts';
import type { RequestCapacity } from '../capacity.ts';
import { constraintError, duplicateItem, validationError } from '../dynamodb-errors.ts';
import { insertedItem, StatementParser } from '../insert-statement.ts';
import { performWrite, type Write } from '../item-write.ts';
import { keyOfItem } from '../tables/key-schema.ts';
import { parseValue } from '../values/parse-value.ts';
import { type ActionContext, requestCapacity } from './action-context.ts';

/** Statements per BatchExecuteStatement (DynamoDB quota). */
const MAX_BATCH_STATEMENTS = 25;

/** The codes of `Responses[i].Error` for the errors of a statement. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  DuplicateItemException: 'DuplicateItem',
  LimitExceededException: 'RequestLimitExceeded',
  NotEmulatedException: 'ValidationError',
  ResourceNotFoundException: 'ResourceNotFound',
  SerializationException: 'ValidationError',
  ValidationException: 'ValidationError',
};

/** ExecuteStatement and BatchExecuteStatement, for INSERT. */
export function statementActions(context: ActionContext): Record<string, Action> {
  const parser = new StatementParser();
  return {
    ExecuteStatement: (input) => {
      const write = readInsert(context, parser, input);
      const capacity = requestCapacity(context, input);
      performWrite(write, capacity);
      return { Items: [], ...capacity.one() };
    },
    BatchExecuteStatement: (input) => executeBatch(context, parser, input),
  };
}

/**
 * BatchExecuteStatement: every statement has its own outcome. If two statements name the same item, the whole request
 * is refused ("Provided list of item keys contains duplicates"), as in AWS's DynamoDB local. There, the statements up
 * to the second one on that item have taken effect by then; here none has. Callers must not rely on either behavior.
 */
function executeBatch(context: ActionContext, parser: StatementParser, input: JsonObject): JsonObject {
  const requests = optionalObjects(input, 'Statements') ?? [];
  if (requests.length === 0 || requests.length > MAX_BATCH_STATEMENTS)
    throw constraintError('', 'statements', `have length from 1 to ${MAX_BATCH_STATEMENTS}`);
  const writes = requests.map((request) =>
    orAwsError(() => {
      refuseOtherMembers(request, ['Statement', 'Parameters'], 'a statement of BatchExecuteStatement');
      return readInsert(context, parser, request);
    }),
  );
  const keys = writes.flatMap((write) =>
    write instanceof AwsError ? [] : [`${write.table.name}/${write.key.text}`],
  );
  if (new Set(keys).size !== keys.length)
    throw validationError('Provided list of item keys contains duplicates');
  const capacity = requestCapacity(context, input);
  return { Responses: writes.map((write) => respond(write, capacity)), ...capacity.all() };
}

/** Reads `Statement` and `Parameters`. */
function readInsert({ store }: ActionContext, parser: StatementParser, input: JsonObject): Write {
  const statement = parser.parse(optionalString(input, 'Statement') ?? '');
  const given = input.Parameters ?? [];
  if (!Array.isArray(given)) throw serializationError('Parameters', 'a list', given);
  if (given.length !== statement.parameterCount)
    throw validationError("Number of parameters in request and statement don't match.");
  const parameters = given.map((value: unknown) => parseValue(value, 'Parameters'));
  const table = store.get(statement.tableName);
  const item = insertedItem(statement, parameters);
  return {
    table,
    key: keyOfItem(table.schema, item),
    refusal: (before) => (before === undefined ? undefined : duplicateItem()),
    next: () => item,
  };
}

function respond(write: Write | AwsError, capacity: RequestCapacity): JsonObject {
  // The response names the table only if the statement reached it.
  if (write instanceof AwsError) return { Error: errorOf(write) };
  const TableName = write.table.name;
  const failure = orAwsError(() => void performWrite(write, capacity));
  return failure === undefined ? { TableName } : { TableName, Error: errorOf(failure) };
}

function orAwsError<T>(run: () => T): T | AwsError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

function errorOf({ code, message }: AwsError): JsonObject {
  return { Code: ERROR_CODES[code] ?? 'InternalServerError', Message: message };
}
