import { Token } from 'aws-cdk-lib';
import { contentRedactionProblems } from '../events/content-rules.ts';
import { fieldMappingProblems } from '../events/field-mapping.ts';
import { apiKeyHeaderProblem } from '../http/api-key-header.ts';
import { alarmOptionProblems } from './alarm-problems.ts';
import { secretProblems } from './configuration.ts';
import { DELIVERY_ALARMS, ORDER_ALARMS } from './delivery-alarms.ts';
import type { DeliveryAuth, DeliveryOptions } from './delivery-options.ts';
import { EventMatchError, eventPattern } from './event-match.ts';
import { numberProblems } from './number-problems.ts';

/** Limits of the options of a delivery. */
export const DELIVERY_LIMITS = {
  concurrency: { min: 2, max: 1_000, why: 'the range that AWS Lambda supports for an SQS queue' },
  ratePerSecond: { min: 0.01, max: 10_000 },
  timeoutMs: { min: 100, max: 20_000 },
  /** The variables of a function have at most 4 KB. The rest is needed for the names of resources. */
  variableBytes: 2_500,
} as const;

const NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
/** The security group allows only this port. */
const HTTPS_PORTS = ['', '443'];

/**
 * Returns all problems with the name and the options of a delivery. Values that are known only at deployment are
 * accepted.
 *
 * @param taken - names of the other deliveries of the deployment
 */
export function deliveryProblems(
  name: string,
  options: DeliveryOptions,
  taken: readonly string[],
): readonly string[] {
  const { url, secret, fields, redaction, ratePerSecond, concurrency } = options;
  const isInVpc = options.vpc !== undefined;
  return [
    ...nameProblems(name, taken),
    ...urlProblems('url', url, isInVpc),
    ...matchProblems(options.match),
    ...(secret === undefined ? [] : secretProblems(secret)),
    ...authProblems(options.auth, isInVpc),
    ...bodyProblems(options),
    ...(redaction ? contentRedactionProblems(redaction).map((problem) => `redaction${problem}`) : []),
    ...sizeProblems({ url, fields, redaction }),
    ...rateProblems(ratePerSecond),
    ...numberProblems('concurrency', concurrency, DELIVERY_LIMITS.concurrency),
    ...timeoutProblems(options.timeout),
    ...vpcProblems(options),
    ...alarmProblemsOf(options),
  ].map((problem) => `deliverTo ${name || '(empty)'}: ${problem}`);
}

/** Logical ids have no hyphens. */
function nameProblems(name: string, taken: readonly string[]): string[] {
  if (!NAME.test(name))
    return ['the name is invalid; use 1-64 letters, digits and hyphens, and start with a letter'];
  const plain = name.replaceAll('-', '');
  const same = taken.find((other) => other.replaceAll('-', '') === plain);
  if (same === undefined) return [];
  return [`the deployment already has a delivery to ${same}; use a name that differs in letters or digits`];
}

/** The messages do not contain the URL, because a mistaken one can contain a password. */
function urlProblems(property: string, text: string, isInVpc: boolean): string[] {
  if (Token.isUnresolved(text)) return [];
  const url = URL.parse(text);
  if (!url) return [`${property} is not a URL; specify one such as https://crm.example.com/events`];
  const problems = [];
  if (url.protocol !== 'https:') problems.push(`${property} starts with ${url.protocol}, but must be https:`);
  if (url.username || url.password)
    problems.push(`${property} contains a user name or password; use auth instead`);
  if (url.hash) problems.push(`${property} contains a fragment, which is never sent; remove it`);
  if (isInVpc && !HTTPS_PORTS.includes(url.port))
    problems.push(`${property} has the port ${url.port}, but with vpc the security group only allows 443`);
  return problems;
}

function matchProblems(match: DeliveryOptions['match']): string[] {
  try {
    eventPattern('any', match);
    return [];
  } catch (error) {
    if (error instanceof EventMatchError) return [`match: ${error.message}`];
    throw error;
  }
}

