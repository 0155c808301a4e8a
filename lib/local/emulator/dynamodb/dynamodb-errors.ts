import { AwsError } from '../emulated-service.ts';
import type { Item } from './values/attribute-value.ts';

const MODEL = 'com.amazonaws.dynamodb.v20120810#';

/** An invalid request. Nothing was read or written. */
export function validationError(message: string): AwsError {
  return new AwsError('com.amazon.coral.validate#ValidationException', message);
}

/** A value that violates a constraint of the service's model. @param rule such as `have length less than or equal to 25` */
export function constraintError(value: string, member: string, rule: string): AwsError {
  return validationError(
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must ${rule}`,
  );
}

/** `Requested resource not found`, with the table's name where AWS shows it. */
export function resourceNotFound(tableName?: string): AwsError {
  const named = tableName === undefined ? '' : `: Table: ${tableName} not found`;
  return new AwsError(`${MODEL}ResourceNotFoundException`, `Requested resource not found${named}`);
}

/** The table exists already. */
export function resourceInUse(tableName: string): AwsError {
  return new AwsError(`${MODEL}ResourceInUseException`, `Table already exists: ${tableName}`);
}

/** A limit of the emulator or a quota of AWS, which the message names. */
export function limitExceeded(message: string): AwsError {
  return new AwsError(`${MODEL}LimitExceededException`, message);
}

/** A condition that does not hold. `item` is the current item, if it was requested. */
export function conditionalCheckFailed(item?: Item): AwsError {
  return new AwsError(`${MODEL}ConditionalCheckFailedException`, 'The conditional request failed', {
    extra: item === undefined ? {} : { Item: item },
  });
}

/** A PartiQL `INSERT` of a key that exists. */
export function duplicateItem(): AwsError {
  return new AwsError(`${MODEL}DuplicateItemException`, 'Duplicate primary key exists in table');
}
