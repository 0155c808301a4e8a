/** A limit of AWS or Genesys Cloud, and where it is documented. */
export interface Quota {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What has its own limit: a deployment, or an account in a Region. */
  readonly of: 'deployment' | 'account';
  /** Page of the documentation, with the code in Service Quotas if there is one. */
  readonly source: string;
  /** Whether AWS raises it on request. */
  readonly isAdjustable: boolean;
}

/** When the documentation was read. */
export const QUOTAS_READ_ON = '2026-11-22';

/** Limits that are the same in every Region. */
export const QUOTAS = {
  newTableWrites: {
    name: 'DynamoDB: writes of a new on-demand table',
    value: 4_000,
    unit: 'write units/s',
    of: 'deployment',
    source: 'Understanding DynamoDB warm throughput in different scenarios',
    isAdjustable: false,
  },
  tableWrites: {
    name: 'DynamoDB: writes of a table',
    value: 40_000,
    unit: 'write units/s',
    of: 'deployment',
    source: 'Quotas in Amazon DynamoDB; L-AB614373',
    isAdjustable: true,
  },
  lambdaConcurrency: {
    name: 'Lambda: concurrent executions',
    value: 1_000,
    unit: 'executions',
    of: 'account',
    source: 'Lambda quotas; L-B99A9384',
    isAdjustable: true,
  },
  queueInvocations: {
    name: 'Lambda: concurrency of an SQS queue',
    value: 1_000,
    unit: 'executions',
    of: 'deployment',
    source: 'Configuring scaling behavior for SQS event source mappings',
    isAdjustable: false,
  },
  messagesInFlight: {
    name: 'SQS: messages in flight',
    value: 120_000,
    unit: 'messages',
    of: 'deployment',
    source: 'Amazon SQS standard queue quotas',
    isAdjustable: true,
  },
  topicsPerChannel: {
    name: 'Genesys Cloud: topics of a channel',
    value: 1_000,
    unit: 'topics',
    of: 'deployment',
    source: 'Genesys Cloud Developer Center, Notification service',
    isAdjustable: false,
  },
  channelsPerClient: {
    name: 'Genesys Cloud: channels of an OAuth client',
    value: 20,
    unit: 'channels',
    of: 'deployment',
    source: 'Genesys Cloud Developer Center, Notification service',
    isAdjustable: false,
  },
} as const satisfies Record<string, Quota>;

/** Regions with the same quotas of EventBridge. */
export interface RegionGroup {
  readonly regions: readonly string[];
  /** PutEvents requests per second. */
  readonly putEvents: number;
  /** Targets that rules invoke per second. */
  readonly invocations: number;
}

/** Where the quotas of EventBridge are documented, with their codes in Service Quotas. */
export const EVENT_BRIDGE_SOURCE = 'Amazon EventBridge quotas; PutEvents L-9B653E91, invocations L-5540C5E3';

/** The quotas of EventBridge by Region. AWS raises them on request. */
export const REGION_GROUPS: readonly [RegionGroup, ...RegionGroup[]] = [
  { regions: ['us-east-1', 'us-west-2', 'eu-west-1'], putEvents: 10_000, invocations: 18_750 },
  { regions: ['us-east-2', 'eu-central-1', 'eu-south-2'], putEvents: 2_400, invocations: 4_500 },
  {
    regions: ['us-west-1', 'ap-northeast-1', 'ap-southeast-1', 'ap-southeast-2', 'eu-west-2'],
    putEvents: 1_200,
    invocations: 2_250,
  },
  {
    regions: [
      'ap-east-1',
      'ap-northeast-2',
      'ap-south-1',
      'ca-central-1',
      'eu-north-1',
      'eu-west-3',
      'sa-east-1',
    ],
    putEvents: 600,
    invocations: 1_100,
  },
  { regions: ['all others'], putEvents: 400, invocations: 750 },
];
