import type { EndTable } from '../end-table.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from '../websocket-ends.ts';

/** The table of ends for `conversation-stream`. */
export const CONVERSATION_ENDS: EndTable = {
  codes: { ...WEBSOCKET_ENDS, 4001: { recovery: 'reauthenticate', meaning: 'the token has expired' } },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: UPGRADE_ENDS,
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
