import { optionalObjects, optionalString } from '../action-input.ts';
import { AwsError, type JsonObject } from '../emulated-service.ts';
import { refuseOtherMembers } from '../not-emulated.ts';
import { sqsError } from './sqs-errors.ts';

/** SQS quota. */
const MAX_BATCH_ENTRIES = 10;

/** One entry of a batch request, with its id. */
export interface BatchEntry {
  readonly id: string;
  readonly input: JsonObject;
}

/** Reads the entries of a batch, and checks their number and ids. */
export function parseBatch(input: JsonObject, shapeName: string, members: readonly string[]): BatchEntry[] {
  const inputs = optionalObjects(input, 'Entries') ?? [];
  if (inputs.length === 0)
    throw sqsError('EmptyBatchRequest', `There should be at least one ${shapeName} in the request.`);
  if (inputs.length > MAX_BATCH_ENTRIES)
    throw sqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH_ENTRIES}. You have sent ${inputs.length}.`,
    );
  for (const entry of inputs) refuseOtherMembers(entry, ['Id', ...members], shapeName);
  const entries = inputs.map((entry) => ({ id: optionalString(entry, 'Id') ?? '', input: entry }));
  const ids = new Set<string>();
  for (const { id } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(id))
      throw sqsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. ' +
          `It can be at most 80 letters long. This one is "${id}".`,
      );
    if (ids.has(id)) throw sqsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    ids.add(id);
  }
  return entries;
}

/** Runs each entry independently. An error becomes a `Failed` element and does not affect the other entries. */
export function runBatch(
  entries: readonly BatchEntry[],
  run: (input: JsonObject) => JsonObject | undefined,
): JsonObject {
  const successful: JsonObject[] = [];
  const failed: JsonObject[] = [];
  for (const { id, input } of entries) {
    try {
      successful.push({ Id: id, ...run(input) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const code = error.queryCode?.split(';')[0] ?? error.code;
      failed.push({ Id: id, SenderFault: error.status < 500, Code: code, Message: error.message });
    }
  }
  return {
    ...(successful.length > 0 && { Successful: successful }),
    ...(failed.length > 0 && { Failed: failed }),
  };
}
