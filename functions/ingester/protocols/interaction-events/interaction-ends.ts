import type { EndTable } from '../end-table.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from '../websocket-ends.ts';

/** The table of ends for `interaction-events`. */
export const INTERACTION_ENDS: EndTable = {
  codes: {
    ...WEBSOCKET_ENDS,
    4001: { recovery: 'reauthenticate', meaning: 'the token has expired' },
    4003: {
      recovery: 'reauthenticate',
      meaning: 'the subscription is refused: a filter is invalid, or a data type is restricted',
      maxInARow: 1,
    },
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: {
    ...UPGRADE_ENDS,
    401: { recovery: 'reauthenticate', meaning: 'the token is not accepted, or lacks view:interaction' },
  },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
