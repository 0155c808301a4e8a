import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import { webhookMetric } from './cloudwatch-metrics.ts';

const TOTAL = { period: Duration.minutes(5), statistic: Stats.SUM };

/** Alarms of the webhook. */
export const WEBHOOK_ALARMS = {
  WebhookErrors: {
    severity: 'critical',
    threshold: 0,
    unit: 'failed invocations in five minutes',
    text: 'Invocations of the webhook end with an error or a timeout. Genesys Cloud sends their events again, but only for a limited time. Check the webhook log.',
  },
  WebhookFailures: {
    severity: 'critical',
    // They are sent again.
    threshold: 10,
    unit: 'failed requests in five minutes',
    text: 'The webhook repeatedly responds with 503, because SQS does not accept events or the signing secret cannot be read. Genesys Cloud sends the events again, but only for a limited time. Check the webhook log for the error.',
  },
  WebhookThrottled: {
    severity: 'warning',
    threshold: 0,
    unit: 'refused requests in five minutes',
    text: 'AWS Lambda refuses requests to the webhook with 429. Genesys Cloud sends them again. Increase `webhook.reservedConcurrentExecutions`.',
  },
  WebhookSignaturesRejected: {
    severity: 'warning',
    threshold: 0,
    unit: 'refused requests in five minutes',
    text: 'The webhook refused requests with an invalid signature. Either they do not come from Genesys Cloud, or a stream in Genesys Cloud has a different secret from the webhook. In the latter case, create the stream again with `switchboard streams create`. The webhook log has the source addresses.',
  },
  WebhookBodiesTooLarge: {
    severity: 'warning',
    threshold: 0,
    unit: 'refused requests in five minutes',
    text: 'The webhook refused requests because their bodies are too large. If they were events from Genesys Cloud, they are not published. Check in Genesys Cloud which deliveries of the stream received the status 413.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Returns the metrics of these alarms. @param scope - a construct of the deployment */
export function webhookMetrics(scope: Construct, webhook: IFunction): AlarmMetrics<typeof WEBHOOK_ALARMS> {
  return {
    WebhookErrors: webhook.metricErrors(TOTAL),
    WebhookFailures: webhookMetric(scope, 'RequestsFailed', TOTAL),
    WebhookThrottled: webhook.metricThrottles(TOTAL),
    WebhookSignaturesRejected: webhookMetric(scope, 'SignaturesRejected', TOTAL),
    WebhookBodiesTooLarge: webhookMetric(scope, 'BodiesTooLarge', TOTAL),
  };
}
