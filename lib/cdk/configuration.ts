import { Token } from 'aws-cdk-lib';
import { PROTOCOLS } from '../events/schema.ts';
import { topicProblems } from '../genesys/configured-topics.ts';
import { GENESYS_DOMAINS, isGenesysDomain } from '../genesys/regions.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** What holds where a user says nothing else. */
export const DEFAULTS = {
  protocol: 'notification-channels',
  tasks: 1,
  consumerConcurrency: 10,
  dedupWindowDays: 7,
  eventSource: 'genesys.cloud',
} as const satisfies SwitchboardProps | object;

/** Smallest and largest value of each number, and why. */
export const LIMITS = {
  /** Every task holds channels of its own, and an OAuth client has room for 20. */
  tasks: { min: 1, max: 10, why: 'every task needs channels of its own' },
  /** The range of an SQS event source. */
  consumerConcurrency: { min: 2, max: 1_000, why: 'the range that AWS Lambda takes for a queue' },
  /** Genesys Cloud retries towards EventBridge for four days; 28 is two queues' retention. */
  dedupWindowDays: { min: 4, max: 28, why: 'Genesys Cloud itself retries for 4 days, two queues keep 28' },
  archiveDays: { min: 1, max: 3_650, why: 'leave it out for no archive' },
} as const;

/** The props of {@link Switchboard} cannot be deployed; the message lists every problem. */
export class SwitchboardConfigurationError extends Error {
  readonly code = 'invalid_configuration';
  readonly retriable = false;
  declare readonly problems: readonly string[];

  /** @param caller - whose call the stack trace begins at: the line that the user wrote */
  constructor(problems: readonly string[], caller?: object) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    super(`The configuration of Switchboard has ${problems.length} problem(s):\n${list}`);
    this.name = 'SwitchboardConfigurationError';
    // Not enumerable: the message says them, and Node would print them once more.
    Object.defineProperty(this, 'problems', { value: problems });
    if (caller) Error.captureStackTrace(this, caller as () => void);
  }
}

/** `aws.` is what AWS keeps for itself. */
const EVENT_SOURCE = /^(?!aws\.)[\w.\-/]{1,256}$/i;
/** Names that Secrets Manager takes. */
const SECRET_NAME = /^[\w/+=.@-]{1,512}$/;

/**
 * Check what a user wrote, before anything is made of it.
 *
 * @param caller - whose call the error's stack trace begins at
 * @throws SwitchboardConfigurationError with every problem at once
 */
export function checkConfiguration(props: SwitchboardProps, caller?: object): void {
  const problems = [
    ...domainProblems(props.genesysDomain),
    ...secretProblems(props.secret),
    ...allTopicProblems(props.topics),
    ...protocolProblems(props.protocol),
    ...sourceProblems(props.eventSource),
    ...(Object.keys(LIMITS) as (keyof typeof LIMITS)[]).flatMap((name) => numberProblems(name, props[name])),
  ];
  if (problems.length > 0) throw new SwitchboardConfigurationError(problems, caller);
}

function domainProblems(domain: string): string[] {
  if (isGenesysDomain(domain)) return [];
  const shown = domain || '(empty)';
  return [`genesysDomain ${shown} is no Genesys Cloud region; it is one of ${GENESYS_DOMAINS.join(', ')}`];
}

function secretProblems(secret: SwitchboardProps['secret']): string[] {
  if (typeof secret !== 'string' || Token.isUnresolved(secret) || SECRET_NAME.test(secret)) return [];
  const shown = secret || '(empty)';
  return [`secret ${shown} is no name of a secret: 1-512 letters, digits and / _ + = . @ -`];
}

function allTopicProblems(topics: readonly string[]): string[] {
  if (topics.length === 0) return ['topics is empty: name at least one, for example v2.users.{id}.presence'];
  return topicProblems(topics).map((problem) => `topics: ${problem}`);
}

function protocolProblems(protocol: string | undefined): string[] {
  if (protocol === undefined || (PROTOCOLS as readonly string[]).includes(protocol)) return [];
  return [`protocol ${protocol} is not known; it is one of ${PROTOCOLS.join(', ')}`];
}

function sourceProblems(source: string | undefined): string[] {
  if (source === undefined || EVENT_SOURCE.test(source)) return [];
  return [
    `eventSource ${source} must be 1-256 letters, digits, . - _ / and not begin with aws., which AWS keeps`,
  ];
}

function numberProblems(name: keyof typeof LIMITS, value: number | undefined): string[] {
  if (value === undefined || Token.isUnresolved(value)) return [];
  const { min, max, why } = LIMITS[name];
  if (Number.isInteger(value) && value >= min && value <= max) return [];
  return [`${name} is ${value}, and must be a whole number from ${min} to ${max} (${why})`];
}
