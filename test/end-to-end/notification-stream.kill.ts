import { setTimeout as delay } from 'node:timers/promises';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { OAuthEndpoint } from 'switchboard-local/simulator/oauth-endpoint.ts';
import { loopbackUrl, PlatformServer } from 'switchboard-local/simulator/platform-server.ts';
import { NotificationServer } from 'switchboard-local/simulator/streams/notification-server.ts';
import { StreamCloud } from 'switchboard-local/simulator/streams/stream-cloud.ts';
import { Tokens } from 'switchboard-local/simulator/tokens.ts';
import { afterEach, expect, test } from 'vitest';
import { Accounting } from '../../bin/local/accounting.ts';
import { ChildIngester } from '../../bin/local/child-ingester.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { type Pipeline, startPipeline } from '../../bin/local/pipeline.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { AwsGate, type CallMoment } from './aws-gate.ts';
import { until } from './local-system.ts';

const KILLS = Number(process.env.KILLS ?? 50);
const RATE_PER_SECOND = 200;
const TIMEOUT_MS = 60_000;
/** Time after the last kill in which the new process delivers events. */
const TAIL_MS = 1_000;
const CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
/** The moments between reading an event and knowing that it need not be sent again. */
const MOMENTS: readonly CallMoment[] = [
  { call: 'send', at: 'arrived' },
  { call: 'send', at: 'answered' },
  { call: 'cursor', at: 'arrived' },
  { call: 'cursor', at: 'answered' },
];
// EMF documents would flood the output of the tests.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

let gate: AwsGate;
let platform: PlatformServer;
let pipeline: Pipeline;
afterEach(async () => {
  await pipeline.ingester.stop();
  await pipeline.close();
  await platform.close();
  await gate.close();
});

test(`After ${KILLS} kills between reading events and storing the cursor, every event is on the bus once`, async () => {
  const ledger = new Ledger();
  const server = new NotificationServer(1);
  const tokens = new Tokens(3_600);
  const cloud = new StreamCloud({
    server,
    tokens,
    ledger,
    seed: 1,
    heartbeatMs: 500,
    faults: [],
    faultIntervalMs: 1_000,
  });
  platform = new PlatformServer([new OAuthEndpoint([CLIENT], tokens), cloud]);
  const url = loopbackUrl(await platform.listen());
  gate = new AwsGate();
  const gateUrl = await gate.listen();
  pipeline = await startPipeline({
    genesys: { apiUrl: url, loginUrl: url, credentials: CLIENT },
    topics: [],
    environment: {
      PROTOCOLS: 'notification-stream',
      NOTIFICATION_SUBSCRIPTIONS: JSON.stringify(server.resources),
      NOTIFICATION_MAX_LATENCY_MS: '20',
      AWS_ENDPOINT_URL_SQS: gateUrl,
      AWS_ENDPOINT_URL_DYNAMODB: gateUrl,
    },
    healthPort: 0,
    logLevel: 'SILENT',
    seed: 1,
    faults: parseFaults('ingester_kill'),
    accounting: new Accounting([new ProtocolAccount(ledger)]),
    isSimulated: true,
    onIngesterKilled: () => ledger.readerKilled(),
  });
  gate.open(pipeline.emulatorUrl);
  const { ingester } = pipeline;
  if (!(ingester instanceof ChildIngester)) throw new Error('The ingester is not a child process.');
  await until(() => cloud.subscribed.length > 0, TIMEOUT_MS);

  const runner = new GeneratorRunner({
    source: server,
    target: cloud,
    ratePerSecond: RATE_PER_SECOND,
  }).start();
  // Before the first cursor, a new process cannot continue where the last one ended.
  await gate.at({ call: 'cursor', at: 'answered' }, async () => undefined);
  for (let kills = 0; kills < KILLS; kills++)
    await gate.at(MOMENTS[kills % MOMENTS.length] as CallMoment, () => ingester.kill());
  await until(() => cloud.subscribed.length > 0, TIMEOUT_MS);
  await delay(TAIL_MS);
  runner.stop();
  await runner.done;
  await cloud.finish();
  await ledger.settled(TIMEOUT_MS);
  await pipeline.drain(TIMEOUT_MS);

  const report = ledger.report();
  expect(ingester.kills).toBe(KILLS);
  expect(report, JSON.stringify(report)).toMatchObject({
    published: runner.emitted,
    lost: 0,
    uncovered: 0,
    unproven: 0,
    publishedTwice: 0,
    publishedTwiceUnknown: 0,
    unexpected: 0,
  });
});
