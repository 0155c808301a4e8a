import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { InternalException } from '@aws-sdk/client-eventbridge';
import { QueueDoesNotExist, RequestThrottled } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { isTransient } from '../../lib/aws/transient-errors.ts';

const named = (name: string, more: object = {}) => Object.assign(new Error('AWS error'), { name }, more);
const withStatus = (httpStatusCode: number) => named('SomeException', { $metadata: { httpStatusCode } });
const details = { message: 'AWS error', $metadata: {} };

describe('Transient errors', () => {
  test.each([
    'ThrottlingException',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'TooManyRequestsException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'LimitExceededException',
    'TransactionInProgressException',
    'InternalException',
    'InternalFailure',
    'InternalServerError',
    'ServiceUnavailable',
    'ServiceUnavailableException',
    'TimeoutError',
    'RequestTimeout',
  ])('The error %s is transient with any status', (name) => {
    expect(isTransient(named(name))).toBe(true);
    expect(isTransient(named(name, { $metadata: { httpStatusCode: 400 } }))).toBe(true);
  });

  test.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'EPIPE',
    'ETIMEDOUT',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_SOCKET',
  ])('A connection that failed with %s is a transient error', (code) => {
    expect(isTransient(named('Error', { code }))).toBe(true);
  });

  test.each([500, 502, 503, 504, 599])('A response with status %i is a transient error', (status) => {
    expect(isTransient(withStatus(status))).toBe(true);
  });

  test.each([
    [
      'An error that the SDK marks as retryable',
      named('SomeException', { $retryable: { throttling: false } }),
    ],
    ['The RequestThrottled exception of the SDK', new RequestThrottled(details)],
    ['The InternalException of the SDK', new InternalException(details)],
  ])('%s is transient', (_, error) => {
    expect(isTransient(error)).toBe(true);
  });
});

describe('Permanent errors', () => {
  test.each([
    ['A nonexistent queue', new QueueDoesNotExist(details)],
    ['A failed condition', new ConditionalCheckFailedException(details)],
    ['A missing permission', named('AccessDeniedException', { $metadata: { httpStatusCode: 403 } })],
    ['A lack of credentials', named('CredentialsProviderError')],
    ['An invalid request', named('ValidationException', { $metadata: { httpStatusCode: 400 } })],
    ['An unknown host', named('Error', { code: 'ENOTFOUND' })],
    ['An abort', named('AbortError')],
    ['A programming error', new TypeError('x is not a function')],
  ])('%s is not a transient error', (_, error) => {
    expect(isTransient(error)).toBe(false);
  });

  test.each([200, 302, 400, 403, 404, 499])(
    'A response with status %i is not a transient error',
    (status) => {
      expect(isTransient(withStatus(status))).toBe(false);
    },
  );

  test.each([undefined, null, 'ThrottlingException', 503, { name: 'ThrottlingException' }])(
    'The value %j, which is not an Error, is not a transient error',
    (value) => {
      expect(isTransient(value)).toBe(false);
    },
  );
});
