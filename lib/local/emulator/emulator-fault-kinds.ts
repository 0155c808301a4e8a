import { AwsError } from './emulated-service.ts';

/** The faults that can be injected. AWS shows each of them from time to time. */
export const FAULT_KINDS = {
  timeout_before_commit: 'The request is lost: it is not executed, and there is no response.',
  timeout_after_commit: 'The response is lost: the request is executed, but there is no response.',
  throttle: "The whole request is refused with the service's throttling error.",
  server_error: 'The whole request is refused with a 5xx status and is not executed.',
  partial_failure: 'Some entries of a batch fail, and the response lists them.',
  duplicate_delivery: 'A received message is delivered twice, both times with the same receive count.',
  duplicate_higher_count:
    'A received message is delivered twice, the second time with a higher receive count.',
  duplicate_event: 'EventBridge delivers an event to a queue twice, as two messages.',
  reorder: 'Messages are delivered out of order.',
  early_visibility: 'A received message becomes visible before its visibility timeout has passed.',
  low_receive_count: 'The receive count of a redelivered message is reported one too low.',
  stale_read: 'A read without ConsistentRead returns an older state of the item.',
} as const;

export type AwsFaultKind = keyof typeof FAULT_KINDS;

const WHOLE_CALL = ['timeout_before_commit', 'timeout_after_commit', 'throttle', 'server_error'] as const;
const BATCH = [...WHOLE_CALL, 'partial_failure'] as const;

/** The kinds that are drawn per message or per read, not per call. */
export const PER_ITEM_KINDS = [
  'duplicate_delivery',
  'duplicate_higher_count',
  'duplicate_event',
  'reorder',
  'early_visibility',
  'low_receive_count',
  'stale_read',
] as const satisfies readonly AwsFaultKind[];
export type PerItemKind = (typeof PER_ITEM_KINDS)[number];

/** The target of the kinds that are drawn per message. */
export const RECEIVE_TARGET = 'AmazonSQS.ReceiveMessage';
/** The target of `duplicate_event`, which stands for every event that a rule sends to a queue. */
export const EVENT_TARGET = 'AWSEvents.PutEvents';
/** The target of `stale_read`, which stands for GetItem, BatchGetItem and Query. */
export const READ_TARGET = 'DynamoDB_20120810.GetItem';

/** The kinds that can hit each target. A target that is not listed, such as CreateQueue, is never hit. */
export const FAULTY_TARGETS: Readonly<Record<string, readonly AwsFaultKind[]>> = {
  [RECEIVE_TARGET]: [
    'duplicate_delivery',
    'duplicate_higher_count',
    'reorder',
    'early_visibility',
    'low_receive_count',
  ],
  'AmazonSQS.SendMessage': WHOLE_CALL,
  'AmazonSQS.SendMessageBatch': BATCH,
  'AmazonSQS.DeleteMessage': WHOLE_CALL,
  'AmazonSQS.DeleteMessageBatch': BATCH,
  'AmazonSQS.ChangeMessageVisibility': WHOLE_CALL,
  'AmazonSQS.ChangeMessageVisibilityBatch': BATCH,
  [EVENT_TARGET]: [...BATCH, 'duplicate_event'],
  'AWSEvents.PutPartnerEvents': BATCH,
  [READ_TARGET]: [...WHOLE_CALL, 'stale_read'],
  'DynamoDB_20120810.PutItem': WHOLE_CALL,
  'DynamoDB_20120810.UpdateItem': WHOLE_CALL,
  'DynamoDB_20120810.DeleteItem': WHOLE_CALL,
  'DynamoDB_20120810.Query': WHOLE_CALL,
  'DynamoDB_20120810.BatchGetItem': BATCH,
  'DynamoDB_20120810.ExecuteStatement': WHOLE_CALL,
  'DynamoDB_20120810.BatchExecuteStatement': BATCH,
  'secretsmanager.GetSecretValue': WHOLE_CALL,
  'Logs_20140328.CreateLogStream': WHOLE_CALL,
  'Logs_20140328.PutLogEvents': WHOLE_CALL,
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
