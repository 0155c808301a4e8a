import { channel } from 'node:diagnostics_channel';

const secrets = channel('switchboard-local:secret');
const calls = channel('switchboard-local:aws-call');

/**
 * Announces a secret that a stand-in issues or receives, on the diagnostics channel `switchboard-local:secret`, so that
 * a test can search for it in everything that the product writes. Every secret must be announced.
 */
export function announceSecret(secret: string): void {
  if (secrets.hasSubscribers) secrets.publish(secret);
}

/** Announces a value of Secrets Manager: it is a secret itself, or a JSON object with members that are. */
export function announceSecretValue(text: string): void {
  for (const secret of secretsIn(text)) announceSecret(secret);
}

/** Announces a call of the AWS emulator, on the diagnostics channel `switchboard-local:aws-call`. */
export function announceCall(call: { readonly target: string; readonly body: string }): void {
  if (calls.hasSubscribers) calls.publish(call);
}

function secretsIn(text: string): readonly string[] {
  try {
    const members = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return members.flatMap(([name, member]) => (/secret/i.test(name) ? String(member) : []));
  } catch {
    return [text];
  }
}
