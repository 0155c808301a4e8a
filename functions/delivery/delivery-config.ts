import * as z from 'zod';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import {
  type ContentRedactionConfig,
  contentRedactionConfig,
  contentRedactionEnvironment,
  hashKeyProblems,
} from '../../lib/events/content-rules.ts';
import { type FieldMapping, parseFieldMapping } from '../../lib/events/field-mapping.ts';
import { apiKeyHeaderProblem } from '../../lib/http/api-key-header.ts';
import { ADDRESS_POLICIES, type AddressPolicy, urlProblem } from './addresses.ts';
import { DELIVERED_CONTENTS } from './content.ts';
import type { CredentialSettings } from './destination-credentials.ts';

/** Limits of the timeout of a call. */
const MIN_TIMEOUT_MS = 100;
const MAX_TIMEOUT_MS = 20_000;
/** Calls per second. */
const MIN_RATE = 0.01;
const MAX_RATE = 10_000;

const secretId = z.string('has no secretId').min(1, 'has an empty secretId');

/** How the destination recognizes its caller, besides the signature. */
const authSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('bearer'), secretId }),
    z.strictObject({
      kind: z.literal('api_key'),
      header: z.string('has no header').superRefine((name, context) => {
        const problem = apiKeyHeaderProblem(name);
        if (problem) context.addIssue(`has the header ${name}, which ${problem}`);
      }),
      secretId,
    }),
    z.strictObject({
      kind: z.literal('oauth'),
      tokenUrl: z.url('has a tokenUrl that is not a URL'),
      secretId,
      scope: z.string().min(1).optional(),
    }),
  ],
  'is not {"kind":"bearer"}, {"kind":"api_key"} or {"kind":"oauth"} with its members',
);

/** A value as JSON, checked by a schema. */
function json<T extends z.ZodType>(schema: T) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** Environment variables of the delivery function. */
export const deliveryEnvironment = z.object({
  DESTINATION: z
    .string('is missing: the name of the destination')
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'is not 1-64 letters, digits and -, starting with a letter')
    .meta({
      description: 'Name of the destination in metrics, in the state table and in `switchboard deliveries`.',
      typeText: '1-64 letters, digits and `-`, starting with a letter',
    }),
  DESTINATION_URL: z
    .url('is missing or not a URL: where events are sent')
    .meta({ description: 'URL to which events are sent with POST.' }),
  DELIVERY_QUEUE_URL: z
    .url('is missing or not a URL: the SQS queue with the events')
    .meta({ description: 'URL of the SQS queue that the function reads.' }),
  DEAD_LETTER_QUEUE_URL: z
    .url('is missing or not a URL: the SQS queue for events that are not delivered')
    .meta({ description: 'URL of the SQS queue for events that are not delivered.' }),
  QUARANTINE_QUEUE_URL: z
    .url('is missing or not a URL: the SQS queue for events that do not fit the fields')
    .meta({ description: 'URL of the SQS queue for events that do not fit `FIELDS`.' }),
  STATE_TABLE: z
    .string('is missing: the name of the DynamoDB table for state')
    .min(1)
    .meta({ description: 'Name of the DynamoDB table for the state of the destination.' }),
  CLAIMS_TABLE: z
    .string('is missing: the name of the DynamoDB table for claims')
    .min(1)
    .meta({ description: 'Name of the DynamoDB table that records which events were delivered.' }),
  TIMEOUT_MS: z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(MIN_TIMEOUT_MS, `is below ${MIN_TIMEOUT_MS}`)
    .max(MAX_TIMEOUT_MS, `is above ${MAX_TIMEOUT_MS}`)
    .default(5_000)
    .meta({ description: 'Timeout of a call, in milliseconds.' }),
  RATE_PER_SECOND: z.coerce
    .number('is not a number')
    .min(MIN_RATE, `is below ${MIN_RATE}`)
    .max(MAX_RATE, `is above ${MAX_RATE}`)
    .optional()
    .meta({
      description: 'Maximum number of calls per second, across all invocations.',
      defaultText: 'no limit',
    }),
  CONTENT: z.enum(DELIVERED_CONTENTS).default('event').meta({
    description: 'What is sent without `FIELDS`: the EventBridge event, or only its `detail`.',
  }),
  FIELDS: z
    .string()
    .transform((text, context): FieldMapping => {
      try {
        return parseFieldMapping(text);
      } catch (error) {
        context.addIssue(error instanceof Error ? error.message : String(error));
        return z.NEVER;
      }
    })
    .optional()
    .meta({
      description:
        'Fields to send instead, as JSON: `{"id":"detail.eventBody.id","state":{"path":"detail.eventBody.state","type":"string","optional":true}}`.',
      typeText: 'JSON object with a path for each field',
    }),
  ADDRESSES: z.enum(ADDRESS_POLICIES).default('public').meta({
    description:
      'IP addresses that may be called: `public`; `private` adds those of private networks; `any` adds this machine, and URLs without TLS, for local runs.',
  }),
  SIGNING_SECRET_ID: z.string().min(1).optional().meta({
    description:
      'Name or ARN of the secret with the signing key of Standard Webhooks, Base64, with or without `whsec_`.',
    defaultText: 'requests are not signed',
  }),
  AUTH: json(authSchema).optional().meta({
    description:
      'Authentication, as JSON: `{"kind":"bearer","secretId":"…"}`, `{"kind":"api_key","header":"X-Api-Key","secretId":"…"}` or `{"kind":"oauth","tokenUrl":"…","secretId":"…","scope":"…"}`, whose secret is `{"clientId":"…","clientSecret":"…"}`.',
    typeText: 'JSON object',
    defaultText: 'only the signature',
  }),
  ...contentRedactionEnvironment,
  ...deploymentVariables,
  LOG_LEVEL: z.enum(LOG_LEVELS).default('INFO').meta({ description: 'Log level.' }),
});

