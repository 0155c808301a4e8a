import { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import type { NativeIntegration } from 'switchboard-local/simulator/native-integration.ts';
import type { PlatformPart } from 'switchboard-local/simulator/platform-server.ts';
import type { EventHistory } from 'switchboard-local/simulator/recovery/event-history.ts';
import { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import type { Tokens } from 'switchboard-local/simulator/tokens.ts';
import { CLOUD_FAULT_INTERVAL_MS } from './fault-options.ts';
import { firstOverlap, keepOverlapping } from './overlaps.ts';
import { RecordedPlayer } from './recorded-player.ts';
import { type ReplayTotals, replayCapture } from './replay.ts';
import type { LocalOptions } from './run-options.ts';

/** Intervals of the real platform, shortened: the heartbeat of 30 s, and the minute before an announced close. */
const HEARTBEAT_MS = 250;
const CLOSING_GRACE_MS = 8_000;
/** Higher than the platform's 300, because connections change and gaps are filled hundreds of times as often. */
export const REQUESTS_PER_MINUTE = 100_000;
/** Maximum time until the REST API returns an event. */
export const HISTORY_DELAY_MS = 1_000;

/** What the clouds of a run have in common, and the settings of one of them. */
export interface CloudOptions extends LocalOptions {
  /** The events of this cloud. */
  ledger: Ledger;
  /** The tokens of the platform. */
  tokens: Tokens;
  /** What the REST API knows of the past, if no other cloud has the same conversations. */
  history?: EventHistory | undefined;
}

/** The simulated Genesys Cloud of one protocol, and its events. It sends no events until `play` is called. */
export interface Cloud {
  /** The endpoints that it serves on the platform. */
  part: PlatformPart;
  /** Checks what is recovered after gaps; undefined if this cloud does not store events. */
  recovery?: RecoveryJudge | undefined;
  /** How many injected faults of each kind took effect. */
  faults: { readonly counts: Readonly<Record<string, number>>; stop(): void } | undefined;
  /** Also sends events to EventBridge. */
  integration?: NativeIntegration;
  /** Variables with which the ingester receives these events. */
  environment: Readonly<Record<string, string>>;
  /** Sends events until they end or {@link stopPlaying} is called. `warn` reports lines of a capture. */
  play(warn: (message: string) => void): Promise<ReplayTotals | undefined>;
  stopPlaying(): void;
}

/**
 * The simulated Genesys Cloud with notification channels.
 *
 * @param integration - also receives the events
 */
export function createChannelCloud(options: CloudOptions, integration?: NativeIntegration): Cloud {
  const { seed, users, queues, replay, ledger, tokens } = options;
  // Recorded events come from another cloud, and events that the integration delivers need no recovery.
  const recovery = replay === undefined && !integration ? new RecoveryJudge() : undefined;
  const faults =
    options.faults.cloud.length > 0
      ? new CloudFaults({ seed, kinds: options.faults.cloud, meanIntervalMs: CLOUD_FAULT_INTERVAL_MS })
      : undefined;
  const simulator = new Simulator({
    seed,
    users,
    queues,
    ledger,
    tokens,
    channelLifeMs: options.channelLife * 1000,
    heartbeatMs: HEARTBEAT_MS,
    closingGraceMs: CLOSING_GRACE_MS,
    requestsPerMinute: REQUESTS_PER_MINUTE,
    historyDelayMs: HISTORY_DELAY_MS,
    everyTopic: replay !== undefined,
    ...(recovery ? { recoveryJudge: recovery } : {}),
    ...(faults ? { faults } : {}),
    ...(integration ? { integration } : {}),
  });
  const topics = options.topics ?? DEFAULT_TOPICS;
  const abort = new AbortController();
  const playing = { simulator, faults, signal: abort.signal };
  return {
    part: simulator,
    recovery,
    faults,
    environment: {},
    play: (warn) =>
      replay === undefined
        ? playGenerated(playing, options, topics)
        : playCapture(playing, options, replay, warn),
    stopPlaying: () => abort.abort(),
  };
}

interface Playing {
  simulator: Simulator;
  faults: CloudFaults | undefined;
  signal: AbortSignal;
}

async function playGenerated(
  { simulator, faults, signal }: Playing,
  { seed, rate, events, faults: { cloud } }: LocalOptions,
  topics: readonly string[],
): Promise<undefined> {
  const runner = new GeneratorRunner({
    source: new Generator(simulator, { seed, topics }),
    target: simulator,
    ratePerSecond: rate,
    ...(events === undefined ? {} : { count: events }),
  });
  signal.addEventListener('abort', () => runner.stop());
  const overlaps = faults && cloud.includes('socket_closing');
  if (overlaps) await firstOverlap(simulator, faults, signal);
  if (signal.aborted) return;
  runner.start();
  const stopOverlapping = overlaps ? keepOverlapping(simulator, faults, runner) : undefined;
  try {
    await runner.done;
  } finally {
    stopOverlapping?.();
  }
}

async function playCapture(
  { simulator, signal }: Playing,
  { speed, pick, controlFrames }: LocalOptions,
  file: string,
  warn: (message: string) => void,
): Promise<ReplayTotals> {
  const player = new RecordedPlayer(simulator);
  return replayCapture(
    { file, speed: speed ?? 1, pick: pick?.split('.'), playControlFrames: controlFrames ?? false },
    (recorded) => player.play(recorded, signal),
    warn,
    signal,
  );
}
