/** Names of AWS errors that are worth retrying. */
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
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
]);
/** Node.js error codes for a failed connection. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
]);
/** Lowest HTTP status code of a server error. */
const MIN_SERVER_ERROR_STATUS = 500;

/**
 * Whether the same AWS call may succeed if it is retried. After a timeout, a failed connection or a server error, the
 * outcome of the call is unknown.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, $metadata, $retryable } = error as NodeJS.ErrnoException & {
    $metadata?: { httpStatusCode?: number };
    $retryable?: unknown;
  };
  if (TRANSIENT_NAMES.has(error.name) || $retryable !== undefined) return true;
  if (code !== undefined && CONNECTION_CODES.has(code)) return true;
  return ($metadata?.httpStatusCode ?? 0) >= MIN_SERVER_ERROR_STATUS;
}
