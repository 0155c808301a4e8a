import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { InternalException } from '@aws-sdk/client-eventbridge';
import { QueueDoesNotExist, RequestThrottled } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { isTransient } from '../../lib/aws/transient-errors.ts';

const named = (name: string, more: object = {}) => Object.assign(new Error('of AWS'), { name }, more);
const answered = (httpStatusCode: number) => named('SomeException', { $metadata: { httpStatusCode } });
const about = { message: 'of AWS', $metadata: {} };

describe('passes by itself:', () => {
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
  ])('%s, whatever its status', (name) => {
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
  ])('a connection that broke with %s', (code) => {
    expect(isTransient(named('Error', { code }))).toBe(true);
  });

  test.each([500, 502, 503, 504, 599])('an answer with %i', (status) => {
    expect(isTransient(answered(status))).toBe(true);
  });

  test.each([
    ['what the SDK says may be repeated', named('SomeException', { $retryable: { throttling: false } })],
    ['a throttled request, as the SDK throws it', new RequestThrottled(about)],
    ['an internal error, as the SDK throws it', new InternalException(about)],
  ])('%s', (_, error) => {
    expect(isTransient(error)).toBe(true);
  });
});

describe('stays until somebody changes something:', () => {
  test.each([
    ['a queue that does not exist', new QueueDoesNotExist(about)],
    ['a condition that is not met', new ConditionalCheckFailedException(about)],
    ['missing permission', named('AccessDeniedException', { $metadata: { httpStatusCode: 403 } })],
    ['missing credentials', named('CredentialsProviderError')],
    ['a wrong request', named('ValidationException', { $metadata: { httpStatusCode: 400 } })],
    ['a host that does not exist', named('Error', { code: 'ENOTFOUND' })],
    ['an abort', named('AbortError')],
    ['a mistake of the program', new TypeError('x is not a function')],
  ])('%s', (_, error) => {
    expect(isTransient(error)).toBe(false);
  });

  test.each([200, 302, 400, 403, 404, 499])('an answer with %i', (status) => {
    expect(isTransient(answered(status))).toBe(false);
  });

  test.each([undefined, null, 'ThrottlingException', 503, { name: 'ThrottlingException' }])(
    'what is no error: %j',
    (value) => {
      expect(isTransient(value)).toBe(false);
    },
  );
});
