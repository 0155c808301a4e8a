import { setTimeout as delay } from 'node:timers/promises';
import { PollerIdleTimeoutError } from 'switchboard-local/lambda/poller.ts';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { genesysHosts } from '../../lib/genesys/regions.ts';
import { Accounting } from './accounting.ts';
import { writeAuditFile } from './audit-records.ts';
import { EventLoopDelay } from './event-loop-delay.ts';
import { killAtSeededMoments } from './ingester-kills.ts';
import { onInterruption } from './interruption.ts';
import { reserveStandardOutput } from './output-streams.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import { ProgressDisplay } from './progress-display.ts';
import { ProtocolAccount } from './protocol-account.ts';
import type { RealGenesys } from './real-genesys.ts';
import type { ReplayTotals } from './replay.ts';
import { NAMES } from './resources.ts';
import { startDelivery } from './run-delivery.ts';
import { showIntroduction } from './run-introduction.ts';
import type { LocalOptions } from './run-options.ts';
import { lagOf, showProgress } from './run-progress.ts';
import type { RunProtocol } from './run-protocol.ts';
import { judgeRun, lossByTopic, type RunParts } from './run-summary.ts';
import { runWarnings } from './run-warnings.ts';
import { resultLine, showResult, showVerdict } from './show-result.ts';
import { CLIENT, environmentOf, type SimulatedPlatform, startPlatform } from './simulated-platform.ts';
import { verdictLines } from './verdict.ts';

/** Time for the first connection to be established. */
const CONNECT_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Time for all events sent to reach the bus, including retries after faults. */
const SETTLE_TIMEOUT_MS = 60_000;
/** When the queue has been empty for this long, events that are not on the bus will not reach it. */
const EMPTY_QUEUE_MS = 5_000;

/** The parts of a run. */
interface Run extends RunParts {
  display: ProgressDisplay;
  interrupted: Promise<void>;
  printJson: ((text: string) => void) | undefined;
}

/**
 * Runs the complete pipeline on this machine until it ends (`--exit`) or is interrupted.
 *
 * @returns the exit code: 0 if every event was published once or is in a recorded gap, otherwise 1
 */
export async function runLocal(options: LocalOptions, genesys: RealGenesys | undefined): Promise<number> {
  const printJson = options.json ? reserveStandardOutput() : undefined;
  const display = new ProgressDisplay(options.json ? process.stderr : process.stdout);
  let describeRest = () => 'nothing';
  const { signaled } = onInterruption(() =>
    display.warn(`\nDraining, ${describeRest()} left. Press Ctrl-C again to quit.`),
  );
  const platform = genesys ? undefined : await startPlatform(options);
  const protocols = platform?.protocols ?? ([realProtocol(options)] as const);
  const [first, ...others] = protocols;
  const accounting = new Accounting([first.account, ...others.map(({ account }) => account)]);
  try {
    const pipeline = await startPipeline({
      genesys: genesysAccess(platform, genesys),
      topics: options.topics ?? DEFAULT_TOPICS,
      environment: platform ? environmentOf(platform.protocols) : {},
      healthPort: options.healthPort,
      tasks: options.tasks ?? 1,
      logLevel: options.logLevel,
      redaction: options.redaction,
      seed: options.seed,
      faults: options.faults,
      audit: options.audit,
      accounting,
      isSimulated: platform !== undefined,
      fillsGaps: genesys !== undefined || protocols.some(({ account }) => account.recovery),
      integration: protocols.flatMap(({ cloud }) => cloud?.integration ?? [])[0],
      receivers: new Set(protocols.map(({ receiver }) => receiver)),
      hasShortDedupWindow: true,
      onIngesterKilled: () => {
        for (const { receiver, account } of protocols)
          if (receiver === 'ingester') account.ledger.readerKilled();
      },
      onFailure: (message) => display.warn(message),
    });
    const delivery = await startDelivery(options, pipeline, display);
    const interrupted = signaled;
    const run: Run = { options, protocols, accounting, pipeline, delivery, display, interrupted, printJson };
    describeRest = () => restOf(run);
    showIntroduction(run, display, genesys?.domain ?? platform?.url ?? '');
    return await play(run);
  } finally {
    await platform?.close();
  }
}

/** What is not at its end yet, as a text. */
function restOf(run: Run): string {
  const { delivery } = run;
  const events = `${lagOf(run)} events`;
  return delivery ? `${events} and ${delivery.waiting} deliveries` : events;
}

