import { GenesysError } from '../../../lib/genesys/genesys-error.ts';

/**
 * How to continue after a connection has ended or could not be opened. `resume`: connect again with the same session ·
 * `restart`: connect with a new session · `reauthenticate`: connect with a new token and a new session · `stop`: do not
 * connect again, because it cannot succeed.
 */
export type Recovery = 'resume' | 'restart' | 'reauthenticate' | 'stop';
/** A recovery that reconnects. */
export type Reconnect = Exclude<Recovery, 'stop'>;

/** One row of a protocol's table of ends. */
export interface End {
  readonly recovery: Recovery;
  readonly meaning: string;
  /** The server limits our rate: wait for `Retry-After`, or else for the longest delay. */
  readonly throttled?: true;
  /** This end may occur this many times in a row. The next one stops the subscription. */
  readonly maxInARow?: number;
}

/** The ends of a protocol: close codes (RFC 6455, 7.4), HTTP statuses that refuse the upgrade, close reasons. */
export interface EndTable {
  /** Close reasons that say more than their code. They are tried first, in order. */
  readonly reasons?: readonly (readonly [RegExp, End])[];
  readonly codes: Readonly<Record<number, End>>;
  readonly statuses: Readonly<Record<number, End>>;
  /** For codes that the table does not list. */
  readonly otherCode: End;
  /** For statuses that the table does not list. */
  readonly otherStatus: End;
}

/** How a connection ended: a close code and reason, or the HTTP status that refused the upgrade. */
export interface EndCause {
  readonly code: number;
  readonly reason: string;
  readonly upgradeStatus?: number;
  /** A frame was larger than our limit. It was not read. */
  readonly isFrameTooLarge?: boolean;
  /** Milliseconds of the `Retry-After` header, if there was one. */
  readonly retryAfterMs?: number;
}

/** The row of a table that matches a cause. */
export function endOf(table: EndTable, cause: EndCause): End {
  const { code, reason, upgradeStatus } = cause;
  const byReason = table.reasons?.find(([pattern]) => pattern.test(reason));
  if (byReason) return byReason[1];
  if (upgradeStatus !== undefined) return table.statuses[upgradeStatus] ?? table.otherStatus;
  return table.codes[code] ?? table.otherCode;
}

/** The meaning of a failed REST call while connecting, by error code. */
const REST_ENDS: Readonly<Partial<Record<GenesysError['code'], End>>> = {
  rate_limited: { recovery: 'resume', meaning: 'too many requests', throttled: true },
  unauthorized: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
  // At once, even if it worked before.
  no_subscription: { recovery: 'stop', meaning: 'no subscription is left', maxInARow: 0 },
  not_found: { recovery: 'restart', meaning: 'a resource of the session no longer exists' },
};
const RETRIABLE: End = { recovery: 'resume', meaning: 'a temporary failure' };
const PERMANENT: End = { recovery: 'stop', meaning: 'a failure that a retry cannot resolve' };

/** The end that corresponds to a failure before the socket was opened. */
export function endOfFailure(error: unknown): End {
  if (!(error instanceof GenesysError)) return RETRIABLE;
  return REST_ENDS[error.code] ?? (error.retriable ? RETRIABLE : PERMANENT);
}
