import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { type Pipeline, startPipeline } from '../../bin/local/pipeline.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { until } from './local-system.ts';

const EVENTS = 3_000;
const SETTLE_TIMEOUT_MS = 60_000;
/** What both deployments are configured with: all topics. */
const TEMPLATES = [
  'v2.users.{id}?presence&routingStatus',
  'v2.routing.queues.{id}.conversations',
  'v2.analytics.queues.{id}.observations',
];
/** Topics that the generator sends events of. */
const EVENT_TOPICS = [
  'v2.users.{id}.presence',
  'v2.users.{id}.routingStatus',
  'v2.routing.queues.{id}.conversations',
  'v2.analytics.queues.{id}.observations',
];

let ledger: Ledger;
let simulator: Simulator;
let url: string;
const pipelines: Pipeline[] = [];

beforeEach(async () => {
  ledger = new Ledger();
  simulator = new Simulator({ users: 40, queues: 10, ledger, requestsPerMinute: 10_000 });
  ({ url } = await simulator.listen());
});
afterEach(async () => {
  await Promise.all(
    pipelines.splice(0).map(async (pipeline) => {
      await pipeline.ingester.stop();
      await pipeline.close();
    }),
  );
  await simulator.close();
});

/** A deployment with AWS resources of its own, all of whose events are in the one ledger. */
async function deploy(shard: string): Promise<ProtocolAccount> {
  const account = new ProtocolAccount(ledger);
  const pipeline = await startPipeline({
    genesys: {
      apiUrl: url,
      loginUrl: url,
      credentials: { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
    },
    topics: TEMPLATES,
    environment: { SHARD: shard },
    healthPort: 0,
    logLevel: 'SILENT',
    seed: 1,
    faults: parseFaults('none'),
    accounting: new Accounting([account]),
    isSimulated: true,
  });
  pipelines.push(pipeline);
  await until(() => pipeline.ingester.isCovered);
  return account;
}

test('Two deployments that divide the topics publish every event once, and each of them a share', async () => {
  const accounts = await Promise.all([deploy('0/2'), deploy('1/2')]);
  const source = new Generator(simulator, { seed: 1, topics: EVENT_TOPICS });
  await new GeneratorRunner({ source, target: simulator, ratePerSecond: 2_000, count: EVENTS }).start().done;
  expect(await ledger.settled(SETTLE_TIMEOUT_MS)).toBe(true);
  await Promise.all(pipelines.map((pipeline) => pipeline.drain(SETTLE_TIMEOUT_MS)));
  expect(ledger.report()).toMatchObject({
    sent: EVENTS,
    published: EVENTS,
    lost: 0,
    uncovered: 0,
    unproven: 0,
    publishedTwice: 0,
    publishedTwiceWeak: 0,
    publishedTwiceUnknown: 0,
    unexpected: 0,
  });
  // The hash divides users and queues, not events, so the shares are of unequal size.
  for (const { published } of accounts) expect(published).toBeGreaterThan(EVENTS / 10);
});
