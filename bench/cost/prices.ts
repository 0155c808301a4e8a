/** Prices of us-east-1 in US dollars, without free tiers, as AWS publishes them. */
export const PRICES = {
  region: 'us-east-1',
  /** When they were looked up. */
  date: '2026-11-20',
  /** A million requests; each started 64 KB is one. */
  sqsMillionRequests: 0.4,
  /** A million custom events; each started 64 KB is one. */
  eventBridgeMillionEvents: 1,
  /** A million write request units, on demand. */
  dynamoDbMillionWrites: 0.625,
  /** A million read request units, on demand. */
  dynamoDbMillionReads: 0.125,
  dynamoDbGbMonth: 0.25,
  lambdaMillionRequests: 0.2,
  /** A GB-second on ARM. */
  lambdaGbSecond: 0.000_013_333_4,
  fargateVcpuHour: 0.032_38,
  fargateGbHour: 0.003_56,
  /** Ingesting a GB into CloudWatch Logs. */
  logsGb: 0.5,
  /** One custom metric, a month. */
  metricMonth: 0.3,
  /** One public IPv4 address, an hour. */
  ipv4Hour: 0.005,
  alarmMonth: 0.1,
} as const;
