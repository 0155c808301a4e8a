import type { EndTable } from '../end-table.ts';
import { WEBSOCKET_ENDS } from '../websocket-ends.ts';

/**
 * Ends of a notification channel's socket. Genesys Cloud does not document its close codes. 1001 was observed in
 * production; the others follow RFC 6455.
 */
export const CHANNEL_ENDS: EndTable = {
  codes: {
    ...WEBSOCKET_ENDS,
    1001: { recovery: 'resume', meaning: 'the server is going away, or the channel was idle or ended' },
    1008: {
      recovery: 'reauthenticate',
      meaning: 'policy violation: the token or the channel is no longer valid',
    },
  },
  otherCode: { recovery: 'restart', meaning: 'unknown close code' },
  statuses: {
    400: { recovery: 'restart', meaning: 'the channel address was not understood' },
    401: { recovery: 'reauthenticate', meaning: 'the token of the channel has expired' },
    403: { recovery: 'reauthenticate', meaning: 'the channel belongs to another token' },
    404: { recovery: 'restart', meaning: 'the channel no longer exists' },
    410: { recovery: 'restart', meaning: 'the channel no longer exists' },
    429: { recovery: 'resume', meaning: 'too many connections', throttled: true },
    503: { recovery: 'resume', meaning: 'the server is not available' },
  },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
