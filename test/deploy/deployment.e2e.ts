import { resolve } from 'node:path';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger, type LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localEndpoint } from '../../bin/deploy-local/local-endpoint.ts';
import { type AwsEdge, dynamoDbClient } from '../../lib/aws/aws-clients.ts';
import { Child } from '../end-to-end/child.ts';
import { BusTarget, messagesIn } from './bus-target.ts';

const DEPLOY_LOCAL = resolve(import.meta.dirname, '../../bin/deploy-local.ts');
const EVENTS = 5_000;
const EVENTS_PER_SECOND = 200;
/** Topics of `bin/app.ts`. */
const TOPICS = [
  'v2.users.{id}.presence',
  'v2.users.{id}.routingStatus',
  'v2.routing.queues.{id}.conversations',
];
/** Mean interval between two duplicated frames. */
const DUPLICATE_INTERVAL_MS = 300;
/** Shares of the events after which the socket is dropped. Each outage is longer, because the backoff grows. */
const DROPS_AFTER = [0.25, 0.5, 0.75];
const MAX_SENDING_MS = 90_000;
/**
 * Topics whose bodies name the occurrence, so an event that is sent again is a copy. A presence that began before the
 * connection may have recurred, so it does not belong to them.
 */
const KEYED = /\.routingStatus$/;
/** Events that are sent again to the second run of the ingester, which has no memory of the first run. */
const REPEATED_EVENTS = 500;
const MAX_SETTLE_MS = 60_000;
const POLL_MS = 100;

const endpoint = localEndpoint(process.env);
const aws: AwsEdge = {
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};
const ledger = new Ledger();
const faults = new CloudFaults({
  seed: 4,
  kinds: ['duplicate_frame'],
  meanIntervalMs: DUPLICATE_INTERVAL_MS,
});
const simulator = new Simulator({ seed: 4, users: 20, queues: 5, ledger });
const target = new BusTarget(aws, ({ detail }) => ledger.received(ledger.keyOf(detail)));
const source = new Generator(simulator, { seed: 4, topics: TOPICS });
const played: Frame[] = [];
let url = '';
let child: Child;
let deploySeconds = 0;

/** Reads a stack output from the output of the CDK CLI. */
function output(name: string): string {
  const [, value] =
    new RegExp(`Switchboard\\.Switchboard${name} = (\\S+)`).exec(child.stdout + child.stderr) ?? [];
  if (value === undefined) throw new Error(`No output ${name} in\n${child.stdout}\n${child.stderr}`);
  return value;
}

beforeAll(async () => {
  ({ url } = await simulator.listen());
});

afterAll(async () => {
  faults.stop();
  child?.signal('SIGTERM');
  await child?.ended;
  await target.stop();
  await simulator.close();
});

/** Runs deploy-local, which deploys the stack and runs the ingester. Resolves when the stack is deployed. */
async function deployLocal(): Promise<void> {
  child = new Child([DEPLOY_LOCAL], {
    env: { AWS_ENDPOINT_URL: endpoint, GENESYS_API_URL: url, GENESYS_LOGIN_URL: url, HEALTH_PORT: '0' },
  });
  await child.printed(/Deployed in/);
}

/** Resolves when the ingester is subscribed to all topics. Rejects if it ends. */
async function covered(): Promise<void> {
  const topics = TOPICS.flatMap((topic) =>
    (topic.startsWith('v2.users') ? simulator.userIds : simulator.queueIds).map((id) =>
      topic.replace('{id}', id),
    ),
  );
  await Promise.race([
    expect
      .poll(() => topics.every((topic) => simulator.coverageOf(topic) > 0), {
        interval: POLL_MS,
        timeout: MAX_SETTLE_MS,
      })
      .toBe(true),
    child.ended.then(({ stdout, stderr }) => {
      throw new Error(`The ingester ended:\n${stdout}\n${stderr}`);
    }),
  ]);
}

/** Waits until all events are on the bus, and stops the ingester. */
async function drain(): Promise<void> {
  await ledger.settled(MAX_SETTLE_MS);
  await stopIngester();
}

/** Stops the ingester, which drains, and waits until the consumer has processed all messages. */
async function stopIngester(): Promise<void> {
  child.signal('SIGINT');
  expect(await child.ended).toMatchObject({ code: 0 });
  await expect
    .poll(() => messagesIn(aws, output('EventsQueueUrl')), { interval: POLL_MS, timeout: MAX_SETTLE_MS })
    .toBe(0);
}

