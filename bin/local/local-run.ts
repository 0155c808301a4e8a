import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { genesysHosts } from '../../lib/genesys/regions.ts';
import { Accounting } from './accounting.ts';
import { type Cloud, SIMULATION_LIMITS, startCloud } from './cloud.ts';
import type { LocalOptions } from './local-options.ts';
import { isSound, type LocalResult, roundLatency, showResult } from './local-result.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import { ProgressDisplay } from './progress-display.ts';
import type { RealGenesys } from './real-genesys.ts';
import type { ReplayTotals } from './replay.ts';
import { NAMES } from './resources.ts';

const PROGRESS_INTERVAL_MS = 1_000;
/** Time for the first connection to be established. */
const CONNECT_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Time for all events sent to reach the bus, including retries after faults. */
const SETTLE_TIMEOUT_MS = 60_000;

/** The parts of a run. */
interface Run {
  options: LocalOptions;
  cloud: Cloud | undefined;
  ledger: Ledger;
  accounting: Accounting;
  pipeline: Pipeline;
  display: ProgressDisplay;
  startedAtMs: number;
}

/**
 * Runs the complete pipeline on this machine until it ends (`--exit`) or is interrupted.
 *
 * @returns the exit code: 0 if no event was lost or published twice, otherwise 1
 */
export async function runLocal(options: LocalOptions, genesys: RealGenesys | undefined): Promise<number> {
  const display = new ProgressDisplay(options.json ? process.stderr : process.stdout);
  const interrupted = interruption();
  const cloud = genesys ? undefined : await startCloud(options);
  const ledger = cloud?.ledger ?? new Ledger();
  const accounting = new Accounting(ledger);
  try {
    const pipeline = await startPipeline({
      genesys: genesysAccess(cloud, genesys),
      topics: options.topics ?? DEFAULT_TOPICS,
      healthPort: options.healthPort,
      logLevel: options.logLevel,
      seed: options.seed,
      faults: options.faults,
      accounting,
      ...(cloud ? { limits: SIMULATION_LIMITS } : {}),
    });
    const run: Run = { options, cloud, ledger, accounting, pipeline, display, startedAtMs: Date.now() };
    showIntroduction(run, genesys);
    return await play(run, interrupted);
  } finally {
    await cloud?.simulator.close();
  }
}

async function play(run: Run, interrupted: Promise<void>): Promise<number> {
  const { options, cloud, ledger, pipeline, display } = run;
  const stopProgress = showProgress(run);
  let replay: ReplayTotals | undefined;
  try {
    await Promise.race([untilCovered(pipeline), pipeline.ingester.failed, interrupted]);
    const playing = cloud
      ?.play((message) => display.warn(message))
      .then((totals) => {
        replay = totals;
      });
    // Without --exit, or with the real cloud, the run continues until it is interrupted.
    const played = options.exit ? playing : playing?.then(() => interrupted);
    await Promise.race([played ?? interrupted, pipeline.ingester.failed, interrupted]);
    cloud?.stopPlaying();
    await playing;
    cloud?.faults?.stop();
    await ledger.settled(SETTLE_TIMEOUT_MS);
  } finally {
    cloud?.faults?.stop();
    stopProgress();
    await pipeline.drain(SETTLE_TIMEOUT_MS);
  }
  const result = { ...summarize(run), ...(replay ? { replay } : {}) };
  await pipeline.close();
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else showResult(display, result, ledger.report().lostKeys);
  return isSound(result) ? 0 : 1;
}

/** Resolves on the first SIGINT or SIGTERM. A second one ends the process. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function genesysAccess(cloud: Cloud | undefined, real: RealGenesys | undefined) {
  if (real) {
    const { clientId, clientSecret } = real;
    return { ...genesysHosts(real.domain), credentials: { clientId, clientSecret } };
  }
  const url = cloud?.url ?? '';
  return {
    apiUrl: url,
    loginUrl: url,
    credentials: { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
  };
}

function showIntroduction({ display, pipeline, cloud }: Run, real: RealGenesys | undefined): void {
  display.heading('Switchboard is running on this machine');
  display.table([
    ['Genesys Cloud', real ? `${real.domain} (real)` : `${cloud?.url} (simulated)`],
    ['AWS', `${pipeline.emulatorUrl} (local)`],
    ['event bus', NAMES.bus],
    ['events queue', NAMES.eventsQueue],
    ['ingester', `http://127.0.0.1:${pipeline.ingester.healthPort}/healthz and /metrics`],
  ]);
  display.line('Press Ctrl-C to drain the pipeline and print the result.\n');
  let shown = 0;
  const stop = pipeline.emulator.eventbridge.onEvent(({ event }) => {
    display.sample(event);
    if (++shown === ProgressDisplay.sampleEvents) stop();
  });
}

/** Resolves when the ingester covers its topics, or after the timeout. */
async function untilCovered({ ingester }: Pipeline): Promise<void> {
  const deadlineMs = Date.now() + CONNECT_TIMEOUT_MS;
  while (!ingester.isCovered && Date.now() < deadlineMs) await delay(POLL_MS);
}

/** Starts to show progress. Returns a function that stops it. */
function showProgress(run: Run): () => void {
  const { display, pipeline, accounting, ledger, cloud, startedAtMs } = run;
  const timer = setInterval(() => {
    const { intake } = pipeline.ingester;
    const report = ledger.report();
    display.progress({
      seconds: Math.round((Date.now() - startedAtMs) / 1000),
      sent: cloud ? report.sent : undefined,
      received: intake.totals.received,
      published: cloud ? report.published : accounting.published,
      duplicates: intake.totals.copies + pipeline.consumed.duplicates,
      lag: Math.max(
        0,
        intake.totals.received - intake.totals.copies - pipeline.consumed.duplicates - accounting.published,
      ),
      connections: pipeline.ingester.connections,
      faults: Object.values(faultCounts(run)).reduce((sum, count) => sum + count, 0),
    });
  }, PROGRESS_INTERVAL_MS);
  return () => clearInterval(timer);
}

function faultCounts({ cloud, pipeline }: Pick<Run, 'cloud' | 'pipeline'>): Record<string, number> {
  return {
    ...cloud?.faults?.counts,
    ...pipeline.awsFaults.counts,
    consumer_crash: pipeline.consumed.crashes,
  };
}

function summarize(run: Run): LocalResult {
  const { ledger, pipeline, accounting } = run;
  const { intake, coverage } = pipeline.ingester;
  const report = ledger.report();
  const visibleIn = (name: string) => pipeline.emulator.sqs.queue(name).counts().visible;
  return {
    sent: run.cloud ? report.sent : intake.totals.received - intake.totals.copies,
    received: intake.totals.received,
    published: run.cloud ? report.published : accounting.published,
    duplicates: intake.totals.copies + pipeline.consumed.duplicates,
    quarantined: visibleIn(NAMES.quarantineQueue),
    lost: report.lost,
    publishedTwice: run.cloud ? report.publishedTwice + report.unexpected : 0,
    publishedTwiceUnknown: report.publishedTwiceUnknown,
    uncovered: report.uncovered,
    unproven: report.unproven,
    deadLettered: visibleIn(NAMES.deadLetterQueue),
    latencyMs: roundLatency(report.latencyMs),
    latencyStalledMs: { ...roundLatency(report.latencyStalledMs), count: report.latencyStalledMs.count },
    eventsPerSecond: accounting.eventsPerSecond,
    gaps: coverage.totals.gaps,
    gapSeconds: Math.round(coverage.totals.gapSeconds * 10) / 10,
    faults: faultCounts(run),
  };
}
