import * as z from 'zod';
import {
  type AuditSettings,
  auditProblems,
  auditSettings,
  auditVariables,
} from '../../lib/aws/audit-settings.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import { MAX_CLIENTS } from '../../lib/genesys/channel-budget.ts';
import { GENESYS_DOMAINS, genesysHosts, isGenesysDomain } from '../../lib/genesys/regions.ts';
import { members, text, wholeNumber } from '../../lib/protocols/configuration-fields.ts';
import { FRAME_BYTES } from '../../lib/protocols/socket-limits.ts';
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
  /** Without it channels are not kept across restarts, and gaps are only logged. */
  stateTable: string | undefined;
  /** S3 bucket for frames that do not fit into a message. Without it they are quarantined compressed, or lost. */
  oversizeBucket: string | undefined;
  /** Limits of every WebSocket. */
  socket: Pick<SocketLimits, 'maxFrameBytes' | 'deflate'>;
  /** Without it no audit records are written. */
  audit?: AuditSettings | undefined;
  healthHost: string;
  healthPort: number;
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

/** The protocol that Genesys Cloud itself runs. */
const DEFAULT_PROTOCOL = 'notification-channels';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' }).optional();
/** Paths are appended to it. */
const baseUrl = httpUrl.transform((url) => url?.replace(/\/+$/, ''));

/** Environment variables of the ingester, whatever its protocol. */
export const ingesterEnvironment = z.object({
  GENESYS_DOMAIN: text.meta({
    description: 'Domain of your Genesys Cloud region, for example `mypurecloud.de`.',
    defaultText: 'required without `GENESYS_API_URL` and `GENESYS_LOGIN_URL`',
  }),
  GENESYS_API_URL: baseUrl.meta({
    description: 'Base URL of the platform API, for example of a simulator.',
    defaultText: '`https://api.{GENESYS_DOMAIN}`',
  }),
  GENESYS_LOGIN_URL: baseUrl.meta({
    description: 'Base URL of the login service, for example of a simulator.',
    defaultText: '`https://login.{GENESYS_DOMAIN}`',
  }),
  GENESYS_CLIENT_ID: text.meta({
    description:
      'Id of an OAuth client with the Client Credentials grant. Ignored if `GENESYS_SECRET_ID` is set.',
    defaultText: 'required without `GENESYS_SECRET_ID`',
  }),
  GENESYS_CLIENT_SECRET: text.meta({
    description: 'Secret of the OAuth client. Ignored if `GENESYS_SECRET_ID` is set.',
    defaultText: 'required without `GENESYS_SECRET_ID`',
  }),
  GENESYS_SECRET_ID: z
    .string()
    .transform(members)
    .superRefine((ids, context) => {
      for (const problem of secretProblems(ids)) context.addIssue(problem);
    })
    .optional()
    .meta({
      description:
        'Name or ARN of a Secrets Manager secret with the OAuth client, `{"clientId":"…","clientSecret":"…"}`. For several OAuth clients, up to 10 names or ARNs, separated by commas.',
      typeText: 'list of names or ARNs',
    }),
  PROTOCOLS: z.string().default(DEFAULT_PROTOCOL).transform(members).meta({
    description: 'Protocols by which events are received, separated by commas.',
    typeText: 'list of names',
  }),
  SUBSCRIPTION: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'has characters other than letters, digits, - and _, or more than 64')
    .default('default')
    .meta({
      description: 'Name of the subscription set, the key of its records in the state table.',
      typeText: '1-64 letters, digits, `-` and `_`',
    }),
  EVENTS_QUEUE_URL: httpUrl.meta({
    description: 'URL of the SQS queue to which events are sent.',
    defaultText: 'required',
  }),
  STATE_TABLE: text.meta({
    description:
      'Name of the DynamoDB table for channels and gap records. Without it, channels are not reused after a restart, and gaps are only logged.',
  }),
  OVERSIZE_BUCKET: text.meta({
    description:
      'Name of the S3 bucket for frames that do not fit into an SQS message. Without it, they are quarantined if they fit when compressed, and lost otherwise.',
  }),
  SOCKET_MAX_FRAME_BYTES: wholeNumber(FRAME_BYTES).meta({
    description:
      'Largest frame that is read, in bytes. A larger one is lost: it ends its connection with code 1009, and is counted.',
  }),
  SOCKET_DEFLATE: z.enum(['on', 'off'], 'is not on or off').default('off').meta({
    description: 'Whether permessage-deflate is offered. It saves bandwidth and costs CPU and memory.',
  }),
  ...auditVariables,
  HEALTH_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .meta({ description: 'Address on which `/healthz` and `/metrics` are served.' }),
  HEALTH_PORT: wholeNumber({ fallback: 3001, min: 0, max: 65_535 }).meta({
    description: 'Port on which `/healthz` and `/metrics` are served; 0 selects a free port.',
  }),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`)
    .default('INFO')
    .meta({ description: 'Log level.' }),
});
type Environment = z.infer<typeof ingesterEnvironment>;

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
  const values = parsed.success ? parsed.data : (set as unknown as Environment);
  const names = parsed.success ? parsed.data.PROTOCOLS : members(set.PROTOCOLS ?? DEFAULT_PROTOCOL);
  const chosen = protocols.filter(({ name }) => names.includes(name));
  const own = chosen.map((protocol) => ({ protocol, result: protocol.configuration.safeParse(set) }));
  const problems = [
    ...issuesOf(parsed.error),
    ...protocolProblems(names, protocols),
    ...hostProblems(values),
    ...credentialProblems(values),
    ...auditProblems(values),
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

function toConfig(values: Environment, protocols: readonly ConfiguredProtocol[]): IngesterConfig {
  const hosts = genesysHosts(values.GENESYS_DOMAIN ?? '');
  return {
    apiUrl: values.GENESYS_API_URL ?? hosts.apiUrl,
    loginUrl: values.GENESYS_LOGIN_URL ?? hosts.loginUrl,
    credentials: values.GENESYS_SECRET_ID
      ? { secretIds: values.GENESYS_SECRET_ID }
      : { clientId: values.GENESYS_CLIENT_ID ?? '', clientSecret: values.GENESYS_CLIENT_SECRET ?? '' },
    protocols,
    subscriptionSet: values.SUBSCRIPTION,
    eventsQueueUrl: values.EVENTS_QUEUE_URL ?? '',
    stateTable: values.STATE_TABLE,
    oversizeBucket: values.OVERSIZE_BUCKET,
    socket: { maxFrameBytes: values.SOCKET_MAX_FRAME_BYTES, deflate: values.SOCKET_DEFLATE === 'on' },
    audit: auditSettings(values),
    healthHost: values.HEALTH_HOST,
    healthPort: values.HEALTH_PORT,
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

function hostProblems(values: Environment): string[] {
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

function secretProblems(ids: readonly string[]): string[] {
  const repeated = ids.filter((id, index) => ids.indexOf(id) < index);
  return [
    ...(ids.length === 0 ? ['names no secret: name a secret with the OAuth client'] : []),
    ...[...new Set(repeated)].map(
      (id) => `names ${id} more than once: each OAuth client needs a secret of its own`,
    ),
    ...(ids.length > MAX_CLIENTS
      ? [`names ${ids.length} secrets, but a deployment has at most ${MAX_CLIENTS} OAuth clients`]
      : []),
  ];
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
