import { redact } from '../../lib/events/redaction.ts';

/** Machine-readable reason of a {@link CredentialsError}. */
export type CredentialsErrorCode =
  | 'signing_secret_invalid'
  | 'secret_invalid'
  | 'header_invalid'
  | 'token_refused'
  | 'token_unavailable'
  | 'token_invalid';

/** A request cannot be signed or authenticated, so it is not sent. The message contains no secrets (P7). */
export class CredentialsError extends Error {
  readonly code: CredentialsErrorCode;
  /** Whether it may succeed later, for example because secrets are read again. */
  readonly retriable: boolean;

  constructor(code: CredentialsErrorCode, message: string, retriable = true) {
    super(redact(message));
    this.name = 'CredentialsError';
    this.code = code;
    this.retriable = retriable;
  }
}
