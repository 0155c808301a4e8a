import { BEAT_INTERVAL_MS, READ_INTERVAL_MS } from '../../functions/ingester/standby/leadership-record.ts';
import { BACKFILL_METRICS, CONSUMER_METRICS, INGESTER_METRICS } from '../../lib/aws/metric-names.ts';
import { PRICES } from './prices.ts';

const HOURS_PER_MONTH = 730;
const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600;
const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;
const MILLION = 1e6;
const GB = 2 ** 30;
/** Size of an ingester task. */
const TASK = { vcpu: 0.25, gb: 0.5 } as const;
/** Memory of the consumer. */
const CONSUMER_GB = 0.5;
/** Lambda uses five pollers per queue, each with long polling of 20 s. */
const IDLE_POLLS_PER_SECOND = 5 / 20;
/** Polls of an idle queue per month. */
export const IDLE_POLLS_PER_MONTH = IDLE_POLLS_PER_SECOND * SECONDS_PER_MONTH;
/** The log lines START, END and REPORT of an invocation. */
export const PLATFORM_LOG_BYTES = 400;
/** A claim, including the storage overhead of 100 bytes per item. */
const CLAIM_BYTES = 200;
/** Custom metrics of the stack. Without audit records and a webhook, those metrics have no values. */
const CUSTOM_METRICS = [CONSUMER_METRICS, INGESTER_METRICS, BACKFILL_METRICS]
  .flatMap((table) => Object.keys(table))
  .filter((name) => name !== 'AuditRecordsLost').length;
/** A gap per day, and what its backfill takes: three rounds, most of whose time is spent waiting for the platform API. */
const GAPS_PER_MONTH = 30;
const BACKFILL_SECONDS_PER_GAP = 120;
/** The backfill looks every five minutes for gaps whose message was lost. */
const SWEEPS_PER_MONTH = (HOURS_PER_MONTH * 60) / 5;
const SWEEP_SECONDS = 0.5;
const BACKFILL_GB = 0.5;
/** Read units of a sweep: the gap records of a month and the results of their backfills. */
const SWEEP_READS = 40;
/** Standard alarms, and one anomaly detection alarm, which is billed as three. */
const ALARMS = 21;
/** The alarm for a deployment with standbys. */
const STANDBY_ALARMS = 1;
/** With two or more tasks the leader moves its record, and each standby reads it. */
const BEATS_PER_SECOND = 1_000 / BEAT_INTERVAL_MS;
const READS_PER_SECOND = 1_000 / READ_INTERVAL_MS;

/** Billable units of a run. */
export interface Usage {
  seconds: number;
  events: number;
  sqsRequests: number;
  /** SQS messages that the consumer received. */
  messages: number;
  /** Bytes of their bodies. */
  messageBytes: number;
  eventBridgeEvents: number;
  putEventsCalls: number;
  dynamoDbWrites: number;
  dynamoDbReads: number;
  invocations: number;
  /** Total duration of the invocations. */
  invocationSeconds: number;
  /** Bytes logged by the consumer, including metrics. */
  logBytes: number;
  /** Bytes of audit records, as CloudWatch Logs bills them. */
  auditBytes: number;
}

/** A line of the bill. */
export interface BillLine {
  item: string;
  /** Units per month. */
  quantity: number;
  unit: string;
  usd: number;
}

/** A monthly bill. */
export interface Bill {
  lines: BillLine[];
  totalUsd: number;
  eventsPerMonth: number;
  /** Variable cost per million events. */
  perMillionUsd: number;
}

/** Calculates a line of a bill. @param price - price of one unit, in US dollars */
export function line(item: string, quantity: number, unit: string, price: number): BillLine {
  return { item, quantity, unit, usd: quantity * price };
}

/**
 * Calculates the monthly bill for the usage of a run at a constant rate.
 *
 * @param options - `claimDays` is the deduplication window
 */
