import { setTimeout as delay } from 'node:timers/promises';
import { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import type { IngesterDependencies } from '../../functions/ingester/dependencies.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import type { Frame as EventFrame } from '../../lib/events/schema.ts';
import { CLOUD_FAULT_INTERVAL_MS } from './fault-options.ts';
import type { LocalOptions } from './local-options.ts';
import { type Recorded, type ReplayTotals, replayCapture } from './replay.ts';

/**
 * Intervals of the real platform, all shortened, so that half-open sockets and announced closes end within seconds: the
 * heartbeat of 30 s, the silence timeout of 40 s and the minute before an announced close.
 */
const HEARTBEAT_MS = 250;
const CLOSING_GRACE_MS = 8_000;
export const SIMULATION_LIMITS: NonNullable<IngesterDependencies['limits']> = {
  connection: { silenceMs: 1_000, pingEveryMs: 250 },
  backoff: { baseMs: 50, capMs: 1_000, stableMs: 2_000 },
  requestsPerMinute: 3_000,
};
/** The simulated cloud allows the same number, because connections change a hundred times as often. */
const REQUESTS_PER_MINUTE = 3_000;
/** A replay pauses while the ingester has more unread data than this. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;
const UNREAD_POLL_MS = 5;

/** The simulated Genesys Cloud of a run, and its events. */
export interface Cloud {
  simulator: Simulator;
  url: string;
  ledger: Ledger;
  faults: CloudFaults | undefined;
  topics: readonly string[];
  /** Sends events until they end or {@link stopPlaying} is called. `warn` reports skipped lines of a capture. */
  play(warn: (message: string) => void): Promise<ReplayTotals | undefined>;
  stopPlaying(): void;
}

/** Starts the simulated Genesys Cloud. It sends no events until `play` is called. */
export async function startCloud(options: LocalOptions): Promise<Cloud> {
  const { seed, users, queues, replay } = options;
  // A capture may contain the same event twice with different text. The product's identity decides what is one event.
  const ledger = new Ledger(
    replay === undefined ? {} : { keyOf: (frame) => contentIdentity(frame as EventFrame) },
  );
  const faults =
    options.faults.cloud.length > 0
      ? new CloudFaults({ seed, kinds: options.faults.cloud, meanIntervalMs: CLOUD_FAULT_INTERVAL_MS })
      : undefined;
  const simulator = new Simulator({
    seed,
    users,
    queues,
    ledger,
    tokenLifeSeconds: options.tokenLife,
    channelLifeMs: options.channelLife * 1000,
    heartbeatMs: HEARTBEAT_MS,
    closingGraceMs: CLOSING_GRACE_MS,
    requestsPerMinute: REQUESTS_PER_MINUTE,
    everyTopic: replay !== undefined,
    ...(faults ? { faults } : {}),
  });
  const { url } = await simulator.listen();
  const topics = options.topics ?? DEFAULT_TOPICS;
  const abort = new AbortController();
  let runner: GeneratorRunner | undefined;
  return {
    simulator,
    url,
    ledger,
    faults,
    topics,
    play: async (warn) => {
      if (replay !== undefined) {
        return replayCapture(
          replay,
          options.speed ?? 1,
          (recorded) => playRecorded(simulator, recorded),
          warn,
          abort.signal,
        );
      }
      runner = new GeneratorRunner({
        source: new Generator(simulator, { seed, topics }),
        target: simulator,
        ratePerSecond: options.rate,
        ...(options.events === undefined ? {} : { count: options.events }),
      });
      await runner.start().done;
      return undefined;
    },
    stopPlaying: () => {
      abort.abort();
      runner?.stop();
    },
  };
}

async function playRecorded(simulator: Simulator, { isFrame, topicName, text }: Recorded): Promise<void> {
  while (simulator.bufferedBytes > MAX_UNREAD_BYTES) await delay(UNREAD_POLL_MS);
  if (isFrame) simulator.emitText(topicName, text);
  else simulator.hooks.garbage(text);
}
