import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { contentRedactionProblems } from '../events/content-rules.ts';
import {
  CHANNELS_PER_CLIENT,
  channelShare,
  MAX_CHANNELS_PER_CLIENT,
  MAX_CLIENTS,
} from '../genesys/channel-budget.ts';
import { listProblems, topicProblems } from '../genesys/configured-topics.ts';
import { domainWarning, GENESYS_DOMAINS, isGenesysDomain } from '../genesys/regions.ts';
import { FRAME_BYTES } from '../protocols/socket-limits.ts';
import { alarmProblems } from './alarm-problems.ts';
import { SwitchboardConfigurationError } from './configuration-error.ts';
import { hasIngester } from './event-paths.ts';
import { functionProblems } from './function-problems.ts';
import { secretsIn } from './genesys-secret.ts';
import { ingesterProblems, spotWarning } from './ingester-problems.ts';
import { numberProblems } from './number-problems.ts';
import { partnerProblems } from './partner-topics.ts';
import { protocolProblems } from './protocol-variables.ts';
import { shardProblems } from './shard-problems.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** Defaults of {@link SwitchboardProps}. */
export const DEFAULTS = {
  tasks: 2,
  consumerConcurrency: 10,
  dedupWindowDays: 7,
  eventSource: 'genesys.cloud',
} as const satisfies SwitchboardProps | object;

/** Minimum and maximum of each numeric property, with the reason. */
export const LIMITS = {
  /** Each task uses its own channels of every OAuth client. */
  tasks: {
    min: 1,
    max: MAX_CHANNELS_PER_CLIENT,
    why: 'each task uses its own notification channels of every OAuth client',
  },
  channels: {
    min: 1,
    max: MAX_CHANNELS_PER_CLIENT * MAX_CLIENTS,
    why: `what one task can use of ${MAX_CLIENTS} OAuth clients`,
  },
  /** The range of the maximum concurrency of an SQS event source. */
  consumerConcurrency: { min: 2, max: 1_000, why: 'the range that AWS Lambda supports for an SQS queue' },
  /** Genesys Cloud retries deliveries to EventBridge for 4 days. Two queues retain a message for 28 days in total. */
  dedupWindowDays: {
    min: 4,
    max: 28,
    why: 'Genesys Cloud retries for 4 days, and two queues retain a message for 28 days',
  },
  claimsWarmWriteUnits: {
    min: 4_000,
    max: 1_000_000,
    why: 'a new table takes 4000; an account needs a higher quota for more than 40000',
  },
  archiveDays: { min: 1, max: 3_650, why: 'omit it to create no archive' },
  maxFrameBytes: { min: FRAME_BYTES.min, max: FRAME_BYTES.max, why: 'it bounds the memory of one WebSocket' },
} as const;

/** Requests per minute of the backfill. */
const BACKFILL_REQUESTS = { min: 1, max: 300, why: 'the limit of Genesys Cloud per OAuth client' };

/** AWS reserves the prefix `aws.`. */
const EVENT_SOURCE = /^(?!aws\.)[\w.\-/]{1,256}$/i;
/** Secret names that Secrets Manager accepts. */
const SECRET_NAME = /^[\w/+=.@-]{1,512}$/;

/**
 * Validates the properties before any resource is created.
 *
 * @param caller - function to omit from the stack trace of the error
 * @throws {@link SwitchboardConfigurationError} with all problems
 */
export function checkConfiguration(props: SwitchboardProps, caller?: object): void {
  const problems = [
    ...domainProblems(props),
    ...secretsProblems(props),
    ...allTopicProblems(props),
    ...partnerProblems(props),
    ...protocolProblems(props.protocols, props.tasks ?? DEFAULTS.tasks),
    ...sourceProblems(props.eventSource),
    ...(Object.keys(LIMITS) as (keyof typeof LIMITS)[]).flatMap((name) =>
      numberProblems(name, props[name], LIMITS[name]),
    ),
    ...numberProblems(
      'backfill.requestsPerMinute',
      props.backfill ? props.backfill.requestsPerMinute : undefined,
      BACKFILL_REQUESTS,
    ),
    ...webhookProblems(props.webhook),
    ...functionProblems(props, props.consumerConcurrency ?? DEFAULTS.consumerConcurrency),
    ...ingesterProblems(props),
    ...auditProblems(props.audit),
    ...redactionProblems(props),
    ...channelProblems(props),
    ...shardProblems(props),
    ...alarmProblems(props, props.tasks ?? DEFAULTS.tasks),
  ];
  if (problems.length > 0) throw new SwitchboardConfigurationError(problems, caller);
}

