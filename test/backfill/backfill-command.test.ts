import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backfillCommand } from '../../bin/backfill/backfill-command.ts';
import { FillStore } from '../../functions/backfill/fill-store.ts';
import { LocalAws, STATE_TABLE } from '../ingester/local-aws.ts';

let aws: LocalAws;
beforeAll(async () => {
  aws = await LocalAws.start();
  process.env.AWS_REGION ??= 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID ??= 'local';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'local';
});
afterAll(() => aws.close());

async function run(...args: string[]): Promise<string> {
  let printed = '';
  const command = backfillCommand(async (text) => {
    printed += text;
  });
  await command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parseAsync(args, { from: 'user' });
  return printed;
}

const openFills = () => new FillStore(aws.dynamodb, STATE_TABLE, 'default').openFills();
const INTERVAL = ['--from', '2026-11-20T09:00:00Z', '--to', '2026-11-20T10:00:00Z'];

describe('switchboard backfill', () => {
  test('With --dry-run it prints the requests that would be made, the required permissions, and what is not recovered', async () => {
    const text = await run(
      ...INTERVAL,
      '--topics',
      'v2.users.{id}.presence, v2.users.{id}.conversations,v2.routing.queues.{id}.users',
      '--dry-run',
    );
    expect(text).toContain('POST /api/v2/analytics/users/details/query');
    expect(text).toContain('one per 100 users, in each of 6 intervals; permission analytics:userDetail:view');
    expect(text).toContain('GET /api/v2/conversations/{conversationId}');
    expect(text).toContain('v2.routing.queues.{id}.users: no Genesys Cloud API returns it afterwards');
    expect(text).not.toContain('audits');
    expect(await openFills()).toEqual([]);
  });

  test('Without it, the backfill of the deployment finds the interval and the topics', async () => {
    const text = await run(
      ...INTERVAL,
      ...['--topics', 'v2.users.{id}.presence', '--table', STATE_TABLE, '--endpoint-url', aws.url],
    );
    const [fill] = await openFills();
    expect(fill).toMatchObject({
      fromMs: Date.parse('2026-11-20T09:00:00Z'),
      toMs: Date.parse('2026-11-20T10:00:00Z'),
      topics: { list: ['v2.users.{id}.presence'] },
      rounds: 0,
    });
    expect(text).toContain(fill!.gapId);
  });

  test.each([
    [['--from', '2026-11-20T10:00:00Z', '--to', '2026-11-20T09:00:00Z'], /--from must be before --to/],
    [['--from', '1h', '--to', '2999-01-01'], /--to must be before now/],
    [['--from', '2026-01-01', '--to', '2026-03-01'], /longer than 31 days/],
    [['--from', 'yesterday', '--to', '1h'], /ISO 8601/],
  ])('An interval %j is refused with the reason', async (interval, message) => {
    await expect(run(...interval, '--topics', 'v2.users.{id}.presence')).rejects.toThrow(message);
  });
});
