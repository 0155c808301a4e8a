import { redact } from '../events/redaction.ts';

/** What went wrong between us and Genesys Cloud; `code` is for programs, the message for people. */
export type GenesysErrorCode =
  | 'unknown_client'
  | 'wrong_secret'
  | 'missing_permission'
  | 'rate_limited'
  | 'unauthorized'
  | 'not_found'
  | 'refused'
  | 'unreachable'
  | 'unavailable'
  | 'unexpected_answer';

/** An answer of Genesys Cloud, or the lack of one, that ends a call. Its message holds no secret (P7). */
export class GenesysError extends Error {
  readonly code: GenesysErrorCode;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retriable: boolean;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** `Retry-After` of the answer in milliseconds, where it had one. */
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

/** Milliseconds of a `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3); undefined without one. */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** The error of a `fetch` that brought no answer: no such host, refused, reset, timed out. */
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
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}
