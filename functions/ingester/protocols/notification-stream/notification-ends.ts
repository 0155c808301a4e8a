import type { End, EndTable } from '../end-table.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from '../websocket-ends.ts';

/** The server limits our rate. */
const THROTTLED: End = { recovery: 'resume', meaning: 'the server is limiting our rate', throttled: true };
/** Subscriptions that the server no longer has must be left out. */
export const SUBSCRIPTION_REFUSED: End = { recovery: 'restart', meaning: 'a subscription is refused' };
/** The server does not know the last event id. */
export const RESUME_REFUSED: End = {
  recovery: 'restart',
  meaning: 'the server cannot continue after the last event',
};

/** The table of ends for `notification-stream`. */
export const NOTIFICATION_ENDS: EndTable = {
  reasons: [
    [/\b429\b/, THROTTLED],
    [/^Invalid subscription/i, SUBSCRIPTION_REFUSED],
    [/lastEventId/i, RESUME_REFUSED],
  ],
  codes: {
    ...WEBSOCKET_ENDS,
    4001: { recovery: 'reauthenticate', meaning: 'the token has expired' },
    4400: SUBSCRIPTION_REFUSED,
    4429: THROTTLED,
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: { ...UPGRADE_ENDS, 400: SUBSCRIPTION_REFUSED, 429: THROTTLED },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
