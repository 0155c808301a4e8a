import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

/** The sender gives up after this time. */
const DELIVERY_TIMEOUT_MS = 10_000;

/** The signature of a body: Base64 of its HMAC-SHA256. The key is the secret, decoded from hex. */
export function signatureOf(body: Buffer, secret: string): string {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(body).digest('base64');
}

/** Sends webhook deliveries over HTTP. */
export class WebhookClient {
  private readonly agent: Agent;

  constructor(maxConnections: number) {
    this.agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  }

  /**
   * Sends one delivery.
   *
   * @param hangUpAfterMs - ends the connection this long after the request was sent
   * @returns the status code; undefined if there was no response
   */
  post(url: string, body: Buffer, signature: string, hangUpAfterMs?: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const sending = request(url, {
        method: 'POST',
        agent: this.agent,
        timeout: DELIVERY_TIMEOUT_MS,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'x-genesys-cloud-signature': signature,
        },
      });
      sending.on('response', (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
        response.on('error', () => resolve(undefined));
      });
      sending.on('timeout', () => sending.destroy());
      sending.on('error', () => resolve(undefined));
      sending.on('close', () => resolve(undefined));
      if (hangUpAfterMs !== undefined)
        sending.on('finish', () => setTimeout(() => sending.destroy(), hangUpAfterMs));
      sending.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
