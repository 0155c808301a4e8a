import type { End, EndTable } from '../end-table.ts';
import { WEBSOCKET_ENDS } from '../websocket-ends.ts';

/** The table of ends for `analytics-events`. */
export const ANALYTICS_ENDS: EndTable = {
  codes: {
    ...WEBSOCKET_ENDS,
    1008: {
      recovery: 'reauthenticate',
      meaning: 'the token has expired or lacks analytics:events:read, or the address is not allowed',
    },
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: { 429: { recovery: 'resume', meaning: 'too many connections', throttled: true } },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
/** Codes of error messages. */
export type AnalyticsErrorCode = '400' | '401' | '403';
/** What error messages mean, by their code. */
const ERRORS: Readonly<Record<AnalyticsErrorCode, End>> = {
  400: { recovery: 'stop', meaning: 'the filter is invalid: check ANALYTICS_FILTERS' },
  401: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
  403: { recovery: 'resume', meaning: 'the quota of subscriptions is used up', throttled: true },
};
const OTHER_ERROR: End = { recovery: 'resume', meaning: 'the server reports an error' };

/** What an error message means. */
export function endOfError(code: string): End {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as AnalyticsErrorCode] : OTHER_ERROR;
}
