import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { genesysHosts } from '../../lib/genesys/regions.ts';
import { Accounting } from './accounting.ts';
import { type Cloud, SIMULATION_LIMITS, startCloud } from './cloud.ts';
import type { LocalOptions, RealGenesys } from './local-options.ts';
import { isSound, type LocalResult, latency, showResult } from './local-result.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import { Display } from './progress-display.ts';
import type { ReplayTotals } from './replay.ts';
import { NAMES } from './resources.ts';

/** Between two lines of progress. */
const PROGRESS_INTERVAL_MS = 1_000;
/** For the first connection to come up. */
const CONNECT_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** For everything that was sent to reach the bus, retries after faults included. */
const SETTLE_LIMIT_MS = 60_000;

/** What a run is made of. */
interface Run {
  options: LocalOptions;
  cloud: Cloud | undefined;
  ledger: Ledger;
  accounting: Accounting;
  pipeline: Pipeline;
  display: Display;
  startedAtMs: number;
}

/**
 * Run the whole way of an event on this machine until it ends by itself (`--exit`) or is interrupted.
 *
 * @returns the exit code: 0 when nothing was lost and nothing doubled
 */
export async function runLocal(options: LocalOptions, genesys: RealGenesys | undefined): Promise<number> {
  const display = new Display(options.json ? process.stderr : process.stdout);
  const interrupted = interruption();
  const cloud = genesys ? undefined : await startCloud(options);
  const ledger = cloud?.ledger ?? new Ledger();
  const accounting = new Accounting(ledger);
  try {
    const pipeline = await startPipeline({
      genesys: whereGenesysIs(cloud, genesys),
      topics: options.topics ?? DEFAULT_TOPICS,
      healthPort: options.healthPort,
      logLevel: options.logLevel,
      seed: options.seed,
      faults: options.faults,
      accounting,
      ...(cloud ? { limits: SIMULATION_LIMITS } : {}),
    });
    const run: Run = { options, cloud, ledger, accounting, pipeline, display, startedAtMs: Date.now() };
    introduce(run, genesys);
    return await play(run, interrupted);
  } finally {
    await cloud?.simulator.close();
  }
}

async function play(run: Run, interrupted: Promise<void>): Promise<number> {
  const { options, cloud, ledger, pipeline, display } = run;
  const stopProgress = showProgress(run);
  let replayed: ReplayTotals | undefined;
  try {
    await Promise.race([untilCovered(pipeline), pipeline.ingester.failed, interrupted]);
    const playing = cloud
      ?.play((message) => display.warn(message))
      .then((totals) => {
        replayed = totals;
      });
    // Without --exit only an interruption ends the run, and with the real cloud there is no other end.
    const played = options.exit ? playing : playing?.then(() => interrupted);
    await Promise.race([played ?? interrupted, pipeline.ingester.failed, interrupted]);
    cloud?.stopPlaying();
    await playing;
    cloud?.faults?.stop();
    await ledger.settled(SETTLE_LIMIT_MS);
  } finally {
    cloud?.faults?.stop();
    stopProgress();
    await pipeline.drain(SETTLE_LIMIT_MS);
  }
  const result = summarize(run);
  await pipeline.close();
  if (options.json)
    process.stdout.write(`${JSON.stringify(replayed ? { ...result, replay: replayed } : result)}\n`);
  else {
    if (replayed)
      display.line(
        `\nReplayed ${replayed.played} of ${replayed.lines} lines, ${replayed.odd} of them no frames; skipped ${replayed.skipped} that are not JSON.`,
      );
    showResult(display, result, ledger.report());
  }
  return isSound(result) ? 0 : 1;
}

/** Settles on the first SIGINT or SIGTERM; a second one ends the process as usual. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function whereGenesysIs(cloud: Cloud | undefined, real: RealGenesys | undefined) {
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

function introduce({ display, pipeline, cloud }: Run, real: RealGenesys | undefined): void {
  display.heading('Switchboard on this machine');
  display.table([
    ['Genesys Cloud', real ? `the real one, ${real.domain}` : `simulated, ${cloud?.url}`],
    ['local AWS', `${pipeline.emulatorUrl} (bus ${NAMES.bus}, queue ${NAMES.eventsQueue})`],
    ['ingester', `http://127.0.0.1:${pipeline.ingester.healthPort}/healthz and /metrics`],
  ]);
  display.line('Ctrl-C drains and prints the ledger.\n');
  let shown = 0;
  const stop = pipeline.emulator.eventbridge.onEvent(({ event }) => {
    display.sample(event);
    if (++shown === Display.sampleEvents) stop();
  });
}

async function untilCovered({ ingester }: Pipeline): Promise<void> {
  const limitMs = Date.now() + CONNECT_LIMIT_MS;
  while (!ingester.isCovered && Date.now() < limitMs) await delay(POLL_MS);
}

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
  const queue = (name: string) => pipeline.emulator.sqs.queue(name).counts();
  const deadLettered = queue(NAMES.deadLetterQueue).visible;
  return {
    sent: run.cloud ? report.sent : intake.totals.received - intake.totals.copies,
    received: intake.totals.received,
    published: run.cloud ? report.published : accounting.published,
    duplicates: intake.totals.copies + pipeline.consumed.duplicates,
    quarantined: queue(NAMES.quarantineQueue).visible,
    lost: report.lost,
    publishedTwice: run.cloud ? report.publishedTwice + report.unexpected : 0,
    publishedTwiceUnknown: report.publishedTwiceUnknown,
    uncovered: report.uncovered,
    unproven: report.unproven,
    deadLettered,
    latencyMs: latency(report.latencyMs),
    latencyStalledMs: { ...latency(report.latencyStalledMs), count: report.latencyStalledMs.count },
    eventsPerSecond: accounting.eventsPerSecond,
    gaps: coverage.totals.gaps,
    gapSeconds: Math.round(coverage.totals.gapSeconds * 10) / 10,
    faults: faultCounts(run),
  };
}