function authProblems(auth: DeliveryAuth | undefined, isInVpc: boolean): string[] {
  if (auth === undefined) return [];
  if (!['bearer', 'apiKey', 'oauth'].includes(auth.kind))
    return ['auth.kind is not one of bearer, apiKey, oauth'];
  if (auth.kind === 'oauth') return urlProblems('auth.tokenUrl', auth.tokenUrl, isInVpc);
  if (auth.kind !== 'apiKey' || auth.header === undefined || Token.isUnresolved(auth.header)) return [];
  const problem = apiKeyHeaderProblem(auth.header);
  return problem === undefined ? [] : [`auth.header ${auth.header} ${problem}`];
}

function bodyProblems({ fields, content }: DeliveryOptions): string[] {
  const problems = [];
  if (content !== undefined && content !== 'event' && content !== 'detail')
    problems.push(`content is ${content}, but must be event or detail`);
  if (fields === undefined) return problems;
  if (content !== undefined)
    problems.push('fields and content cannot be combined, because fields define the whole body; remove one');
  return [...problems, ...fieldMappingProblems(withoutTokens(fields)).map((problem) => `fields${problem}`)];
}

/** A path that is known only at deployment is checked by the function. */
function withoutTokens(fields: NonNullable<DeliveryOptions['fields']>): unknown {
  if (typeof fields !== 'object' || fields === null) return fields;
  const known = Object.entries(fields).map(([name, field]) => {
    const path = typeof field === 'object' && field !== null ? field.path : field;
    return [name, Token.isUnresolved(path) ? 'detail' : field];
  });
  return Object.fromEntries(known);
}

function sizeProblems(parts: Readonly<Record<'url' | 'fields' | 'redaction', unknown>>): string[] {
  if (Token.isUnresolved(parts)) return [];
  const bytes = Object.values(parts).reduce<number>(
    (sum, one) => sum + Buffer.byteLength(JSON.stringify(one ?? '')),
    0,
  );
  if (bytes <= DELIVERY_LIMITS.variableBytes) return [];
  return [
    `url, fields and redaction have ${bytes} bytes as JSON, but at most ${DELIVERY_LIMITS.variableBytes} fit into the variables of the function; use fewer or shorter paths`,
  ];
}

function rateProblems(rate: number | undefined): string[] {
  const { min, max } = DELIVERY_LIMITS.ratePerSecond;
  if (rate === undefined || Token.isUnresolved(rate) || (rate >= min && rate <= max)) return [];
  return [`ratePerSecond is ${rate}, but must be a number from ${min} to ${max}`];
}

function timeoutProblems(timeout: DeliveryOptions['timeout']): string[] {
  if (timeout === undefined) return [];
  if (timeout.isUnresolved()) {
    if (timeout.unitLabel() === 'millis') return [];
    return ['timeout is known only at deployment, which requires Duration.millis'];
  }
  const { min, max } = DELIVERY_LIMITS.timeoutMs;
  const ms = timeout.toMilliseconds();
  if (ms >= min && ms <= max) return [];
  return [`timeout is ${ms} milliseconds, but must be from ${min} to ${max}`];
}

function vpcProblems({ vpc, vpcSubnets, allowPrivateAddresses }: DeliveryOptions): string[] {
  if (vpc !== undefined) return [];
  const problems = [];
  if (vpcSubnets !== undefined) problems.push('vpcSubnets is specified without vpc; specify the vpc too');
  if (allowPrivateAddresses)
    problems.push('allowPrivateAddresses is specified without vpc, which private addresses require');
  return problems;
}

function alarmProblemsOf({ alarms = {}, ordered }: DeliveryOptions): string[] {
  return Object.entries(alarms).flatMap(([id, options]) => {
    if (options === undefined) return [];
    if (Object.hasOwn(DELIVERY_ALARMS, id))
      return alarmOptionProblems(id, DELIVERY_ALARMS[id as keyof typeof DELIVERY_ALARMS], options);
    if (!Object.hasOwn(ORDER_ALARMS, id)) {
      const ids = Object.keys({ ...DELIVERY_ALARMS, ...ORDER_ALARMS });
      return [`alarms.${id} is not an alarm of a delivery; use one of ${ids.join(', ')}`];
    }
    if (!ordered) return [`alarms.${id} is specified, but only a delivery with ordered has it; remove it`];
    return alarmOptionProblems(id, ORDER_ALARMS[id as keyof typeof ORDER_ALARMS], options);
  });
}