/** Returns the gaps that the ingester has recorded. */
async function recordedGaps(): Promise<{ fromMs: number; toMs: number }[]> {
  const { Items = [] } = await dynamoDbClient(aws).send(
    new QueryCommand({
      TableName: output('StateTableName'),
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :gap)',
      ExpressionAttributeValues: { ':pk': { S: 'subscription#default' }, ':gap': { S: 'gap#' } },
    }),
  );
  return Items.map(({ fromMs, toMs }) => ({ fromMs: Number(fromMs?.N), toMs: Number(toMs?.N) }));
}

/** Sends events until enough have been received. Events sent during a gap are not counted. */
async function sendEvents(): Promise<void> {
  const runner = new GeneratorRunner({
    source: {
      next: () => {
        const frame = source.next();
        played.push(frame);
        return frame;
      },
    },
    target: simulator,
    ratePerSecond: EVENTS_PER_SECOND,
  }).start();
  const received = (events: number) =>
    expect
      .poll(() => ledger.report().sent, { interval: POLL_MS, timeout: MAX_SENDING_MS })
      .toBeGreaterThanOrEqual(events);
  faults.start(simulator.faultTarget);
  try {
    for (const share of DROPS_AFTER) {
      await received(share * EVENTS);
      expect(faults.inject('socket_drop')).toBe(true);
    }
    await received(EVENTS);
  } finally {
    faults.stop();
    runner.stop();
    await runner.done;
  }
}

function printFigures(report: LedgerReport, seconds: number): void {
  const figures = {
    deploySeconds: deploySeconds.toFixed(1),
    events: report.sent,
    lost: report.lost,
    duplicates: report.publishedTwice + report.unexpected,
    seconds: seconds.toFixed(1),
    socketDrops: faults.counts.socket_drop,
    duplicateFrames: faults.counts.duplicate_frame,
    publishedTwiceWeak: report.publishedTwiceWeak,
    uncovered: report.uncovered,
    unproven: report.unproven,
    latencyMs: report.latencyMs,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

test('The deployed stack publishes each event once despite dropped sockets, duplicate frames and a restart', async () => {
  const deployedAtMs = performance.now();
  await deployLocal();
  deploySeconds = (performance.now() - deployedAtMs) / 1_000;
  await target.start(output('EventBusName'));
  await covered();
  const startedAtMs = performance.now();
  await sendEvents();
  await drain();
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const report = ledger.report();
  await expect
    .poll(() => target.events, { interval: POLL_MS, timeout: MAX_SETTLE_MS })
    .toBe(report.published);

  // The second run has an ingester without memory of the first run, so the claims must detect the duplicates.
  await deployLocal();
  await covered();
  // A state that recurs would be a new event, so each state is repeated once.
  const states = new Map(
    played
      .filter(({ topicName }) => KEYED.test(topicName))
      .map((frame) => [JSON.stringify([frame.topicName, frame.eventBody]), frame]),
  );
  const repeated = [...states.values()].slice(0, REPEATED_EVENTS);
  expect(repeated).toHaveLength(REPEATED_EVENTS);
  for (const frame of repeated) simulator.emit(frame);
  // A new event after them shows that all have been read once it is published.
  simulator.emit(source.next());
  await expect
    .poll(() => target.events, { interval: POLL_MS, timeout: MAX_SETTLE_MS })
    .toBe(report.published + 1);
  await stopIngester();
  expect(child.stdout).toMatch(new RegExp(`"message":"stopped".*"itemsSent":${REPEATED_EVENTS + 1}\\b`));
  await target.stop();

  expect(target.events).toBe(report.published + 1);
  printFigures(report, seconds);
  expect(report).toMatchObject({ lost: 0, lostKeys: [], publishedTwice: 0, unexpected: 0 });
  expect(report.sent).toBeGreaterThanOrEqual(EVENTS);
  // The faults did occur, and every interval without coverage is recorded as a gap.
  expect(faults.counts.socket_drop).toBe(DROPS_AFTER.length);
  expect(faults.counts.duplicate_frame).toBeGreaterThan(0);
  const gaps = await recordedGaps();
  for (const { fromMs, toMs } of report.uncoveredSpans)
    expect(gaps.some((gap) => gap.fromMs <= fromMs && toMs <= gap.toMs)).toBe(true);
  expect(await messagesIn(aws, output('DeadLetterQueueUrl'))).toBe(0);
  expect(await messagesIn(aws, output('QuarantineQueueUrl'))).toBe(0);
});
