import type { EndTable } from '../end-table.ts';

/**
 * Ends of a notification channel's socket. Genesys Cloud does not document its close codes. 1001 was seen in the
 * field; the others follow RFC 6455. 1000 and 1001 from the server mean "reconnect", because only a close that we
 * asked for ends a session.
 */
export const CHANNEL_ENDS: EndTable = {
  codes: {
    1000: { recovery: 'resume', meaning: 'closed by the server' },
    1001: { recovery: 'resume', meaning: 'the server is going away, or the channel was idle or ended' },
    1002: { recovery: 'resume', meaning: 'protocol error' },
    1003: { recovery: 'resume', meaning: 'the server does not accept what we sent' },
    1005: { recovery: 'resume', meaning: 'closed without a code' },
    1006: { recovery: 'resume', meaning: 'connection lost without a close frame' },
    1007: { recovery: 'resume', meaning: 'invalid text' },
    1008: {
      recovery: 'reauthenticate',
      meaning: 'policy violation: the token or the channel is no longer valid',
    },
    1009: { recovery: 'resume', meaning: 'a frame was larger than the limit' },
    1011: { recovery: 'resume', meaning: 'server error' },
    1012: { recovery: 'resume', meaning: 'the server restarts' },
    1013: { recovery: 'resume', meaning: 'the server asks to try again later' },
    1014: { recovery: 'resume', meaning: 'bad gateway' },
    1015: { recovery: 'resume', meaning: 'the TLS handshake failed' },
  },
  otherCode: { recovery: 'restart', meaning: 'unknown close code' },
  statuses: {
    400: { recovery: 'restart', meaning: 'the channel address was not understood' },
    401: { recovery: 'reauthenticate', meaning: 'the token of the channel has expired' },
    403: { recovery: 'reauthenticate', meaning: 'the channel belongs to another token' },
    404: { recovery: 'restart', meaning: 'the channel does not exist any more' },
    410: { recovery: 'restart', meaning: 'the channel does not exist any more' },
    429: { recovery: 'resume', meaning: 'too many connections', throttled: true },
    503: { recovery: 'resume', meaning: 'the server is not available' },
  },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
