import { Command, InvalidArgumentError } from 'commander';
import { dynamoDbClient } from '../../lib/aws/aws-clients.ts';
import { deploymentGaps } from './deployment-gaps.ts';
import { explain, GapsError, TABLE_ADVICE } from './gaps-error.ts';
import { gapsAsJson, gapsAsText } from './show-gaps.ts';
import { readCoverage } from './stored-coverage.ts';

/** Lengths of the units of a duration. */
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface GapsFlags {
  /** Epoch milliseconds. */
  since?: number;
  json: boolean;
  table?: string;
  subscription: string;
  endpointUrl?: string;
}

/** The command `switchboard gaps`. */
export function gapsCommand(print: (text: string) => Promise<void>): Command {
  return new Command('gaps')
    .description(
      'List the intervals in which no task covered some topics, from the records in the state table. Queries one partition of the table; needs dynamodb:Query and dynamodb:GetItem. Credentials and Region are those of the AWS SDK, for example AWS_PROFILE and AWS_REGION.',
    )
    .option(
      '--since <time>',
      'only gaps that ended after this time: ISO 8601, or a duration before now such as 90m, 24h or 7d (default: all, which are kept for 90 days)',
      sinceMs,
    )
    .option('--json', 'print one JSON object with all topics of each gap', false)
    .option(
      '--table <name>',
      'name of the state table, from the stack output SwitchboardStateTableName (default: $STATE_TABLE)',
    )
    .option('--subscription <name>', 'subscription set of the ingester, its variable SUBSCRIPTION', 'default')
    .option('--endpoint-url <url>', 'base URL of an AWS emulator (default: $AWS_ENDPOINT_URL, else AWS)', url)
    .action(async (flags: GapsFlags) => await print(await listGaps(flags, process.env.STATE_TABLE)));
}

/** @throws {@link GapsError} with a remedy */
async function listGaps(flags: GapsFlags, defaultTable: string | undefined): Promise<string> {
  const { since, json, subscription, endpointUrl } = flags;
  const tableName = flags.table ?? defaultTable;
  if (!tableName)
    throw new GapsError('no_table_name', `Specify the state table with --table. ${TABLE_ADVICE}`);
  const client = dynamoDbClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl });
  try {
    const location = { client, tableName, subscriptionSet: subscription };
    const stored = await readCoverage(location, since ?? 0);
    if (stored.proofs.length + stored.spans.length + stored.gaps.length === 0)
      throw new GapsError(
        'no_records',
        `${tableName} has no records of the subscription set ${subscription}: no task has covered anything yet, or the set has another name (--subscription).`,
      );
    const gaps = deploymentGaps(stored, Date.now()).filter(({ toMs }) => toMs >= (since ?? 0));
    return json ? gapsAsJson(gaps, since) : gapsAsText(gaps, since);
  } catch (error) {
    throw explain(error, tableName);
  } finally {
    client.destroy();
  }
}

/** @throws InvalidArgumentError for anything but an ISO 8601 time or a duration */
function sinceMs(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Date.now() - Number(count) * (UNIT_MS[unit] ?? 0);
  const atMs = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new InvalidArgumentError(
      'Specify an ISO 8601 time such as 2026-11-20T09:30:00Z, or a duration such as 90m, 24h or 7d.',
    );
  return atMs;
}

/** @throws InvalidArgumentError for anything but an http or https URL */
function url(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('Specify an http or https URL.');
  return text;
}
