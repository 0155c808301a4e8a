import { PRICES } from './prices.ts';

const HOURS_A_MONTH = 730;
const SECONDS_A_MONTH = HOURS_A_MONTH * 3_600;
const DAYS_A_MONTH = HOURS_A_MONTH / 24;
const MILLION = 1e6;
const GB = 2 ** 30;
/** A Fargate task of the deployment. */
const TASK = { vcpu: 0.25, gb: 0.5 } as const;
/** Memory of the consumer. */
const CONSUMER_GB = 0.5;
/** Lambda keeps five pollers on a queue, each asks again after 20 s at the latest. */
const IDLE_POLLS_A_SECOND = 5 / 20;
/** START, END and REPORT of an invocation. */
const PLATFORM_LOG_BYTES = 400;
/** A claim with its index overhead of 100 bytes. */
const CLAIM_BYTES = 200;
/** What the stack has of each. */
const CUSTOM_METRICS = 16;
/** Seven ordinary alarms, and one on an anomaly band, which is billed as three. */
const ALARMS = 10;

/** Billable units that a run used, as AWS counts them. */
export interface Usage {
  seconds: number;
  events: number;
  sqsRequests: number;
  eventBridgeEvents: number;
  dynamoDbWrites: number;
  dynamoDbReads: number;
  invocations: number;
  /** Sum of the invocations' durations. */
  invocationSeconds: number;
  /** Bytes that the consumer logged, metrics included. */
  logBytes: number;
}

/** One line of the bill. */
export interface BillLine {
  item: string;
  /** A month's units. */
  quantity: number;
  unit: string;
  usd: number;
}

/** A month's bill. */
export interface Bill {
  lines: BillLine[];
  totalUsd: number;
  eventsAMonth: number;
  /** What grows with the events, for a million of them. */
  perMillionUsd: number;
}

/** A month of what a run used, at the same rate. @param claimDays how long claims are kept */
export function bill(usage: Usage, options: { tasks: number; claimDays: number }): Bill {
  const month = SECONDS_A_MONTH / usage.seconds;
  const millions = (count: number) => (count * month) / MILLION;
  const line = (item: string, quantity: number, unit: string, price: number): BillLine => ({
    item,
    quantity,
    unit,
    usd: quantity * price,
  });
  const idlePolls = (IDLE_POLLS_A_SECOND * SECONDS_A_MONTH) / MILLION;
  const claimGb = (usage.events * month * (options.claimDays / DAYS_A_MONTH) * CLAIM_BYTES) / GB;
  const variable = [
    line(
      'EventBridge: events on the bus',
      millions(usage.eventBridgeEvents),
      'M events',
      PRICES.eventBridgeMillionEvents,
    ),
    line(
      'DynamoDB: claims and markers written',
      millions(usage.dynamoDbWrites),
      'M units',
      PRICES.dynamoDbMillionWrites,
    ),
    line('DynamoDB: read', millions(usage.dynamoDbReads), 'M units', PRICES.dynamoDbMillionReads),
    line(`DynamoDB: claims kept ${options.claimDays} days`, claimGb, 'GB', PRICES.dynamoDbGbMonth),
    line('SQS: send, receive, delete', millions(usage.sqsRequests), 'M requests', PRICES.sqsMillionRequests),
    line('Lambda: requests', millions(usage.invocations), 'M requests', PRICES.lambdaMillionRequests),
    line('Lambda: time', usage.invocationSeconds * month * CONSUMER_GB, 'GB-s', PRICES.lambdaGbSecond),
    line(
      'CloudWatch: logs',
      ((usage.logBytes + usage.invocations * PLATFORM_LOG_BYTES) * month) / GB,
      'GB',
      PRICES.logsGb,
    ),
  ];
  const fixed = [
    line('SQS: polls of an idle queue', idlePolls, 'M requests', PRICES.sqsMillionRequests),
    line('Fargate: vCPU', options.tasks * TASK.vcpu * HOURS_A_MONTH, 'vCPU-h', PRICES.fargateVcpuHour),
    line('Fargate: memory', options.tasks * TASK.gb * HOURS_A_MONTH, 'GB-h', PRICES.fargateGbHour),
    line('Public IPv4', options.tasks * HOURS_A_MONTH, 'h', PRICES.ipv4Hour),
    line('CloudWatch: metrics', CUSTOM_METRICS, 'metrics', PRICES.metricMonth),
    line('CloudWatch: alarms', ALARMS, 'alarms', PRICES.alarmMonth),
  ];
  const sum = (lines: readonly BillLine[]) => lines.reduce((total, { usd }) => total + usd, 0);
  return {
    lines: [...variable, ...fixed],
    totalUsd: sum(variable) + sum(fixed),
    eventsAMonth: usage.events * month,
    perMillionUsd: sum(variable) / millions(usage.events),
  };
}
