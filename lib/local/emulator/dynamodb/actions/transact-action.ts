import { optionalObject, optionalObjects, optionalString } from '../../input.ts';
import { type Action, AwsError, type JsonObject } from '../../service.ts';
import type { RequestCapacity } from '../capacity.ts';
import { type CancellationReason, transactionCanceled, validationError } from '../errors.ts';
import type { TableStore } from '../tables/table-store.ts';
import { commitWrite, planWrite, type Write, type WriteOutcome } from '../write.ts';
import { type ActionContext, requestCapacity } from './context.ts';
import { conditionCheck, deleteWrite, putWrite, updateWrite } from './write-requests.ts';

/** Actions of one transaction, and the sum of their items (DynamoDB quotas). */
const MAX_TRANSACT_ITEMS = 100;
const MAX_TRANSACT_BYTES = 4 * 1_048_576;
/** A transaction costs double: it is prepared and then committed. */
const TRANSACTION_FACTOR = 2;
/** A repeat with the same `ClientRequestToken` does nothing for so long (AWS: 10 minutes). */
const TOKEN_LIFETIME_MS = 600_000;
/** Most tokens remembered; above this the oldest is forgotten. */
const MAX_TOKENS = 1_000;

interface Answered {
  readonly request: string;
  readonly atMs: number;
}

/** TransactWriteItems: all of its writes or none. */
export function transactAction(context: ActionContext): Record<string, Action> {
  const answered = new Map<string, Answered>();
  return {
    TransactWriteItems: (input) => {
      const token = optionalString(input, 'ClientRequestToken');
      const request = JSON.stringify(input.TransactItems);
      if (token !== undefined && isRepeat(answered, token, request)) return {};
      const answer = transact(context, input);
      if (token !== undefined) remember(answered, token, request);
      return answer;
    },
  };
}

function transact(context: ActionContext, input: JsonObject): JsonObject {
  const items = optionalObjects(input, 'TransactItems') ?? [];
  if (items.length === 0 || items.length > MAX_TRANSACT_ITEMS)
    throw validationError(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${items.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${MAX_TRANSACT_ITEMS}`}`,
    );
  const writes = items.map((item) => transactWrite(context.store, item));
  const targets = new Set(writes.map(({ table, key }) => `${table.name}/${key.text}`));
  if (targets.size !== writes.length)
    throw validationError('Transaction request cannot include multiple operations on one item');
  const capacity = requestCapacity(context, input);
  const outcomes = planAll(writes, capacity);
  const bytes = outcomes.reduce((sum, { after }) => sum + (after?.bytes ?? 0), 0);
  if (bytes > MAX_TRANSACT_BYTES)
    throw validationError(`Collective size of items in transaction exceeds limit: ${MAX_TRANSACT_BYTES}`);
  checkRoom(writes, outcomes);
  for (const [index, write] of writes.entries()) {
    const outcome = outcomes[index];
    if (outcome !== undefined) commitWrite(write, outcome);
  }
  return capacity.all();
}

function transactWrite(store: TableStore, item: JsonObject): Write {
  const kinds = Object.keys(item).filter((kind) => item[kind] !== undefined && item[kind] !== null);
  const [kind] = kinds;
  const request = kind === undefined ? undefined : optionalObject(item, kind);
  if (kinds.length === 1 && request !== undefined)
    switch (kind) {
      case 'Put':
        return putWrite(store, request);
      case 'Update':
        if (optionalString(request, 'UpdateExpression') === undefined)
          throw validationError(
            "The parameter 'UpdateExpression' is required but was not present in the request",
          );
        return updateWrite(store, request).write;
      case 'Delete':
        return deleteWrite(store, request);
      case 'ConditionCheck':
        return conditionCheck(store, request);
    }
  throw validationError('TransactItems can only contain one of Check, Put, Update or Delete');
}

/** Plans every write; each of them is paid for, whether the transaction happens or not. */
function planAll(writes: readonly Write[], capacity: RequestCapacity): WriteOutcome[] {
  const reasons: CancellationReason[] = [];
  const outcomes: WriteOutcome[] = [];
  for (const write of writes) {
    try {
      const pay = (units: number) => capacity.write(write.table.name, TRANSACTION_FACTOR * units);
      outcomes.push(planWrite(write, pay));
      reasons.push({ Code: 'None' });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      reasons.push(reasonOf(error));
    }
  }
  if (outcomes.length < writes.length) throw transactionCanceled(reasons);
  return outcomes;
}

function reasonOf(error: AwsError): CancellationReason {
  const { code, message, extra } = error;
  if (code !== 'ConditionalCheckFailedException') return { Code: 'ValidationError', Message: message };
  return { Code: 'ConditionalCheckFailed', Message: message, ...extra };
}

/** A table that fills up half way through would break "all or nothing". */
function checkRoom(writes: readonly Write[], outcomes: readonly WriteOutcome[]): void {
  const added = new Map<Write['table'], number>();
  for (const [index, { table }] of writes.entries()) {
    const outcome = outcomes[index];
    if (outcome?.before === undefined && outcome?.after !== undefined)
      added.set(table, (added.get(table) ?? 0) + 1);
  }
  for (const [table, items] of added) table.checkRoomFor(items);
}

function isRepeat(answered: Map<string, Answered>, token: string, request: string): boolean {
  const before = answered.get(token);
  if (before === undefined || Date.now() - before.atMs > TOKEN_LIFETIME_MS) return false;
  if (before.request === request) return true;
  throw new AwsError(
    'com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException',
    'Request token already in use for another request with a different payload',
  );
}

function remember(answered: Map<string, Answered>, token: string, request: string): void {
  answered.delete(token);
  answered.set(token, { request, atMs: Date.now() });
  const [oldest] = answered.keys();
  if (answered.size > MAX_TOKENS && oldest !== undefined) answered.delete(oldest);
}
