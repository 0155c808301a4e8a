import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { AddressPolicy } from '../../functions/delivery/addresses.ts';
import { type CredentialSettings, Credentials } from '../../functions/delivery/destination-credentials.ts';
import { HttpCaller } from '../../functions/delivery/http-call.ts';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';

const REGION = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const TIMEOUT_MS = 30_000;

/** Credentials whose secrets are in the emulator's Secrets Manager. */
export class CredentialsHarness {
  readonly caller: HttpCaller;
  /** Requests that were made to Secrets Manager. */
  reads = 0;
  private readonly emulator = new Emulator({
    onCall: ({ target }) => {
      if (target === 'secretsmanager.GetSecretValue') this.reads += 1;
    },
  });

  constructor(addresses: AddressPolicy = 'any') {
    this.caller = new HttpCaller({ addresses, timeoutMs: TIMEOUT_MS });
  }

  credentials(settings: CredentialSettings): Credentials {
    const client = secretsManagerClient({ ...REGION, requestHandler: this.emulator.requestHandler() });
    return new Credentials(client, settings, this.caller);
  }

  /** Stores a new value. The one before stays the previous value. */
  store(name: string, text: string): void {
    this.emulator.secretsManager.set(name, text);
  }

  delete(name: string): void {
    this.emulator.secretsManager.actions.DeleteSecret?.({ SecretId: name });
  }
}
