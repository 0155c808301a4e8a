import { retryAfterMs } from '../../lib/http/retry-after.ts';
import type { CallResult } from './http-call.ts';

/** What happens to an event after a call. */
export type Action =
  /** The destination has accepted the event. */
  | 'delivered'
  /** The event is sent again later. */
  | 'later'
  /** The destination refuses this event: it is moved to the dead-letter queue at once. */
  | 'dead_letter'
  /** The destination is gone: nothing is sent to it until an operator resumes it. Events wait in the queue. */
  | 'stop';

/** The outcome of a call. */
export interface Outcome {
  readonly action: Action;
  /** The response of the destination, or why there is none, for logs and the dead-letter queue. */
  readonly reason: string;
  /** Status code, if there was a response. */
  readonly status?: number;
  /** Milliseconds during which the destination must not be called (`Retry-After`). */
  readonly holdMs?: number;
  /** Beginning of the response. */
  readonly answer?: string;
}

/** Longest `Retry-After` that is honored. */
const MAX_HOLD_MS = 43_200_000;

/** What a status code means for the event. Of several rows that apply, the first one counts. */
export const STATUS_ACTIONS: readonly { from: number; to: number; action: Action; meaning: string }[] = [
  { from: 200, to: 299, action: 'delivered', meaning: 'accepted' },
  { from: 300, to: 399, action: 'dead_letter', meaning: 'redirects are not followed' },
  { from: 408, to: 408, action: 'later', meaning: 'request timeout' },
  { from: 410, to: 410, action: 'stop', meaning: 'the destination is gone' },
  { from: 425, to: 425, action: 'later', meaning: 'too early' },
  { from: 429, to: 429, action: 'later', meaning: 'too many requests' },
  { from: 400, to: 499, action: 'dead_letter', meaning: 'the destination refuses the event' },
  { from: 500, to: 599, action: 'later', meaning: 'server error' },
];

const FAILURES: Readonly<Record<Extract<CallResult, { kind: 'failed' }>['reason'], string>> = {
  timeout: 'no response in time',
  address: 'the address is refused',
  certificate: 'the TLS certificate is not valid',
  network: 'the connection failed',
};

/** The outcome of a call. A status code that HTTP does not define counts as a server error. */
export function outcomeOf(result: CallResult): Outcome {
  if (result.kind === 'failed')
    return { action: 'later', reason: `${FAILURES[result.reason]}: ${result.message}` };
  const { status, text, retryAfter } = result;
  const row = STATUS_ACTIONS.find(({ from, to }) => status >= from && status <= to);
  const { action, meaning } = row ?? { action: 'later', meaning: 'undefined status code' };
  const waitMs = action === 'later' ? retryAfterMs(retryAfter) : undefined;
  return {
    action,
    reason: `${status} (${meaning})`,
    status,
    answer: text,
    ...(waitMs === undefined ? {} : { holdMs: Math.min(MAX_HOLD_MS, waitMs) }),
  };
}