/** The configuration of the delivery function, from environment variables. */
export interface DeliveryConfig {
  readonly destination: string;
  readonly url: URL;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly quarantineQueueUrl: string;
  readonly stateTable: string;
  readonly claimsTable: string;
  readonly timeoutMs: number;
  readonly ratePerSecond: number | undefined;
  readonly content: (typeof DELIVERED_CONTENTS)[number];
  readonly fields: FieldMapping | undefined;
  readonly addresses: AddressPolicy;
  readonly credentials: CredentialSettings;
  readonly redaction: ContentRedactionConfig | undefined;
  /** Name of the deployment in metrics. */
  readonly deployment: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every problem
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): DeliveryConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = deliveryEnvironment.safeParse(set);
  const problems = error
    ? error.issues.map(({ path: [name], message }) => `${String(name)} ${message}`)
    : [...hashKeyProblems(data), ...urlProblems(data)];
  if (problems.length > 0 || !data) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    throw new Error(`The environment of the delivery has ${problems.length} problem(s):\n${list}`);
  }
  return {
    destination: data.DESTINATION,
    url: new URL(data.DESTINATION_URL),
    queueUrl: data.DELIVERY_QUEUE_URL,
    deadLetterQueueUrl: data.DEAD_LETTER_QUEUE_URL,
    quarantineQueueUrl: data.QUARANTINE_QUEUE_URL,
    stateTable: data.STATE_TABLE,
    claimsTable: data.CLAIMS_TABLE,
    timeoutMs: data.TIMEOUT_MS,
    ratePerSecond: data.RATE_PER_SECOND,
    content: data.CONTENT,
    fields: data.FIELDS,
    addresses: data.ADDRESSES,
    credentials: { signingSecretId: data.SIGNING_SECRET_ID, auth: data.AUTH },
    redaction: contentRedactionConfig(data),
    deployment: data.DEPLOYMENT,
    logLevel: data.LOG_LEVEL,
  };
}

/** Problems of the URLs with the addresses that may be called. */
function urlProblems({ ADDRESSES, DESTINATION_URL, AUTH }: z.infer<typeof deliveryEnvironment>): string[] {
  const urls = { DESTINATION_URL, ...(AUTH?.kind === 'oauth' ? { AUTH: AUTH.tokenUrl } : {}) };
  return Object.entries(urls).flatMap(([name, url]) => {
    const problem = urlProblem(new URL(url), ADDRESSES);
    return problem === undefined ? [] : [`${name} ${problem}`];
  });
}
