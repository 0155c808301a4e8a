import { Command } from 'commander';
import { deploymentGaps } from '../../functions/backfill/deployment-gaps.ts';
import { FillStore } from '../../functions/backfill/fill-store.ts';
import { readCoverage } from '../../functions/backfill/stored-coverage.ts';
import { dynamoDbClient } from '../../lib/aws/aws-clients.ts';
import { explainTableError, stateTableName } from '../aws-access/aws-access-error.ts';
import { bridgedGaps } from './bridged-gaps.ts';
import { recoveryOf } from './gap-recovery.ts';
import { GapsError } from './gaps-error.ts';
import { gapsAsJson, gapsAsText } from './show-gaps.ts';
import { pastTimeMs, url } from './time-flags.ts';

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
      'List the intervals in which no task covered some topics, and those that a standby filled, from the records in the state table. Queries one partition of the table; needs dynamodb:Query and dynamodb:GetItem. Credentials and Region are those of the AWS SDK, for example AWS_PROFILE and AWS_REGION.',
    )
    .option(
      '--since <time>',
      'only gaps that ended after this time: ISO 8601, or a duration before now such as 90m, 24h or 7d (default: all, which are kept for 90 days)',
      pastTimeMs,
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

/** @throws {@link GapsError} or {@link AwsAccessError} with a remedy */
async function listGaps(flags: GapsFlags, defaultTable: string | undefined): Promise<string> {
  const { since, json, subscription, endpointUrl } = flags;
  const tableName = stateTableName(flags.table, defaultTable);
  const client = dynamoDbClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl });
  try {
    const location = { client, tableName, subscriptionSet: subscription };
    const stored = await readCoverage(location, since ?? 0);
    if (stored.proofs.length + stored.spans.length + stored.gaps.length === 0)
      throw new GapsError(
        'no_records',
        `${tableName} has no records of the subscription set ${subscription}: no task has covered anything yet, or the set has another name (--subscription).`,
      );
    const store = new FillStore(client, tableName, subscription);
    const [fills, filled] = [await store.openFills(), await store.filledGaps()];
    const isWanted = ({ toMs }: { toMs: number }) => toMs >= (since ?? 0);
    const gaps = deploymentGaps(stored, Date.now())
      .filter(isWanted)
      .map((gap) => ({ ...gap, recovery: recoveryOf(gap, fills, filled) }));
    const bridged = bridgedGaps(stored).filter(isWanted);
    return json ? gapsAsJson(gaps, bridged, since) : gapsAsText(gaps, bridged, since);
  } catch (error) {
    throw explainTableError(error, tableName, 'dynamodb:Query and dynamodb:GetItem');
  } finally {
    client.destroy();
  }
}
