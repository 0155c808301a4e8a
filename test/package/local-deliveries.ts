import { randomBytes } from 'node:crypto';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import { DUMMY_CREDENTIALS, localAws, REGION } from '../../bin/deploy-local/local-endpoint.ts';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import { type ReceivedRequest, ReceivingServer } from '../delivery/receiving-server.ts';

/** Standard Webhooks requires 24 to 64. */
const KEY_BYTES = 32;
const FUNCTIONS = '2015-03-31/functions';
/** The emulator takes the service and the Region from this header. It does not check the signature. */
const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=${DUMMY_CREDENTIALS.accessKeyId}/20260101/${REGION}/lambda/aws4_request, SignedHeaders=host, Signature=0`;

interface DeployedFunction {
  readonly FunctionName: string;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
}

/** The destinations of deployed deliveries: a server of this machine, with a path for each. */
export class LocalDeliveries implements AsyncDisposable {
  private readonly server: ReceivingServer;
  private readonly endpoint: string;
  private readonly keyText = randomBytes(KEY_BYTES).toString('base64');
  private readonly key = new Webhook(this.keyText);

  private constructor(server: ReceivingServer, endpoint: string) {
    this.server = server;
    this.endpoint = endpoint;
  }

  /** Changes the functions of these deliveries so that they call this machine, and stores a key for each to sign with. */
  static async start(names: readonly string[], endpoint: string): Promise<LocalDeliveries> {
    const deliveries = new LocalDeliveries(await ReceivingServer.start(), endpoint);
    for (const name of names) await deliveries.redirect(name);
    return deliveries;
  }

  /** The requests to a destination so far. */
  requests(name: string): readonly ReceivedRequest[] {
    return this.server.requests.filter(({ path }) => path === `/${name}`);
  }

  /** Checks the signatures of all requests to a destination. @returns the ids of their events */
  verifiedIds(name: string): string[] {
    return this.requests(name).map(({ headers, body }) => {
      this.key.verify(body, headers as Record<string, string>);
      return String(headers['webhook-id']);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }

  private async redirect(name: string): Promise<void> {
    const { Functions } = await this.lambda<{ Functions: DeployedFunction[] }>('GET', '/');
    const deployed = Functions.find(({ Environment }) => Environment?.Variables.DESTINATION === name);
    expect(deployed, `the function of the delivery to ${name}`).toBeDefined();
    await this.storeKey(deployed?.Environment?.Variables.SIGNING_SECRET_ID ?? '');
    await this.lambda('PUT', `/${deployed?.FunctionName}/configuration`, {
      Environment: {
        Variables: {
          ...deployed?.Environment?.Variables,
          ...localAws(this.endpoint),
          DESTINATION_URL: this.server.url(`/${name}`).href,
          ADDRESSES: 'any',
        },
      },
    });
  }

  /** MiniStack generates a value with punctuation, although the template excludes it. */
  private async storeKey(secretId: string): Promise<void> {
    const aws = { endpoint: this.endpoint, region: REGION, credentials: DUMMY_CREDENTIALS };
    const secrets = secretsManagerClient(aws);
    await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: this.keyText }));
    secrets.destroy();
  }

  private async lambda<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.endpoint}/${FUNCTIONS}${path}`, {
      method,
      headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    expect(response.status, `${method} ${path}`).toBe(200);
    return (await response.json()) as T;
  }
}
