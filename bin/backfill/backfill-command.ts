import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { FILL_TIMES, newFill } from '../../functions/backfill/fill.ts';
import { FillStore } from '../../functions/backfill/fill-store.ts';
import { recoveryPlan } from '../../functions/backfill/recovery-plan.ts';
import { WantedTopics } from '../../functions/backfill/wanted-topics.ts';
import { dynamoDbClient } from '../../lib/aws/aws-clients.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { stateTableName } from '../aws-access/aws-access-error.ts';
import { pastTimeMs, url } from '../gaps/time-flags.ts';
import { BackfillError } from './backfill-error.ts';

/** Maximum interval, in days. Audit records are kept for 14 days, and the analytics queries are meant for recent data. */
const MAX_INTERVAL_DAYS = 31;
const DAY_MS = 86_400_000;

interface BackfillFlags {
  /** Epoch milliseconds. */
  from: number;
  to: number;
  topics: readonly string[];
  dryRun: boolean;
  table?: string;
  subscription: string;
  endpointUrl?: string;
}

/** The command `switchboard backfill`. */
export function backfillCommand(print: (text: string) => Promise<void>): Command {
  return new Command('backfill')
    .description(
      'Recover the events of an interval that has no gap record. Writes one item to the state table (needs dynamodb:PutItem); the backfill of the deployment begins within five minutes. An event that was already published is published again, with metadata.backfilled, if its recovered content differs.',
    )
    .requiredOption('--from <time>', 'beginning: ISO 8601, or a duration before now such as 90m', pastTimeMs)
    .requiredOption('--to <time>', 'end, which is before now', pastTimeMs)
    .requiredOption(
      '--topics <list>',
      'topics, with ids or with {id} for every id, separated by commas',
      list,
    )
    .option('--dry-run', 'print the requests that would be made, and write nothing', false)
    .option(
      '--table <name>',
      'name of the state table, from the stack output SwitchboardStateTableName (default: $STATE_TABLE)',
    )
    .option('--subscription <name>', 'subscription set of the ingester, its variable SUBSCRIPTION', 'default')
    .option('--endpoint-url <url>', 'base URL of an AWS emulator (default: $AWS_ENDPOINT_URL, else AWS)', url)
    .action(async (flags: BackfillFlags) => await print(await start(flags, process.env.STATE_TABLE)));
}

/** @throws {@link BackfillError} with a remedy */
async function start(flags: BackfillFlags, defaultTable: string | undefined): Promise<string> {
  const { from: fromMs, to: toMs, topics, dryRun, subscription, endpointUrl } = flags;
  checkInterval({ fromMs, toMs });
  const wanted = new WantedTopics(topics);
  if (dryRun) return planText(wanted, { fromMs, toMs });
  const tableName = stateTableName(flags.table, defaultTable);
  const client = dynamoDbClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl });
  try {
    const gapId = `manual#${new Date(fromMs).toISOString()}#${randomUUID()}`;
    const gap = { gapId, fromMs, toMs, reason: 'switchboard backfill', topics: { list: topics } };
    await new FillStore(client, tableName, subscription).add(newFill(gap, FILL_TIMES));
    return `The backfill begins within five minutes. Its id is ${gapId}. Recovered events contain this id in metadata.gapId.\n`;
  } finally {
    client.destroy();
  }
}

function checkInterval({ fromMs, toMs }: Interval): void {
  if (toMs <= fromMs || toMs > Date.now())
    throw new BackfillError('invalid_interval', '--from must be before --to, and --to must be before now.');
  if (toMs - fromMs > MAX_INTERVAL_DAYS * DAY_MS)
    throw new BackfillError(
      'invalid_interval',
      `The interval is longer than ${MAX_INTERVAL_DAYS} days. Start one backfill for each part of it.`,
    );
}

function planText(wanted: WantedTopics, interval: Interval): string {
  const { calls } = recoveryPlan(wanted, interval);
  const notRecovered = Object.entries(wanted.notRecovered());
  return [
    `${new Date(interval.fromMs).toISOString()} to ${new Date(interval.toMs).toISOString()}`,
    '',
    calls.length === 0
      ? 'There are no requests for these topics.'
      : 'Each of three rounds makes these requests:',
    ...calls.map(({ call, permission, requests }) => `  ${call}\n    ${requests}; permission ${permission}`),
    ...(notRecovered.length === 0 ? [] : ['', 'Not recovered, or only partly:']),
    ...notRecovered.map(([topic, why]) => `  ${topic}: ${why}`),
    '',
  ].join('\n');
}

/** @throws InvalidArgumentError for an empty list */
function list(text: string): readonly string[] {
  const topics = text
    .split(',')
    .map((topic) => topic.trim())
    .filter(Boolean);
  if (topics.length === 0) throw new InvalidArgumentError('Name at least one topic.');
  return topics;
}
