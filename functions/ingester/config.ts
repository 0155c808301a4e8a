import * as z from 'zod';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import { PROTOCOLS, type ProtocolName } from '../../lib/events/schema.ts';
import { topicProblems } from '../../lib/genesys/configured-topics.ts';
import { GENESYS_DOMAINS, genesysHosts, isGenesysDomain } from '../../lib/genesys/regions.ts';

/** What the ingester is told by its environment. */
export interface IngesterConfig {
  apiUrl: string;
  loginUrl: string;
  /** OAuth client: given, or the name or ARN of a secret `{"clientId","clientSecret"}` in Secrets Manager. */
  credentials: { clientId: string; clientSecret: string } | { secretId: string };
  /** How events are received. */
  protocol: ProtocolName;
  /** Topics as configured, `{id}` not yet replaced. */
  topics: readonly string[];
  /** Name of the subscription set, the key of its records in the state table. */
  subscription: string;
  eventsQueueUrl: string;
  /** Without it channels are not remembered from one start to the next and gaps are only logged. */
  stateTable: string | undefined;
  healthHost: string;
  healthPort: number;
  /** Between two looks at which users and queues exist. */
  topicRefreshSeconds: number;
  logLevel: (typeof LOG_LEVELS)[number];
}

/** The configuration cannot be used; the message lists every problem. */
export class ConfigError extends Error {
  readonly code = 'invalid_config';
  readonly retriable = false;
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((one) => `  - ${one}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const text = z.string().trim().min(1, 'is blank').optional();
const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional();
/** Paths are put behind it. */
const baseUrl = httpUrl.transform((url) => url?.replace(/\/+$/, ''));
const wholeNumber = (fallback: number, min: number, max: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(min, `is below ${min}`)
    .max(max, `is above ${max}`)
    .default(fallback);

const environmentSchema = z.object({
  GENESYS_DOMAIN: text,
  GENESYS_API_URL: baseUrl,
  GENESYS_LOGIN_URL: baseUrl,
  GENESYS_CLIENT_ID: text,
  GENESYS_CLIENT_SECRET: text,
  GENESYS_SECRET_ID: text,
  PROTOCOL: z.enum(PROTOCOLS, `is not one of ${PROTOCOLS.join(', ')}`).default('notification-channels'),
  TOPICS: text,
  SUBSCRIPTION: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'has characters other than letters, digits, - and _')
    .default('default'),
  EVENTS_QUEUE_URL: httpUrl,
  STATE_TABLE: text,
  HEALTH_HOST: z.string().min(1).default('127.0.0.1'),
  HEALTH_PORT: wholeNumber(3001, 0, 65_535),
  TOPIC_REFRESH_SECONDS: wholeNumber(300, 5, 86_400),
  LOG_LEVEL: z.enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`).default('INFO'),
});
type Environment = z.infer<typeof environmentSchema>;

/**
 * The configuration in a process environment.
 *
 * @throws {@link ConfigError} with every problem at once
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): IngesterConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  const values = parsed.success ? parsed.data : (set as unknown as Environment);
  const topics = (values.TOPICS ?? '').split(',').flatMap((topic) => topic.trim() || []);
  problems.push(...hostProblems(values), ...credentialProblems(values));
  if (topics.length === 0) {
    problems.push(
      'TOPICS is missing: name the topics, for example v2.users.{id}.presence,v2.routing.queues.{id}.conversations',
    );
  }
  problems.push(...topicProblems(topics).map((problem) => `TOPICS: ${problem}`));
  if (!values.EVENTS_QUEUE_URL)
    problems.push('EVENTS_QUEUE_URL is missing: the URL of the SQS queue for events');
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return toConfig(values, topics);
}

function toConfig(values: Environment, topics: readonly string[]): IngesterConfig {
  const hosts = genesysHosts(values.GENESYS_DOMAIN ?? '');
  return {
    apiUrl: values.GENESYS_API_URL ?? hosts.apiUrl,
    loginUrl: values.GENESYS_LOGIN_URL ?? hosts.loginUrl,
    credentials: values.GENESYS_SECRET_ID
      ? { secretId: values.GENESYS_SECRET_ID }
      : { clientId: values.GENESYS_CLIENT_ID ?? '', clientSecret: values.GENESYS_CLIENT_SECRET ?? '' },
    protocol: values.PROTOCOL,
    topics,
    subscription: values.SUBSCRIPTION,
    eventsQueueUrl: values.EVENTS_QUEUE_URL ?? '',
    stateTable: values.STATE_TABLE,
    healthHost: values.HEALTH_HOST,
    healthPort: values.HEALTH_PORT,
    topicRefreshSeconds: values.TOPIC_REFRESH_SECONDS,
    logLevel: values.LOG_LEVEL,
  };
}

function hostProblems(values: Environment): string[] {
  if (values.GENESYS_API_URL && values.GENESYS_LOGIN_URL) return [];
  const domain = values.GENESYS_DOMAIN;
  if (!domain)
    return [
      'GENESYS_DOMAIN is missing: the domain of your Genesys Cloud region, for example mypurecloud.com',
    ];
  if (isGenesysDomain(domain)) return [];
  return [`GENESYS_DOMAIN ${domain} is no Genesys Cloud region; it is one of ${GENESYS_DOMAINS.join(', ')}`];
}

function credentialProblems(values: Environment): string[] {
  if (values.GENESYS_SECRET_ID) return [];
  return [
    ...(values.GENESYS_CLIENT_ID
      ? []
      : ['GENESYS_CLIENT_ID is missing: the id of an OAuth client with the Client Credentials grant']),
    ...(values.GENESYS_CLIENT_SECRET
      ? []
      : ['GENESYS_CLIENT_SECRET is missing: the secret of that OAuth client, or set GENESYS_SECRET_ID']),
  ];
}
