import { randomBytes } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type FunctionUrl, serveFunctionUrl } from 'switchboard-local/lambda/function-url.ts';
import { WEBHOOK_PROTOCOL } from '../../functions/webhook/delivered-event.ts';
import { createHandler, type WebhookHandler } from '../../functions/webhook/url-handler.ts';
import { readConfig } from '../../functions/webhook/webhook-config.ts';
import { type AwsEdge, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { createStream } from '../../lib/genesys/event-streams.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { type Credentials, TokenSource } from '../../lib/genesys/token-source.ts';
import { redactionVariables } from './local-redaction.ts';
import { NAMES } from './resources.ts';
import type { RunningIngester } from './running-ingester.ts';

const SECRET_BYTES = 32;
/** Lower than the default of the deployment, because all environments share one process. */
const RESERVED_CONCURRENCY = 25;
const ACCEPTED_STATUS = 202;

/** Options of {@link createLocalWebhook}. */
export interface LocalWebhookOptions {
  genesys: { apiUrl: string; loginUrl: string; credentials: Credentials };
  topics: readonly string[];
  logLevel: LogLevel;
  /** A valid value of the variable `REDACTION`. */
  redaction?: string | undefined;
}

/**
 * The webhook as Lambda runs it, behind a function URL on the loopback interface. When it starts, it registers a stream
 * in Genesys Cloud. It calls the local AWS in-process, like the consumer.
 */
export function createLocalWebhook(
  { genesys, topics, logLevel, redaction }: LocalWebhookOptions,
  emulator: Emulator,
  localAws: AwsEdge,
  eventsQueueUrl: string,
): RunningIngester {
  const edge = { ...localAws, requestHandler: emulator.requestHandler() };
  const config = readConfig({
    EVENTS_QUEUE_URL: eventsQueueUrl,
    WEBHOOK_SECRET_ID: NAMES.webhookSecret,
    LOG_LEVEL: logLevel,
    ...redactionVariables(redaction),
  });
  let received = 0;
  let served: FunctionUrl | undefined;
  let isCovered = false;
  const countAccepted = (handler: WebhookHandler): WebhookHandler => {
    return async (event, context) => {
      const result = await handler(event, context);
      if (result.statusCode === ACCEPTED_STATUS) received++;
      return result;
    };
  };
  const createEnvironment = () => {
    const logger = createLogger('webhook', logLevel);
    const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'webhook', logger });
    const clients = { sqs: sqsClient(edge), secretsManager: secretsManagerClient(edge) };
    return countAccepted(createHandler(config, { ...clients, logger, metrics }));
  };
  return {
    healthPort: undefined,
    get address() {
      return served?.url;
    },
    get isCovered() {
      return isCovered;
    },
    get connections() {
      return served?.connections ?? 0;
    },
    get totals() {
      return { [WEBHOOK_PROTOCOL]: { received, copies: 0 } };
    },
    failed: new Promise(() => undefined),
    start: async () => {
      served = await serveFunctionUrl({
        createHandler: createEnvironment,
        maxConcurrency: RESERVED_CONCURRENCY,
      });
      const secret = randomBytes(SECRET_BYTES).toString('hex');
      emulator.secretsManager.set(NAMES.webhookSecret, secret);
      await register(genesys, { url: served.url, secret, topics });
      isCovered = true;
    },
    stop: async () => {
      isCovered = false;
      await served?.close();
    },
  };
}

async function register(
  { apiUrl, loginUrl, credentials }: LocalWebhookOptions['genesys'],
  { url, secret, topics }: { url: string; secret: string; topics: readonly string[] },
): Promise<void> {
  const rest = new RestClient({
    apiUrl,
    tokens: new TokenSource({ loginUrl, credentials: async () => credentials }),
  });
  await createStream(rest, {
    name: 'switchboard-local',
    description: 'Created by switchboard local',
    enabled: true,
    destination: { type: 'webhook', url, secret },
    routingRules: topics.map((topic) => ({ name: topic, condition: conditionOf(topic), enabled: true })),
  });
}

/** Selects the events of a topic with `{id}`. */
function conditionOf(topic: string): string {
  return topic
    .split('{id}')
    .filter((part) => part !== '')
    .map((part) => `eventType contains ${part}`)
    .join(' and ');
}
