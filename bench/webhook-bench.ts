import { createHmac, randomUUID } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { createHandler } from '../functions/webhook/url-handler.ts';
import { readConfig } from '../functions/webhook/webhook-config.ts';
import { secretsManagerClient, sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import type { Frame } from '../lib/events/schema.ts';
import { frameSource } from './frame-source.ts';
import { type Figure, figure } from './measure.ts';
import { NULL_SECRET, nullAws } from './null-aws.ts';

const REQUESTS = 20_000;
const WARM_UP_REQUESTS = 5_000;
const US_PER_MS = 1_000;

type Handler = (event: LambdaFunctionURLEvent) => Promise<{ statusCode?: number | undefined }>;

/** The time of one request: the handler with the null AWS, compared with a handler that only parses the body. */
export async function benchWebhook(): Promise<Figure[]> {
  const requests = Array.from(events(WARM_UP_REQUESTS + REQUESTS));
  const naive = await durations(parseOnly, requests);
  const value = await durations(webhook(), requests);
  return (['p50', 'p99'] as const).map((name) =>
    figure(`webhook ${name}`, 'µs per request', value[name], naive[name], null),
  );
}

function webhook(): Handler {
  const aws = nullAws();
  const config = readConfig({
    EVENTS_QUEUE_URL: 'http://127.0.0.1:9/0/events',
    WEBHOOK_SECRET_ID: 'secret',
    LOG_LEVEL: 'SILENT',
  });
  const handler = createHandler(config, {
    sqs: sqsClient(aws),
    secretsManager: secretsManagerClient(aws),
    logger: createLogger('bench', 'SILENT'),
    metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'bench' }),
  });
  const context = { awsRequestId: 'bench' } as Context;
  return (event) => handler(event, context);
}

/** The naive way: no verification and no queue. */
const parseOnly: Handler = async ({ body = '' }) => {
  JSON.parse(body);
  return { statusCode: 202 };
};

async function durations(handler: Handler, requests: readonly LambdaFunctionURLEvent[]) {
  const microseconds: number[] = [];
  for (const request of requests) {
    const startedAtMs = performance.now();
    const { statusCode } = await handler(request);
    microseconds.push((performance.now() - startedAtMs) * US_PER_MS);
    if (statusCode !== 202) throw new Error(`The webhook responded with ${statusCode}`);
  }
  const sorted = microseconds.slice(WARM_UP_REQUESTS).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

function* events(count: number): Generator<LambdaFunctionURLEvent> {
  const next = frameSource(7);
  for (let made = 0; made < count; made++) {
    const { topicName, ...rest } = JSON.parse(next()) as Frame;
    const about = { eventBridgeEventId: randomUUID(), eventType: topicName };
    const body = JSON.stringify({ ...about, eventTimestamp: new Date().toISOString(), ...rest });
    const signature = createHmac('sha256', Buffer.from(NULL_SECRET, 'hex')).update(body).digest('base64');
    yield {
      requestContext: { http: { method: 'POST' } },
      headers: { 'x-genesys-cloud-signature': signature },
      body,
      isBase64Encoded: false,
    } as unknown as LambdaFunctionURLEvent;
  }
}
