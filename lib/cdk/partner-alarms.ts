import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import type { PartnerSource } from './partner-source.ts';

const FIVE_MINUTES = Duration.minutes(5);

/** Adds the alarms of the native integration. */
export function addPartnerAlarms(alarms: Alarms, source: PartnerSource): void {
  alarms.above('PartnerEventsLost', ruleMetric(source, 'InvocationsFailedToBeSentToDlq'), 0, {
    severity: 'critical',
    text: 'EventBridge could send events of the native integration neither to the events queue nor to the dead-letter queue. They are lost. Check the policies of both queues and of the KMS key, and the size of the events.',
  });
  alarms.above('PartnerDeliveryFailures', ruleMetric(source, 'FailedInvocations'), 0, {
    severity: 'critical',
    text: 'EventBridge could not send events of the native integration to the events queue, and moved them to the dead-letter queue. Check the policies of the events queue and of the KMS key, and then redrive the dead-letter queue.',
  });
  alarms.silence('PartnerSilence', partnerEventsMetric(source, FIVE_MINUTES), {
    severity: 'warning',
    text: 'Genesys Cloud sends far fewer events through the native integration than usual for this time of day. Check in Genesys Cloud whether the integration is active and which topics it sends, and in EventBridge whether the partner event source is active.',
  });
}

/** Number of events that Genesys Cloud put on the bus of the integration. */
export function partnerEventsMetric({ bus }: PartnerSource, period: Duration): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'Events',
    dimensionsMap: { EventSourceName: bus.eventBusName },
    statistic: Stats.SUM,
    period,
    label: 'Native integration',
  });
}

/** A metric of all rules of the integration. */
function ruleMetric({ bus, rules }: PartnerSource, metricName: string): IMetric {
  const metrics = rules.map(
    ({ ruleName }) =>
      new Metric({
        namespace: 'AWS/Events',
        metricName,
        dimensionsMap: { EventBusName: bus.eventBusName, RuleName: ruleName },
        statistic: Stats.SUM,
        period: FIVE_MINUTES,
      }),
  );
  const [only] = metrics;
  if (only && metrics.length === 1) return only;
  return new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`rule${index + 1}`, metric])),
    period: FIVE_MINUTES,
    label: metricName,
  });
}
