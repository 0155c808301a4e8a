import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Alarms } from './alarms.ts';
import { webhookMetric } from './cloudwatch-metrics.ts';

/** Totals of five minutes. */
const TOTAL = { period: Duration.minutes(5), statistic: Stats.SUM };
/** Failed requests within five minutes that are not unusual. They are sent again. */
const MAX_FAILED_REQUESTS = 10;

/** Adds the alarms of the webhook. */
export function addWebhookAlarms(alarms: Alarms, webhook: IFunction): void {
  alarms.above('WebhookErrors', webhook.metricErrors(TOTAL), 0, {
    severity: 'critical',
    text: 'Invocations of the webhook end with an error or a timeout. Genesys Cloud sends their events again, but only for a limited time. Check the webhook log.',
  });
  alarms.above('WebhookFailures', webhookMetric(alarms, 'RequestsFailed', TOTAL), MAX_FAILED_REQUESTS, {
    severity: 'critical',
    text: 'The webhook repeatedly responds with 503, because SQS does not accept events or the signing secret cannot be read. Genesys Cloud sends the events again, but only for a limited time. Check the webhook log for the error.',
  });
  alarms.above('WebhookThrottled', webhook.metricThrottles(TOTAL), 0, {
    severity: 'warning',
    text: 'AWS Lambda refuses requests to the webhook with 429. Genesys Cloud sends them again. Increase `webhook.reservedConcurrentExecutions`.',
  });
  alarms.above('WebhookSignaturesRejected', webhookMetric(alarms, 'SignaturesRejected', TOTAL), 0, {
    severity: 'warning',
    text: 'The webhook refused requests with an invalid signature. Either they do not come from Genesys Cloud, or a stream in Genesys Cloud has a different secret from the webhook. In the latter case, create the stream again with `switchboard streams create`. The webhook log has the source addresses.',
  });
  alarms.above('WebhookBodiesTooLarge', webhookMetric(alarms, 'BodiesTooLarge', TOTAL), 0, {
    severity: 'warning',
    text: 'The webhook refused requests because their bodies are too large. If they were events from Genesys Cloud, they are not published. Check in Genesys Cloud which deliveries of the stream received the status 413.',
  });
}
