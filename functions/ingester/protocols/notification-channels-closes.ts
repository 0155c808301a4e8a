import type { CloseTable } from './close-codes.ts';

/**
 * Ends of a notification channel's socket. Genesys Cloud publishes no list of close codes; 1001 is the one that was
 * seen in the field, the others follow RFC 6455. Only a close that we asked for ends a session, so 1000 and 1001
 * from the server mean "reconnect".
 */
export const NOTIFICATION_CHANNELS_CLOSES: CloseTable = {
  codes: {
    1000: { action: 'reconnect', meaning: 'closed by the server' },
    1001: { action: 'reconnect', meaning: 'server going away, or the channel was idle or ended' },
    1002: { action: 'reconnect', meaning: 'protocol error' },
    1003: { action: 'reconnect', meaning: 'the server does not take what we sent' },
    1005: { action: 'reconnect', meaning: 'closed without a code' },
    1006: { action: 'reconnect', meaning: 'connection lost without a close frame' },
    1007: { action: 'reconnect', meaning: 'invalid text' },
    1008: {
      action: 'reauthenticate',
      meaning: 'policy violation: the token or the channel is no longer good',
    },
    1009: { action: 'reconnect', meaning: 'a frame was larger than we read' },
    1011: { action: 'reconnect', meaning: 'error of the server' },
    1012: { action: 'reconnect', meaning: 'the server restarts' },
    1013: { action: 'reconnect', meaning: 'the server asks to try again later' },
    1014: { action: 'reconnect', meaning: 'bad gateway' },
    1015: { action: 'reconnect', meaning: 'TLS handshake failed' },
  },
  otherCode: { action: 'replan', meaning: 'a code of which nothing is known' },
  upgradeStatuses: {
    400: { action: 'replan', meaning: 'the channel address was not understood' },
    401: { action: 'reauthenticate', meaning: 'the token of the channel has ended' },
    403: { action: 'reauthenticate', meaning: 'the channel belongs to another token' },
    404: { action: 'replan', meaning: 'the channel is gone' },
    410: { action: 'replan', meaning: 'the channel is gone' },
    429: { action: 'throttled', meaning: 'too many connections' },
    503: { action: 'reconnect', meaning: 'the server is not available' },
  },
  otherStatus: { action: 'reconnect', meaning: 'the upgrade was refused' },
};