async function play(run: Run): Promise<number> {
  const { pipeline, display, printJson } = run;
  const stopProgress = showProgress(run, display);
  const eventLoop = new EventLoopDelay();
  let replay: ReplayTotals | undefined;
  try {
    replay = await playEvents(run);
    await untilSettled(run);
  } finally {
    stopFaults(run);
    await drain(run);
    await run.delivery?.settle();
    stopProgress();
  }
  const judged = await judgeRun(run, replay);
  eventLoop.stop();
  for (const warning of runWarnings(judged, run, eventLoop.maxMs)) display.warn(warning);
  if (run.options.auditFile) await writeAuditFile(pipeline.emulator, run.options.auditFile);
  await run.delivery?.close();
  await pipeline.close();
  if (printJson) {
    printJson(resultLine(judged, run.options.seed));
    showVerdict(display, judged);
  } else showResult(display, judged, lossByTopic(run.protocols));
  return verdictLines(judged).isSound ? 0 : 1;
}

/** Plays events until they end, the run is interrupted or the ingester fails. */
async function playEvents(run: Run): Promise<ReplayTotals | undefined> {
  const { options, protocols, pipeline, display, interrupted } = run;
  const { failed } = pipeline.ingester;
  await Promise.race([untilCovered(pipeline), failed, interrupted]);
  const kills = startKills(run);
  const clouds = protocols.flatMap(({ cloud }) => cloud ?? []);
  // With the real cloud, nothing is played.
  const playing =
    clouds.length > 0
      ? Promise.all(clouds.map((cloud) => cloud.play((message) => display.warn(message))))
      : undefined;
  try {
    // Without --exit, or with the real cloud, the run continues until it is interrupted.
    const played = options.exit ? playing : playing?.then(() => interrupted);
    await Promise.race([played ?? interrupted, failed, interrupted]);
  } finally {
    for (const cloud of clouds) cloud.stopPlaying();
    await kills.stop();
    // Its error has already ended the race above.
    await playing?.catch(() => undefined);
    stopFaults(run);
  }
  return (await playing)?.find((totals) => totals !== undefined);
}

function stopFaults({ protocols }: Run): void {
  for (const { cloud } of protocols) cloud?.faults?.stop();
}

/** Starts killing the ingester, if that fault is chosen. */
function startKills({ options, pipeline }: Run): { stop(): Promise<void> } {
  const { ingester } = pipeline;
  const abort = new AbortController();
  const killing = ingester.kill
    ? killAtSeededMoments(async () => ingester.kill?.(), options.seed, abort.signal)
    : undefined;
  return {
    stop: async () => {
      abort.abort();
      await killing;
      // The successor of the last killed process records the gap once it is connected.
      if (killing) await untilCovered(pipeline);
    },
  };
}

/** Resolves when every event sent is on the bus, or when nothing is left in the queue that could still reach it. */
async function untilSettled({ protocols, pipeline }: Run): Promise<void> {
  let settled = false;
  const ledgers = protocols.map(({ account }) => account.ledger);
  const waiting = Promise.all(ledgers.map((ledger) => ledger.settled(SETTLE_TIMEOUT_MS))).then(() => {
    settled = true;
  });
  let emptySinceMs = Date.now();
  while (!settled && Date.now() - emptySinceMs < EMPTY_QUEUE_MS) {
    await Promise.race([waiting, delay(POLL_MS)]);
    const { visible, delayed, inFlight } = pipeline.emulator.sqs.queue(NAMES.eventsQueue).counts();
    if (visible + delayed + inFlight > 0) emptySinceMs = Date.now();
  }
}

/** Waits for the consumer. Messages that it cannot process stay in the queue, and their events count as lost. */
async function drain({ pipeline, display }: Run): Promise<void> {
  try {
    await pipeline.drain(SETTLE_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof PollerIdleTimeoutError)) throw error;
    display.warn(`The consumer did not finish within ${SETTLE_TIMEOUT_MS / 1000} s: ${error.message}`);
  }
}

function genesysAccess(platform: SimulatedPlatform | undefined, real: RealGenesys | undefined) {
  if (real) {
    const { clientId, clientSecret } = real;
    return { ...genesysHosts(real.domain), credentials: { clientId, clientSecret } };
  }
  const url = platform?.url ?? '';
  return { apiUrl: url, loginUrl: url, credentials: CLIENT };
}

/** The protocol of the real Genesys Cloud, for which only arrivals are known. */
function realProtocol({ protocol }: LocalOptions): RunProtocol {
  const account = new ProtocolAccount(new Ledger());
  return { name: protocol, receiver: 'ingester', cloud: undefined, account };
}

/** Resolves when the ingester covers its topics, or after the timeout. */
async function untilCovered({ ingester }: Pipeline): Promise<void> {
  const deadlineMs = Date.now() + CONNECT_TIMEOUT_MS;
  while (!ingester.isCovered && Date.now() < deadlineMs) await delay(POLL_MS);
}
