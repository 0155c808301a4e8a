import { channel } from 'node:diagnostics_channel';

const secrets = channel('switchboard-local:secret');
const calls = channel('switchboard-local:aws-call');

/**
 * Announces a secret that a stand-in issues or is given, on the diagnostics channel `switchboard-local:secret`, so that a
 * test can search for it in everything that the product writes. Every secret must be announced.
 */
export function announceSecret(secret: string): void {
  if (secrets.hasSubscribers) secrets.publish(secret);
}

/** Announces a call of the AWS emulator, on the diagnostics channel `switchboard-local:aws-call`. */
export function announceCall(call: { readonly target: string; readonly body: string }): void {
  if (calls.hasSubscribers) calls.publish(call);
}