/** Adds a warning for what is accepted but may be a mistake. */
export function addWarnings(scope: Construct, props: SwitchboardProps): void {
  const { genesysDomain } = props;
  const spot = spotWarning(props);
  if (spot) Annotations.of(scope).addWarningV2('switchboard:fargateSpot', spot);
  if (genesysDomain === undefined || Token.isUnresolved(genesysDomain)) return;
  const warning = domainWarning(genesysDomain);
  if (warning) Annotations.of(scope).addWarningV2('switchboard:genesysDomain', `genesysDomain ${warning}`);
}

function domainProblems(props: SwitchboardProps): string[] {
  const { genesysDomain = '' } = props;
  if (Token.isUnresolved(genesysDomain) || isGenesysDomain(genesysDomain)) return [];
  if (props.genesysDomain === undefined && !hasIngester(props)) return [];
  const shown = genesysDomain || '(empty)';
  return [
    `genesysDomain ${shown} is not the domain of a Genesys Cloud region; use one of ${GENESYS_DOMAINS.join(', ')}`,
  ];
}

function secretsProblems(props: SwitchboardProps): string[] {
  const { secret } = props;
  const secrets = secretsIn(secret);
  if (secret === undefined && !hasIngester(props)) return [];
  if (secret === undefined) return ['secret is missing; specify a secret with the OAuth client'];
  if (secrets.length === 0) return ['secret is an empty list; specify a secret for each OAuth client'];
  if (secrets.length > MAX_CLIENTS)
    return [
      `secret has ${secrets.length} members, but a deployment has at most ${MAX_CLIENTS} OAuth clients`,
    ];
  // The ARN of a secret that was imported by name is incomplete.
  const keys = secrets.map((one) => (typeof one === 'string' ? one : (one.secretFullArn ?? one.secretName)));
  const repeated = new Set(keys.filter((key, index) => keys.indexOf(key) < index));
  return [
    ...secrets.flatMap(secretProblems),
    ...[...repeated].map(
      (key) =>
        `secret contains ${Token.isUnresolved(key) ? 'the same secret' : key} more than once; each OAuth client needs its own secret`,
    ),
  ];
}

/** The problems with a secret or the name of a new one. */
export function secretProblems(secret: string | object): string[] {
  if (typeof secret !== 'string' || Token.isUnresolved(secret) || SECRET_NAME.test(secret)) return [];
  const shown = secret || '(empty)';
  return [
    `secret ${shown} is not a valid secret name; use 1-512 letters, digits and the characters / _ + = . @ -`,
  ];
}

function allTopicProblems(props: SwitchboardProps): string[] {
  const { partnerEventSource, webhook } = props;
  if (!hasIngester(props) && partnerEventSource === undefined && webhook === undefined)
    return ['topics is empty; specify at least one topic, for example v2.users.{id}.presence'];
  const problems = [...listProblems(props.topics), ...topicProblems(props.topics)];
  return problems.map((problem) => `topics: ${problem}`);
}

function sourceProblems(source: string | undefined): string[] {
  if (source === undefined || EVENT_SOURCE.test(source)) return [];
  return [
    `eventSource ${source} is invalid; use 1-256 letters, digits and the characters . - _ / and do not start with aws., which is reserved`,
  ];
}

/** The channels of each client are counted, because every task uses every client. */
function channelProblems({ tasks = DEFAULTS.tasks, channels, secret }: SwitchboardProps): string[] {
  if (channels === undefined || Token.isUnresolved(channels) || Token.isUnresolved(tasks)) return [];
  const clients = secretsIn(secret).length;
  const allowed = clients * channelShare(tasks);
  // Numbers out of range are problems of their own.
  if (!(allowed > 0) || !(channels > allowed) || channels > LIMITS.channels.max) return [];
  return [
    `tasks x channels is ${tasks} x ${channels} = ${tasks * channels}, but ${clients} OAuth client(s) with ${CHANNELS_PER_CLIENT} channels each allow ${tasks} x ${allowed} = ${tasks * allowed}, because an upgrade runs twice as many tasks; add another OAuth client to \`secret\`, or reduce tasks or channels`,
  ];
}

function webhookProblems(webhook: SwitchboardProps['webhook']): string[] {
  if (webhook?.secret === undefined) return [];
  return secretProblems(webhook.secret).map((problem) => `webhook.${problem}`);
}

function auditProblems(audit: SwitchboardProps['audit']): string[] {
  if (audit === undefined || ['connections', 'all'].includes(audit.records)) return [];
  return [
    `audit.records is ${audit.records}, but must be connections or all; omit audit to write no records`,
  ];
}

function redactionProblems({ redaction }: SwitchboardProps): string[] {
  if (redaction === undefined) return [];
  return contentRedactionProblems(redaction).map((problem) => `redaction${problem}`);
}
