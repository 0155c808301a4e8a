import * as z from 'zod';
import { auditVariables } from '../../lib/aws/audit-settings.ts';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import { contentRedactionEnvironment } from '../../lib/events/content-rules.ts';
import { MAX_CLIENTS } from '../../lib/genesys/channel-budget.ts';
import { members, text, wholeNumber } from '../../lib/protocols/configuration-fields.ts';
import { FRAME_BYTES } from '../../lib/protocols/socket-limits.ts';

/** The protocol that Genesys Cloud itself runs. */
export const DEFAULT_PROTOCOL = 'notification-channels';

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
  TASKS: wholeNumber({ fallback: 1, min: 1, max: 10 }).meta({
    description:
      'Tasks of the deployment. With two or more, each has its own connections, one sends, and the others are standbys. Needs `STATE_TABLE`.',
  }),
  EVENTS_QUEUE_URL: httpUrl.meta({
    description: 'URL of the SQS queue to which events are sent.',
    defaultText: 'required',
  }),
  GAPS_QUEUE_URL: httpUrl.meta({
    description:
      'URL of the SQS queue that wakes the backfill after a gap. Without it, gaps are recorded and not filled.',
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
  ...contentRedactionEnvironment,
  ...deploymentVariables,
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
/** The variables, parsed. */
export type IngesterEnvironment = z.infer<typeof ingesterEnvironment>;

function secretProblems(ids: readonly string[]): string[] {
  const repeated = ids.filter((id, index) => ids.indexOf(id) < index);
  return [
    ...(ids.length === 0 ? ['names no secret: name a secret with the OAuth client'] : []),
    ...[...new Set(repeated)].map(
      (id) => `names ${id} more than once: each OAuth client needs its own secret`,
    ),
    ...(ids.length > MAX_CLIENTS
      ? [`names ${ids.length} secrets, but a deployment has at most ${MAX_CLIENTS} OAuth clients`]
      : []),
  ];
}
