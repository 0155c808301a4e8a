import { AwsError } from '../emulated-service.ts';

/**
 * The errors of SQS: wire type, code of the query protocol and HTTP status, from the service's model. The code is sent
 * in `x-amzn-query-error`, from which SDKs read the error's name.
 */
const SQS_ERRORS = {
  BatchEntryIdsNotDistinct: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct', 400],
  BatchRequestTooLong: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.BatchRequestTooLong', 400],
  EmptyBatchRequest: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.EmptyBatchRequest', 400],
  InvalidAttributeName: ['com.amazonaws.sqs#', 'InvalidAttributeName', 400],
  InvalidAttributeValue: ['com.amazonaws.sqs#', 'InvalidAttributeValue', 400],
  InvalidBatchEntryId: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.InvalidBatchEntryId', 400],
  InvalidMessageContents: ['com.amazonaws.sqs#', 'InvalidMessageContents', 400],
  MessageNotInflight: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.MessageNotInflight', 400],
  OverLimit: ['com.amazonaws.sqs#', 'OverLimit', 403],
  QueueDoesNotExist: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.NonExistentQueue', 400],
  QueueNameExists: ['com.amazonaws.sqs#', 'QueueAlreadyExists', 400],
  ReceiptHandleIsInvalid: ['com.amazonaws.sqs#', 'ReceiptHandleIsInvalid', 404],
  ResourceNotFoundException: ['com.amazonaws.sqs#', 'ResourceNotFoundException', 404],
  TooManyEntriesInBatchRequest: [
    'com.amazonaws.sqs#',
    'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
    400,
  ],
  UnsupportedOperation: ['com.amazonaws.sqs#', 'AWS.SimpleQueueService.UnsupportedOperation', 400],
  InvalidParameterValueException: ['com.amazon.coral.service#', 'InvalidParameterValue', 400],
  MissingRequiredParameterException: ['com.amazon.coral.service#', 'MissingParameter', 400],
} as const satisfies Record<string, readonly [namespace: string, queryCode: string, status: number]>;

/** Name of an error of SQS. */
export type SqsErrorName = keyof typeof SQS_ERRORS;

/** An error of SQS. A batch entry shows the `queryCode` as its `Code`. */
export function sqsError(name: SqsErrorName, message: string): AwsError {
  const [namespace, queryCode, status] = SQS_ERRORS[name];
  return new AwsError(`${namespace}${name}`, message, { status, queryCode: `${queryCode};Sender` });
}

/** The error for a required member that is absent or empty. */
export function missingParameter(name: string): AwsError {
  return sqsError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);
}

/** The error for a member with an invalid value. */
export function invalidValue(value: unknown, name: string, reason: string): AwsError {
  return sqsError(
    'InvalidParameterValueException',
    `Value ${typeof value === 'string' ? value : JSON.stringify(value)} for parameter ${name} is invalid. Reason: ${reason}`,
  );
}
