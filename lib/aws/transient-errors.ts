/** Names of AWS errors that pass by themselves. */
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
/** Codes of Node.js for a connection that broke. */
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
const FIRST_SERVER_ERROR = 500;

/**
 * Whether the same AWS call may succeed later without anybody changing anything. After a timeout, a broken
 * connection or a server error the outcome of the call is unknown.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, $metadata, $retryable } = error as NodeJS.ErrnoException & {
    $metadata?: { httpStatusCode?: number };
    $retryable?: unknown;
  };
  if (TRANSIENT_NAMES.has(error.name) || $retryable !== undefined) return true;
  if (code !== undefined && CONNECTION_CODES.has(code)) return true;
  return ($metadata?.httpStatusCode ?? 0) >= FIRST_SERVER_ERROR;
}
