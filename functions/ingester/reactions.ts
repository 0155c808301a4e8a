import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { ConnectError } from './connection.ts';
import type { CloseAction, PlanRequest, Protocol } from './protocols/protocol.ts';

/** How the next plan is made after an end. `stop` has none. */
export const MODE_AFTER: Readonly<Record<Exclude<CloseAction, 'stop'>, PlanRequest['mode']>> = {
  reconnect: 'resume',
  throttled: 'resume',
  replan: 'fresh',
  reauthenticate: 'reauthenticate',
};

/** What to do after an attempt failed: in planning by REST, in opening the socket or before it was ready. */
export function actionAfterFailure(error: unknown, protocol: Pick<Protocol, 'classifyClose'>): CloseAction {
  if (error instanceof ConnectError) return protocol.classifyClose(error.end);
  if (!(error instanceof GenesysError)) return 'reconnect';
  switch (error.code) {
    case 'rate_limited':
      return 'throttled';
    case 'unauthorized':
      return 'reauthenticate';
    // What was planned with, the channel, is gone: another one can be made.
    case 'not_found':
      return 'replan';
    default:
      return error.retriable ? 'reconnect' : 'stop';
  }
}

/** How long the server asked to wait, in milliseconds; undefined where it did not. */
export function askedWaitMs(error: unknown): number | undefined {
  if (error instanceof ConnectError) return error.end.retryAfterMs;
  return error instanceof GenesysError ? error.retryAfterMs : undefined;
}
