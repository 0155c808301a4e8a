import type * as z from 'zod';
import { type AuditSettings, auditProblems, auditSettings } from '../../lib/aws/audit-settings.ts';
import type { LOG_LEVELS } from '../../lib/aws/logger.ts';
import {
  type ContentRedactionConfig,
  contentRedactionConfig,
  hashKeyProblems,
} from '../../lib/events/content-rules.ts';
import { GENESYS_DOMAINS, genesysHosts, isGenesysDomain } from '../../lib/genesys/regions.ts';
import { members } from '../../lib/protocols/configuration-fields.ts';
import { DEFAULT_PROTOCOL, type IngesterEnvironment, ingesterEnvironment } from './ingester-environment.ts';
import { PROTOCOLS } from './protocols/registry.ts';
import type { SocketLimits, StreamProtocol } from './protocols/stream-protocol.ts';

/** A protocol, and its own configuration, parsed by its schema. */
export interface ConfiguredProtocol {
  readonly protocol: StreamProtocol;
  readonly configuration: unknown;
}

/** The ingester's configuration. */
export interface IngesterConfig {
  apiUrl: string;
  loginUrl: string;
  /** OAuth client, or names or ARNs of secrets in Secrets Manager, each with one: `{"clientId","clientSecret"}`. */
  credentials: { clientId: string; clientSecret: string } | { secretIds: readonly string[] };
  /** How events are received. */
  protocols: readonly ConfiguredProtocol[];
  /** Name of the subscription set: the key of its records in the state table. */
  subscriptionSet: string;
  eventsQueueUrl: string;
  /** Tasks of the deployment. With two or more, one sends and the others are standbys. */
  tasks: number;
  /** Without it gaps are not filled. */
  gapsQueueUrl?: string | undefined;
  /** Without it channels are not kept across restarts, and gaps are only logged. */
  stateTable: string | undefined;
  /** S3 bucket for frames that do not fit into a message. Without it they are quarantined compressed, or lost. */
  oversizeBucket: string | undefined;
  /** Limits of every WebSocket. */
  socket: Pick<SocketLimits, 'maxFrameBytes' | 'deflate'>;
  /** Without it no audit records are written. */
  audit?: AuditSettings | undefined;
  /** What is redacted before an event leaves. */
  redaction: ContentRedactionConfig | undefined;
  healthHost: string;
  healthPort: number;
  /** Name of the deployment in metrics. */
  deployment?: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
}

/** The configuration is not usable; the message lists every problem. */
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

/**
 * The configuration in a process environment.
 *
 * @throws {@link ConfigError} with every problem at once
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  protocols: readonly StreamProtocol[] = PROTOCOLS,
): IngesterConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = ingesterEnvironment.safeParse(set);
  const values = parsed.success ? parsed.data : (set as unknown as IngesterEnvironment);
  const names = parsed.success ? parsed.data.PROTOCOLS : members(set.PROTOCOLS ?? DEFAULT_PROTOCOL);
  const chosen = protocols.filter(({ name }) => names.includes(name));
  const own = chosen.map((protocol) => ({ protocol, result: protocol.configuration.safeParse(set) }));
  const problems = [
    ...issuesOf(parsed.error),
    ...protocolProblems(names, protocols),
    ...hostProblems(values),
    ...credentialProblems(values),
    ...auditProblems(values),
    ...hashKeyProblems(values),
    ...own.flatMap(({ result }) => issuesOf(result.error)),
    ...(values.EVENTS_QUEUE_URL ? [] : ['EVENTS_QUEUE_URL is missing: the URL of the SQS queue for events']),
  ];
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return toConfig(
    values,
    own.map(({ protocol, result }) => ({ protocol, configuration: result.data })),
  );
}

function issuesOf(error: z.ZodError | undefined): string[] {
  return error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
}

function toConfig(values: IngesterEnvironment, protocols: readonly ConfiguredProtocol[]): IngesterConfig {
  const hosts = genesysHosts(values.GENESYS_DOMAIN ?? '');
  return {
    apiUrl: values.GENESYS_API_URL ?? hosts.apiUrl,
    loginUrl: values.GENESYS_LOGIN_URL ?? hosts.loginUrl,
    credentials: values.GENESYS_SECRET_ID
      ? { secretIds: values.GENESYS_SECRET_ID }
      : { clientId: values.GENESYS_CLIENT_ID ?? '', clientSecret: values.GENESYS_CLIENT_SECRET ?? '' },
    protocols,
    subscriptionSet: values.SUBSCRIPTION,
    tasks: values.TASKS,
    eventsQueueUrl: values.EVENTS_QUEUE_URL ?? '',
    gapsQueueUrl: values.GAPS_QUEUE_URL,
    stateTable: values.STATE_TABLE,
    oversizeBucket: values.OVERSIZE_BUCKET,
    socket: { maxFrameBytes: values.SOCKET_MAX_FRAME_BYTES, deflate: values.SOCKET_DEFLATE === 'on' },
    audit: auditSettings(values),
    redaction: contentRedactionConfig(values),
    healthHost: values.HEALTH_HOST,
    healthPort: values.HEALTH_PORT,
    deployment: values.DEPLOYMENT,
    logLevel: values.LOG_LEVEL,
  };
}

function protocolProblems(names: readonly string[], protocols: readonly StreamProtocol[]): string[] {
  const known = protocols.map(({ name }) => name);
  if (names.length === 0) return [`PROTOCOLS names no protocol: name one or more of ${known.join(', ')}`];
  return names
    .filter((name) => !known.includes(name))
    .map((name) => `PROTOCOLS names ${name}, which is not one of ${known.join(', ')}`);
}

function hostProblems(values: IngesterEnvironment): string[] {
  if (values.GENESYS_API_URL && values.GENESYS_LOGIN_URL) return [];
  const domain = values.GENESYS_DOMAIN;
  if (!domain)
    return [
      'GENESYS_DOMAIN is missing: the domain of your Genesys Cloud region, for example mypurecloud.com',
    ];
  if (isGenesysDomain(domain)) return [];
  return [
    `GENESYS_DOMAIN ${domain} is not a Genesys Cloud region. The regions are ${GENESYS_DOMAINS.join(', ')}`,
  ];
}

function credentialProblems(values: IngesterEnvironment): string[] {
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