export function bill(usage: Usage, options: { tasks: number; claimDays: number }): Bill {
  const month = SECONDS_PER_MONTH / usage.seconds;
  const millions = (count: number) => (count * month) / MILLION;
  const idlePolls = IDLE_POLLS_PER_MONTH / MILLION;
  const claimGb = (usage.events * month * (options.claimDays / DAYS_PER_MONTH) * CLAIM_BYTES) / GB;
  const variable = [
    line(
      'EventBridge: events on the bus',
      millions(usage.eventBridgeEvents),
      'M events',
      PRICES.eventBridgeMillionEvents,
    ),
    line(
      'DynamoDB: writes of claims and markers',
      millions(usage.dynamoDbWrites),
      'M units',
      PRICES.dynamoDbMillionWrites,
    ),
    line('DynamoDB: reads', millions(usage.dynamoDbReads), 'M units', PRICES.dynamoDbMillionReads),
    line(`DynamoDB: storage of claims for ${options.claimDays} days`, claimGb, 'GB', PRICES.dynamoDbGbMonth),
    line(
      'SQS: send, receive and delete',
      millions(usage.sqsRequests),
      'M requests',
      PRICES.sqsMillionRequests,
    ),
    line('Lambda: requests', millions(usage.invocations), 'M requests', PRICES.lambdaMillionRequests),
    line('Lambda: duration', usage.invocationSeconds * month * CONSUMER_GB, 'GB-s', PRICES.lambdaGbSecond),
    line(
      'CloudWatch: logs',
      ((usage.logBytes + usage.invocations * PLATFORM_LOG_BYTES) * month) / GB,
      'GB',
      PRICES.logsGb,
    ),
  ];
  if (usage.auditBytes > 0)
    variable.push(line('CloudWatch: audit records', (usage.auditBytes * month) / GB, 'GB', PRICES.logsGb));
  const fixed = [
    line('SQS: polls of the idle queue', idlePolls, 'M requests', PRICES.sqsMillionRequests),
    line('Fargate: vCPU', options.tasks * TASK.vcpu * HOURS_PER_MONTH, 'vCPU-h', PRICES.fargateVcpuHour),
    line('Fargate: memory', options.tasks * TASK.gb * HOURS_PER_MONTH, 'GB-h', PRICES.fargateGbHour),
    line('Public IPv4 addresses', options.tasks * HOURS_PER_MONTH, 'h', PRICES.ipv4Hour),
    line(
      'Backfill: Lambda, with one gap per day',
      (GAPS_PER_MONTH * BACKFILL_SECONDS_PER_GAP + SWEEPS_PER_MONTH * SWEEP_SECONDS) * BACKFILL_GB,
      'GB-s',
      PRICES.lambdaGbSecond,
    ),
    line(
      'Backfill: reads of gap records',
      (SWEEPS_PER_MONTH * SWEEP_READS) / MILLION,
      'M units',
      PRICES.dynamoDbMillionReads,
    ),
    line('SQS: polls of the idle gaps queue', idlePolls, 'M requests', PRICES.sqsMillionRequests),
    line(
      'DynamoDB: writes of the leader',
      options.tasks > 1 ? (BEATS_PER_SECOND * SECONDS_PER_MONTH) / MILLION : 0,
      'M units',
      PRICES.dynamoDbMillionWrites,
    ),
    line(
      'DynamoDB: reads of the standbys',
      ((options.tasks - 1) * READS_PER_SECOND * SECONDS_PER_MONTH) / MILLION,
      'M units',
      PRICES.dynamoDbMillionReads,
    ),
    line('CloudWatch: metrics', CUSTOM_METRICS, 'metrics', PRICES.metricMonth),
    line(
      'CloudWatch: alarms',
      ALARMS + (options.tasks > 1 ? STANDBY_ALARMS : 0),
      'alarms',
      PRICES.alarmMonth,
    ),
  ];
  const sum = (lines: readonly BillLine[]) => lines.reduce((total, { usd }) => total + usd, 0);
  return {
    lines: [...variable, ...fixed],
    totalUsd: sum(variable) + sum(fixed),
    eventsPerMonth: usage.events * month,
    perMillionUsd: sum(variable) / millions(usage.events),
  };
}
