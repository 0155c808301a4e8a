import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import type { Context, LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { contentRedactionReader } from '../../lib/aws/content-redaction-key.ts';
import { WEBHOOK_METRICS } from '../../lib/aws/metric-names.ts';
import { type DeliveryRequest, type DeliveryResponse, Receiver } from './receiver.ts';
import { SIGNATURE_HEADER } from './signature.ts';
import { SigningKeys } from './signing-keys.ts';
import type { WebhookConfig } from './webhook-config.ts';

/** The webhook's clients. */
export interface WebhookDependencies {
  /** A client that does not retry by itself. */
  sqs: SQSClient;
  secretsManager: SecretsManagerClient;
  logger: Logger;
  metrics: Metrics;
}

/** A handler for requests to a Lambda function URL, payload format 2.0. */
export type WebhookHandler = (
  event: LambdaFunctionURLEvent,
  context: Context,
) => Promise<Exclude<LambdaFunctionURLResult, string>>;

/** Creates the webhook's Lambda handler. */
export function createHandler(config: WebhookConfig, dependencies: WebhookDependencies): WebhookHandler {
  const { sqs, secretsManager, logger, metrics } = dependencies;
  const receiver = new Receiver({
    keys: new SigningKeys(secretsManager, config.secretId),
    sqs,
    eventsQueueUrl: config.eventsQueueUrl,
    redaction: contentRedactionReader(config.redaction, () => secretsManager),
    log: logger,
  });
  const handle = async (event: LambdaFunctionURLEvent) => {
    const startedAtMs = performance.now();
    const response = await receiver.receive(requestOf(event));
    const { metric } = response;
    if (metric === 'SignaturesRejected')
      logger.warn('a request has a wrong signature', { sourceIp: event.requestContext.http.sourceIp });
    metrics.addMetric(metric, WEBHOOK_METRICS[metric].unit, 1);
    metrics.addMetric(
      'ResponseLatency',
      WEBHOOK_METRICS.ResponseLatency.unit,
      performance.now() - startedAtMs,
    );
    return resultOf(response);
  };
  return (
    middy<LambdaFunctionURLEvent, LambdaFunctionURLResult, Error, Context>({ timeoutEarlyInMillis: 0 })
      // Overrides the environment, because events contain data that redaction removes.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .use(logMetrics(metrics))
      .handler(handle) as unknown as WebhookHandler
  );
}

/** Lambda encodes a body as Base64 if its content type is not text. */
function requestOf({
  requestContext,
  headers,
  body = '',
  isBase64Encoded,
}: LambdaFunctionURLEvent): DeliveryRequest {
  const encoding = isBase64Encoded ? 'base64' : 'utf8';
  return {
    method: requestContext.http.method,
    signature: headers[SIGNATURE_HEADER],
    bytes: Buffer.byteLength(body, encoding),
    body: () => Buffer.from(body, encoding),
  };
}

function resultOf({ status, message, headers = {} }: DeliveryResponse) {
  if (message === undefined) return { statusCode: status, headers };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ message }),
  };
}
