import { createHmac, randomUUID } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { createResources, NAMES } from '../../bin/local/resources.ts';
import { createHandler, type WebhookHandler } from '../../functions/webhook/url-handler.ts';
import {
  dynamoDbClient,
  eventBridgeClient,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import type { ContentRedactionConfig } from '../../lib/events/content-rules.ts';

const REGION = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
export const SECRET_NAME = 'switchboard/webhook';
export const SECRET = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
export const OTHER_SECRET = 'ff'.repeat(32);
export const GET_SECRET = 'secretsmanager.GetSecretValue';
// Only the tests of the metrics enable EMF documents, to keep them out of the test output.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** Signs like the sender. */
export function sign(body: string | Buffer, secret = SECRET): string {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(body).digest('base64');
}

/** The body of a delivery. */
export function delivery(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    eventBridgeEventId: randomUUID(),
    eventType: 'v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.presence',
    eventTimestamp: '2026-11-20T09:30:45.013Z',
    eventBody: { source: 'PURECLOUD' },
    ...fields,
  });
}

export interface RequestParts {
  method?: string;
  /** Without it, the correct one; null for none. */
  signature?: string | null;
  isBase64Encoded?: boolean;
}

/** The webhook as Lambda runs it behind a function URL, on an in-process AWS emulator. */
export class LocalWebhook {
  readonly faults = new FaultInjector({ seed: 1, stallMs: 0 });
  readonly calls: string[] = [];
  readonly emulator: Emulator;
  private handler!: WebhookHandler;

  private constructor() {
    this.emulator = new Emulator({ faults: this.faults, onCall: ({ target }) => this.calls.push(target) });
  }

  static async create(
    options: { logLevel?: LogLevel; secret?: string; redaction?: ContentRedactionConfig } = {},
  ): Promise<LocalWebhook> {
    const webhook = new LocalWebhook();
    const { emulator } = webhook;
    const inner = emulator.requestHandler();
    const edge = { ...REGION, requestHandler: inner };
    const { eventsQueueUrl } = await createResources({
      sqs: sqsClient(edge),
      dynamodb: dynamoDbClient(edge),
      eventbridge: eventBridgeClient(edge),
    });
    emulator.secretsManager.set(SECRET_NAME, options.secret ?? SECRET);
    const logger = createLogger('webhook', options.logLevel ?? 'SILENT');
    webhook.handler = createHandler(
      {
        eventsQueueUrl,
        secretId: SECRET_NAME,
        redaction: options.redaction,
        logLevel: options.logLevel ?? 'SILENT',
      },
      {
        sqs: sqsClient(edge),
        secretsManager: secretsManagerClient(edge),
        logger,
        metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'webhook', logger }),
      },
    );
    return webhook;
  }

  /** Bodies of the messages in the events queue. */
  get messages(): { v: number; id: string; owner: string; events: Record<string, unknown>[] }[] {
    return this.emulator.sqs
      .queue(NAMES.eventsQueue)
      .peek()
      .map(({ body }) => JSON.parse(body));
  }

  /** All items in the events queue. */
  get items(): Record<string, unknown>[] {
    return this.messages.flatMap(({ events }) => events);
  }

  /** Sends a request. @returns the response */
  async send(body: string | Buffer, parts: RequestParts = {}) {
    const { method = 'POST', signature = sign(body), isBase64Encoded = Buffer.isBuffer(body) } = parts;
    const event = {
      requestContext: { http: { method, sourceIp: '192.0.2.7' } },
      headers: signature === null ? {} : { 'x-genesys-cloud-signature': signature },
      body: Buffer.from(body).toString(isBase64Encoded ? 'base64' : 'utf8'),
      isBase64Encoded,
    } as unknown as LambdaFunctionURLEvent;
    return this.handler(event, { awsRequestId: 'id' } as Context);
  }

  /** Sends a request. @returns the status code */
  async status(body: string | Buffer, parts: RequestParts = {}): Promise<number | undefined> {
    return (await this.send(body, parts)).statusCode;
  }

  close(): Promise<void> {
    return this.emulator.close();
  }
}
