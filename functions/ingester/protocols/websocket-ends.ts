import type { End } from './end-table.ts';

/**
 * The meaning of the close codes in RFC 6455, section 7.4.1. Only a close that we requested ends a session: 1000 and
 * 1001 from the server mean "reconnect".
 */
export const WEBSOCKET_ENDS: Readonly<Record<number, End>> = {
  1000: { recovery: 'resume', meaning: 'closed by the server' },
  1001: { recovery: 'resume', meaning: 'the server is going away' },
  1002: { recovery: 'resume', meaning: 'protocol error' },
  1003: { recovery: 'resume', meaning: 'the server does not accept what we sent' },
  1005: { recovery: 'resume', meaning: 'closed without a code' },
  1006: { recovery: 'resume', meaning: 'connection lost without a close frame' },
  1007: { recovery: 'resume', meaning: 'invalid text' },
  1008: { recovery: 'reauthenticate', meaning: 'policy violation' },
  1009: { recovery: 'resume', meaning: 'a frame was larger than the limit' },
  1011: { recovery: 'resume', meaning: 'server error' },
  1012: { recovery: 'resume', meaning: 'the server is restarting' },
  1013: { recovery: 'resume', meaning: 'the server asks to try again later' },
  1014: { recovery: 'resume', meaning: 'bad gateway' },
  1015: { recovery: 'resume', meaning: 'the TLS handshake failed' },
};

/** The meaning of the HTTP statuses that refuse an upgrade, if the upgrade request contains the token. */
export const UPGRADE_ENDS: Readonly<Record<number, End>> = {
  401: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
  403: { recovery: 'reauthenticate', meaning: 'the token lacks a scope' },
  429: { recovery: 'resume', meaning: 'too many connections', throttled: true },
  503: { recovery: 'resume', meaning: 'the server is not available' },
};
