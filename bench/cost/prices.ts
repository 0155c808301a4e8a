/** Prices published by AWS for us-east-1 in US dollars, without free tiers. */
export const PRICES = {
  region: 'us-east-1',
  /** Date of the prices. */
  date: '2026-11-20',
  /** Per million requests. Each 64 KB chunk is billed as one request. */
  sqsMillionRequests: 0.4,
  /** Per million requests to FIFO queues. */
  sqsFifoMillionRequests: 0.5,
  /** Per million custom events. Each 64 KB chunk is billed as one event. */
  eventBridgeMillionEvents: 1,
  /** Per million write request units, on demand. */
  dynamoDbMillionWrites: 0.625,
  /** Per million read request units, on demand. */
  dynamoDbMillionReads: 0.125,
  dynamoDbGbMonth: 0.25,
  lambdaMillionRequests: 0.2,
  /** Per GB-second on ARM. */
  lambdaGbSecond: 0.000_013_333_4,
  fargateVcpuHour: 0.032_38,
  fargateGbHour: 0.003_56,
  /** Per GB ingested into CloudWatch Logs. */
  logsGb: 0.5,
  /** Per custom metric and month. */
  metricMonth: 0.3,
  /** Per public IPv4 address and hour. */
  ipv4Hour: 0.005,
  alarmMonth: 0.1,
  /** Per secret and month. */
  secretMonth: 0.4,
} as const;
