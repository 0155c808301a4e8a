import { Duration, Names, Stack } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import {
  type BackfillMetricName,
  type ConsumerMetricName,
  type DeliveryMetricName,
  type IngesterMetricName,
  METRIC_NAMESPACE,
  type ProtocolMetricName,
  SERVICE_METRICS,
  type WebhookMetricName,
} from '../aws/metric-names.ts';

/** Interval at which an ingester task emits metrics. */
export const INGESTER_REPORT_SECONDS = 30;

/** Context key of the name of the deployment, which all constructs of a deployment can read. */
const DEPLOYMENT_CONTEXT = 'switchboard:deployment';
/** Maximum length of the name of a deployment. */
const MAX_NAME_CHARACTERS = 64;
/** Names of most stacks and constructs. Others, and names that are known only at deployment, get a hash. */
const NAME = new RegExp(`^[\\w-]{1,${MAX_NAME_CHARACTERS}}$`);

/**
 * Gives a deployment the name that its metrics have in the dimension `deployment`: that of its stack and construct. No
 * other deployment in the account and Region has the same name. Call it before the construct has children.
 */
export function nameDeployment(scope: Construct): string {
  const { stackName, node } = Stack.of(scope);
  const plain = `${stackName}${scope.node.path.slice(node.path.length)}`.replaceAll('/', '-');
  const name = NAME.test(plain)
    ? plain
    : Names.uniqueResourceName(scope, { maxLength: MAX_NAME_CHARACTERS, separator: '-' });
  scope.node.setContext(DEPLOYMENT_CONTEXT, name);
  return name;
}

/** Returns the name of the deployment that a construct belongs to. */
export function deploymentName(scope: Construct): string {
  return scope.node.getContext(DEPLOYMENT_CONTEXT);
}

/** Options for reading a metric. */
export interface MetricReading {
  /** @default - `Sum` for counts and durations, `Maximum` for current values, `p99` for latencies */
  readonly statistic?: string;
  /** @default Duration.minutes(1) */
  readonly period?: Duration;
  /** @default - the name of the metric */
  readonly label?: string;
}

/** Returns a metric of the consumer. @param scope - a construct of the deployment, as in the functions below */
export function consumerMetric(
  scope: Construct,
  name: ConsumerMetricName,
  reading: MetricReading = {},
): Metric {
  return metric(scope, 'consumer', name, reading);
}

/** Returns a metric of the ingester, aggregated over all tasks. */
export function ingesterMetric(
  scope: Construct,
  name: IngesterMetricName,
  reading: MetricReading = {},
): Metric {
  return metric(scope, 'ingester', name, reading);
}

/** Returns a metric of the backfill. */
export function backfillMetric(
  scope: Construct,
  name: BackfillMetricName,
  reading: MetricReading = {},
): Metric {
  return metric(scope, 'backfill', name, reading);
}

/** Returns a metric of the webhook. */
export function webhookMetric(
  scope: Construct,
  name: WebhookMetricName,
  reading: MetricReading = {},
): Metric {
  return metric(scope, 'webhook', name, reading);
}

function metric(scope: Construct, service: string, metricName: string, reading: MetricReading): Metric {
  return metricOf(deploymentName(scope), service, metricName, reading);
}

/** Returns a metric of the deployment with a name. */
export function metricOf(
  deployment: string,
  service: string,
  metricName: string,
  reading: MetricReading = {},
): Metric {
  const { statistic = Stats.SUM } = SERVICE_METRICS[service]?.[metricName] ?? {};
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { deployment, service },
    statistic,
    period: Duration.minutes(1),
    ...reading,
  });
}

/** Returns a metric of the delivery to one destination. */
export function deliveryMetricOf(
  deployment: string,
  destination: string,
  metricName: DeliveryMetricName,
  reading: MetricReading = {},
): Metric {
  return metricOf(deployment, 'delivery', metricName, reading).with({
    dimensionsMap: { deployment, service: 'delivery', destination },
  });
}

/** Returns a metric of a protocol of the ingester. All of them are counts. */
export function protocolMetricOf(
  deployment: string,
  protocol: string,
  metricName: ProtocolMetricName,
  reading: MetricReading = {},
): Metric {
  return metricOf(deployment, 'ingester', metricName, reading).with({
    dimensionsMap: { deployment, service: 'ingester', protocol },
  });
}
