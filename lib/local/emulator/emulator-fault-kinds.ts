import { AwsError } from './emulated-service.ts';

/** What may go wrong, and when. Each is something that AWS does to its callers now and then. */
export const FAULT_KINDS = {
  timeout_before_commit: 'The request is lost: nothing is done, and no answer comes.',
  timeout_after_commit: 'The answer is lost: everything is done, and no answer comes.',
  throttle: "The whole request is refused with the service's own throttling error.",
  server_error: 'The whole request is refused with a 5xx, and nothing is done.',
  partial_failure: 'Some entries of a batch are not done, and the answer says which.',
  duplicate_delivery: 'A received message comes again, as from a replica that missed the first receive.',
  reorder: 'Messages come out of order.',
} as const;

export type AwsFaultKind = keyof typeof FAULT_KINDS;

const WHOLE_CALL = ['timeout_before_commit', 'timeout_after_commit', 'throttle', 'server_error'] as const;
const BATCH = [...WHOLE_CALL, 'partial_failure'] as const;

/** The target of receives, to which the kinds belong that are drawn for each message. */
export const RECEIVE_TARGET = 'AmazonSQS.ReceiveMessage';

/** Which kinds may hit which target. What is not listed (every control-plane action) is never hit. */
export const FAULTY_TARGETS: Readonly<Record<string, readonly AwsFaultKind[]>> = {
  [RECEIVE_TARGET]: ['duplicate_delivery', 'reorder'],
  'AmazonSQS.SendMessage': WHOLE_CALL,
  'AmazonSQS.SendMessageBatch': BATCH,
  'AmazonSQS.DeleteMessage': WHOLE_CALL,
  'AmazonSQS.DeleteMessageBatch': BATCH,
  'AmazonSQS.ChangeMessageVisibility': WHOLE_CALL,
  'AmazonSQS.ChangeMessageVisibilityBatch': BATCH,
  'AWSEvents.PutEvents': BATCH,
  'DynamoDB_20120810.GetItem': WHOLE_CALL,
  'DynamoDB_20120810.PutItem': WHOLE_CALL,
  'DynamoDB_20120810.UpdateItem': WHOLE_CALL,
  'DynamoDB_20120810.DeleteItem': WHOLE_CALL,
  'DynamoDB_20120810.Query': WHOLE_CALL,
  'DynamoDB_20120810.BatchGetItem': BATCH,
  'DynamoDB_20120810.ExecuteStatement': WHOLE_CALL,
  'DynamoDB_20120810.BatchExecuteStatement': BATCH,
  'secretsmanager.GetSecretValue': WHOLE_CALL,
};

type ErrorData = readonly [type: string, message: string, status: number, queryCode?: string];

interface ServiceErrors {
  readonly throttle: ErrorData;
  readonly server_error: ErrorData;
}

const ERRORS: Readonly<Record<string, ServiceErrors>> = {
  AmazonSQS: {
    throttle: [
      'com.amazonaws.sqs#RequestThrottled',
      'The request was denied due to request throttling.',
      403,
      'RequestThrottled;Sender',
    ],
    server_error: [
      'com.amazonaws.sqs#InternalError',
      'We encountered an internal error. Please try again.',
      500,
      'InternalError;Receiver',
    ],
  },
  DynamoDB_20120810: {
    throttle: [
      'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
      'The level of configured provisioned throughput for the table was exceeded.',
      400,
    ],
    server_error: ['com.amazonaws.dynamodb.v20120810#InternalServerError', 'Internal server error', 500],
  },
  secretsmanager: {
    throttle: ['ThrottlingException', 'Rate exceeded', 400],
    server_error: ['InternalServiceError', 'An error occurred on the server side.', 500],
  },
};

const OTHER_SERVICES: ServiceErrors = {
  throttle: ['ThrottlingException', 'Rate exceeded', 400],
  server_error: ['InternalException', 'The service failed; try again.', 500],
};

/** The error of a service for `throttle` or `server_error`. */
export function faultError(target: string, kind: 'throttle' | 'server_error'): AwsError {
  const service = target.slice(0, target.indexOf('.'));
  const [type, message, status, queryCode] = (ERRORS[service] ?? OTHER_SERVICES)[kind];
  return new AwsError(type, message, { status, ...(queryCode !== undefined && { queryCode }) });
}
