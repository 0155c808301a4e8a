import { optionalObject, optionalString } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { NotEmulatedError, refuseOtherMembers } from '../not-emulated.ts';
import { requiredName, requiredString, validationError } from './eventbridge-input.ts';

/** Longest target id and rule name, in characters. */
export const MAX_NAME_CHARACTERS = 64;

/** `RetryPolicy` has no effect: a delivery to a queue in the same process has no transient failures. */
const MEMBERS = ['Id', 'Arn', 'DeadLetterConfig', 'RetryPolicy'];
const SQS_ARN = /^arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w-]+$/;

/** Where a rule sends its events. */
export interface Target {
  readonly id: string;
  /** ARN of an SQS queue. */
  readonly arn: string;
  /** ARN of the queue for events that cannot be delivered. */
  readonly deadLetterArn: string | undefined;
  /** The target as it was given, for ListTargetsByRule. */
  readonly definition: JsonObject;
}

/** Checks one element of `Targets`. */
export function readTarget(definition: JsonObject): Target {
  refuseOtherMembers(definition, MEMBERS, 'a target of PutTargets');
  const id = requiredName(definition, 'Id', MAX_NAME_CHARACTERS);
  const arn = requiredString(definition, 'Arn');
  if (!SQS_ARN.test(arn))
    throw new NotEmulatedError({
      where: `PutTargets (target ${id})`,
      kind: 'target',
      name: arn,
      supported: ['standard SQS queues (arn:aws:sqs:…)'],
    });
  const deadLetterArn = optionalString(optionalObject(definition, 'DeadLetterConfig') ?? {}, 'Arn');
  if (deadLetterArn !== undefined && !SQS_ARN.test(deadLetterArn))
    throw validationError(
      `DeadLetterConfig of target ${id} must be a standard SQS queue, not ${deadLetterArn}.`,
    );
  return { id, arn, deadLetterArn, definition };
}
