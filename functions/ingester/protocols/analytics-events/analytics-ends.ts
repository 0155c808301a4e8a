import type { End, EndTable } from '../end-table.ts';
import { WEBSOCKET_ENDS } from '../websocket-ends.ts';

/** The ends of `analytics-events`. */
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
/** What error messages mean, by their code. */
export const ANALYTICS_ERRORS: Readonly<Record<string, End>> = {
  400: { recovery: 'stop', meaning: 'the filter is invalid: check ANALYTICS_FILTERS' },
  401: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
  403: { recovery: 'resume', meaning: 'the quota of subscriptions is used up', throttled: true },
};
/** For codes that the table does not list. */
export const OTHER_ANALYTICS_ERROR: End = { recovery: 'resume', meaning: 'the server reports an error' };
