import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger, type LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { expect } from 'vitest';
import { fillSecret } from '../../bin/deploy-local/deployment.ts';
import { chooseGenesys } from '../../bin/deploy-local/genesys.ts';
import {
  ACCOUNT,
  DUMMY_CREDENTIALS,
  localAws,
  localEnvironment,
  REGION,
} from '../../bin/deploy-local/local-endpoint.ts';
import { BusTarget } from '../deploy/bus-target.ts';
import { Child } from '../end-to-end/child.ts';
import { type CdkApp, run } from './cdk-app.ts';

const EVENTS = 200;
const EVENTS_PER_SECOND = 100;
const MAX_COVERED_MS = 30_000;
const MAX_SETTLE_MS = 60_000;
const POLL_MS = 100;

/** Stack outputs without the name of the stack. */
type Outputs = Readonly<Record<`Switchboard${string}`, string>>;

/** Deploys the app to the emulator with the CDK CLI. @returns the outputs of its stack */
export async function deployApp({ directory }: CdkApp, endpoint: string): Promise<Outputs> {
  const environment = localEnvironment(process.env, endpoint);
  const forEmulator = ['--context', 'emulator=true'];
  await run('cdk', ['bootstrap', `aws://${ACCOUNT}/${REGION}`, ...forEmulator], { directory, environment });
  await run(
    'cdk',
    ['deploy', '--require-approval', 'never', '--outputs-file', 'outputs.json', ...forEmulator],
    { directory, environment },
  );
  const { WallboardStack } = JSON.parse(readFileSync(join(directory, 'outputs.json'), 'utf8'));
  return WallboardStack;
}

/** The events that reached the bus, and the report about them. */
export interface SentThrough {
  readonly report: LedgerReport;
  /** The ids of events on the bus, by `detail-type`. */
  readonly eventIds: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Sends events through the ingester of the package and the deployed stack. */
export async function sendThrough(
  { packageDirectory }: CdkApp,
  outputs: Outputs,
  { endpoint, topics }: { endpoint: string; topics: readonly string[] },
): Promise<SentThrough> {
  const ledger = new Ledger();
  const eventIds = new Map<string, Set<string>>();
  const simulator = new Simulator({ seed: 1, users: 5, queues: 2, ledger });
  const aws = { endpoint, region: REGION, credentials: DUMMY_CREDENTIALS };
  const target = new BusTarget(aws, ({ detail, 'detail-type': type }) => {
    ledger.received(ledger.keyOf(detail));
    eventIds.set(type, (eventIds.get(type) ?? new Set()).add(detail.metadata.eventId));
  });
  const { url } = await simulator.listen();
  await fillSecret(endpoint, outputs.SwitchboardSecretName ?? '', chooseGenesys({}).credentials);
  await target.start(outputs.SwitchboardEventBusName ?? '');
  const ingester = new Child([join(packageDirectory, 'dist/functions/ingester/main.mjs')], {
    env: {
      ...localAws(endpoint),
      GENESYS_API_URL: url,
      GENESYS_LOGIN_URL: url,
      GENESYS_SECRET_ID: outputs.SwitchboardSecretName ?? '',
      TOPICS: topics.join(','),
      EVENTS_QUEUE_URL: outputs.SwitchboardEventsQueueUrl ?? '',
      STATE_TABLE: outputs.SwitchboardStateTableName ?? '',
      OVERSIZE_BUCKET: outputs.SwitchboardOversizeBucketName ?? '',
      HEALTH_PORT: '0',
    },
  });
  try {
    await covered(simulator, ingester);
    const source = new Generator(simulator, { seed: 1, topics: [...topics] });
    await new GeneratorRunner({
      source,
      target: simulator,
      ratePerSecond: EVENTS_PER_SECOND,
      count: EVENTS,
    }).start().done;
    await ledger.settled(MAX_SETTLE_MS);
  } finally {
    ingester.signal('SIGTERM');
    await ingester.ended;
    await target.stop();
    await simulator.close();
  }
  return { report: ledger.report(), eventIds };
}

/** Resolves when the ingester is subscribed. Rejects if it ends. */
async function covered(simulator: Simulator, ingester: Child): Promise<void> {
  const topics = [
    ...simulator.userIds.map((id) => `v2.users.${id}.presence`),
    ...simulator.queueIds.map((id) => `v2.routing.queues.${id}.conversations`),
  ];
  await Promise.race([
    expect
      .poll(() => topics.every((topic) => simulator.coverageOf(topic) > 0), {
        interval: POLL_MS,
        timeout: MAX_COVERED_MS,
      })
      .toBe(true),
    ingester.ended.then(({ stdout, stderr }) => {
      throw new Error(`The ingester ended:\n${stdout}\n${stderr}`);
    }),
  ]);
}
