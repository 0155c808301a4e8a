import { isJsonObject } from './action-input.ts';
import type { JsonObject } from './emulated-service.ts';
import type { FaultInjector } from './emulator-faults.ts';

/** Runs the action itself. */
type Run = (input: JsonObject) => Promise<JsonObject | undefined>;
/** Runs an action on a part of its entries and reports the others as failed. Undefined if it cannot be split. */
type Partially = (
  input: JsonObject,
  run: Run,
  faults: FaultInjector,
  target: string,
) => ReturnType<Run> | undefined;

const EVENT_ERRORS = [
  { ErrorCode: 'InternalFailure', ErrorMessage: 'The event could not be put; try again.' },
  { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded for the event bus; try again.' },
] as const;

const STATEMENT_ERROR = {
  Code: 'ThrottlingError',
  Message: 'Throughput exceeds the current capacity; try again.',
};

const PARTIALLY: Readonly<Record<string, Partially>> = {
  'AmazonSQS.SendMessageBatch': messageBatch,
  'AmazonSQS.DeleteMessageBatch': messageBatch,
  'AmazonSQS.ChangeMessageVisibilityBatch': messageBatch,
  'AWSEvents.PutEvents': putEvents,
  'AWSEvents.PutPartnerEvents': putEvents,
  'DynamoDB_20120810.BatchExecuteStatement': statements,
  'DynamoDB_20120810.BatchGetItem': batchGet,
};

/** Runs an action so that some entries of its batch fail; undefined if it cannot fail partially. */
export function runPartially(
  target: string,
  input: JsonObject,
  run: Run,
  faults: FaultInjector,
): ReturnType<Run> | undefined {
  return PARTIALLY[target]?.(input, run, faults, target);
}

function messageBatch(...[input, run, faults, target]: Parameters<Partially>): ReturnType<Partially> {
  const parts = part(input.Entries, faults, target);
  if (parts === undefined) return undefined;
  const failed = parts.failed.map((entry) => ({
    Id: isJsonObject(entry) ? entry.Id : undefined,
    SenderFault: false,
    Code: 'InternalError',
    Message: 'We encountered an internal error. Please try again.',
  }));
  return runRest(run, input, 'Entries', parts.rest).then((output) => ({
    ...output,
    Failed: [...list(output?.Failed), ...failed],
  }));
}

function putEvents(...[input, run, faults, target]: Parameters<Partially>): ReturnType<Partially> {
  const parts = part(input.Entries, faults, target);
  if (parts === undefined) return undefined;
  const random = faults.stream(target);
  return runRest(run, input, 'Entries', parts.rest).then((output) => {
    const entries = parts.weave(list(output?.Entries), () => random.pick(EVENT_ERRORS));
    const count = Number(output?.FailedEntryCount ?? 0) + parts.failed.length;
    return { ...output, FailedEntryCount: count, Entries: entries };
  });
}

function statements(...[input, run, faults, target]: Parameters<Partially>): ReturnType<Partially> {
  const parts = part(input.Statements, faults, target);
  if (parts === undefined) return undefined;
  return runRest(run, input, 'Statements', parts.rest).then((output) => ({
    ...output,
    Responses: parts.weave(list(output?.Responses), () => ({ Error: STATEMENT_ERROR })),
  }));
}

/** BatchGetItem returns unread keys as UnprocessedKeys. It never leaves all keys unread without an error. */
function batchGet(...[input, run, faults, target]: Parameters<Partially>): ReturnType<Partially> {
  const tables = input.RequestItems;
  if (!isJsonObject(tables)) return undefined;
  const keys = Object.entries(tables).flatMap(([table, request]) =>
    isJsonObject(request) ? list(request.Keys).map((key) => ({ table, key })) : [],
  );
  if (keys.length < 2) return undefined;
  const unread = faults.pickEntries(target, keys.length);
  const requestOf = (wanted: (index: number) => boolean) => {
    const kept = keys.filter((_, index) => wanted(index));
    return Object.fromEntries(
      [...new Set(kept.map(({ table }) => table))].map((table) => [
        table,
        {
          ...(tables[table] as JsonObject),
          Keys: kept.filter((k) => k.table === table).map(({ key }) => key),
        },
      ]),
    );
  };
  return run({ ...input, RequestItems: requestOf((index) => !unread.has(index)) }).then((output) => ({
    ...output,
    UnprocessedKeys: {
      ...(output?.UnprocessedKeys as JsonObject),
      ...requestOf((index) => unread.has(index)),
    },
  }));
}

interface Parts {
  readonly failed: unknown[];
  readonly rest: unknown[];
  /** Puts the responses for the other entries in their places, with failures between them. */
  readonly weave: (answers: unknown[], failure: () => unknown) => unknown[];
}

function part(entries: unknown, faults: FaultInjector, target: string): Parts | undefined {
  const all = list(entries);
  if (all.length === 0) return undefined;
  const picked = faults.pickEntries(target, all.length);
  return {
    failed: all.filter((_, index) => picked.has(index)),
    rest: all.filter((_, index) => !picked.has(index)),
    weave: (answers, failure) => {
      const left = answers.values();
      return all.map((_, index) => (picked.has(index) ? failure() : left.next().value));
    },
  };
}

/** An empty batch is an error, so nothing runs if every entry fails. */
async function runRest(run: Run, input: JsonObject, member: string, rest: unknown[]): ReturnType<Run> {
  return rest.length === 0 ? {} : run({ ...input, [member]: rest });
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
