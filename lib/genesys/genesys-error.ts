import { redact } from '../events/redaction.ts';

/** Machine-readable reason of a {@link GenesysError}. */
export type GenesysErrorCode =
  | 'unknown_client'
  | 'wrong_secret'
  | 'repeated_client'
  | 'missing_permission'
  | 'rate_limited'
  | 'unauthorized'
  | 'not_found'
  | 'no_subscription'
  | 'refused'
  | 'unreachable'
  | 'unavailable'
  | 'unexpected_answer';

/** A failed call to Genesys Cloud. The message contains no secrets (P7). */
export class GenesysError extends Error {
  readonly code: GenesysErrorCode;
  /** Whether the same call may succeed if it is retried. */
  readonly retriable: boolean;
  /** HTTP status code, if there was a response. */
  readonly status: number | undefined;
  /** `Retry-After` header of the response in milliseconds, if present. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: GenesysErrorCode,
    message: string,
    options: { retriable: boolean; status?: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GenesysError';
    this.code = code;
    this.retriable = options.retriable;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Creates the error for a `fetch` call without a response: unknown host, connection refused or reset, or timeout.
 *
 * @param what - the call that failed, the beginning of the message
 */
export function unreachable(what: string, url: string, cause: unknown): GenesysError {
  const { host } = new URL(url);
  const reason = causeCode(cause);
  if (reason === 'ENOTFOUND') {
    return new GenesysError(
      'unreachable',
      `${what}: there is no host ${host}; check GENESYS_DOMAIN (for example mypurecloud.com or mypurecloud.de)`,
      { retriable: false, cause },
    );
  }
  return new GenesysError('unreachable', `${what}: ${host} could not be reached (${reason})`, {
    retriable: true,
    cause,
  });
}

function causeCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code === 'string') return code;
  return error.name === 'TimeoutError' ? 'request timed out' : error.message;
}
