import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmMetric, AlarmMetrics } from './alarm-definition.ts';
import type { PARTNER_ALARMS } from './partner-alarms.ts';
import type { PartnerSource } from './partner-source.ts';

const FIVE_MINUTES = Duration.minutes(5);

/** Returns the metrics of the alarms of the native integration. */
export function partnerMetrics(source: PartnerSource): AlarmMetrics<typeof PARTNER_ALARMS> {
  return {
    PartnerEventsLost: ruleMetric(source, 'InvocationsFailedToBeSentToDlq'),
    PartnerDeliveryFailures: ruleMetric(source, 'FailedInvocations'),
    PartnerSilence: partnerEventsMetric(source, FIVE_MINUTES),
  };
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
function ruleMetric({ bus, rules }: PartnerSource, metricName: string): AlarmMetric {
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
