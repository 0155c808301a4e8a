import { setTimeout as delay } from 'node:timers/promises';
import { type GapVerdict, judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger, type LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { Accounting } from '../../bin/local/accounting.ts';
import { ChildIngester } from '../../bin/local/child-ingester.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { killAtSeededMoments } from '../../bin/local/ingester-kills.ts';
import { type Pipeline, startPipeline } from '../../bin/local/pipeline.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { until } from './local-system.ts';

const CONNECT_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 60_000;
/** Time after the last kill in which the new process delivers events. */
const TAIL_MS = 1_000;
// EMF documents would flood the output of the tests.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** What the judge says about a run in which the ingester was killed. */
export interface KillVerdict {
  readonly kills: number;
  readonly report: LedgerReport;
  readonly gaps: GapVerdict;
  readonly gapRecords: number;
}

/**
 * The ingester's `main.ts` as a child process, between the simulated Genesys Cloud and the local AWS, over HTTP and
 * WebSockets only.
 */
export class IngesterProcess {
  private readonly simulator: Simulator;
  private readonly ledger: Ledger;
  private readonly pipeline: Pipeline;
  private readonly child: ChildIngester;
  private readonly topics: readonly string[];

  private constructor(simulator: Simulator, pipeline: Pipeline, topics: readonly string[]) {
    if (!(pipeline.ingester instanceof ChildIngester))
      throw new Error('The ingester is not a child process.');
    this.simulator = simulator;
    this.ledger = simulator.ledger;
    this.pipeline = pipeline;
    this.child = pipeline.ingester;
    this.topics = topics;
  }

  static async start(topics: readonly string[]): Promise<IngesterProcess> {
    const ledger = new Ledger();
    const simulator = new Simulator({
      users: 5,
      queues: 2,
      ledger,
      heartbeatMs: 500,
      requestsPerMinute: 10_000,
    });
    const { url } = await simulator.listen();
    const pipeline = await startPipeline({
      genesys: {
        apiUrl: url,
        loginUrl: url,
        credentials: { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
      },
      topics,
      healthPort: 0,
      logLevel: 'SILENT',
      seed: 1,
      faults: parseFaults('ingester_kill'),
      accounting: new Accounting([new ProtocolAccount(ledger)]),
      isSimulated: true,
      onIngesterKilled: () => ledger.readerKilled(),
    });
    const run = new IngesterProcess(simulator, pipeline, topics);
    await run.covered();
    return run;
  }

  /** Sends events all the time, kills the ingester this many times, and judges what became of the events. */
  async killed(kills: number, seed: number, ratePerSecond: number): Promise<KillVerdict> {
    const source = new Generator(this.simulator, { seed, topics: this.topics });
    const runner = new GeneratorRunner({ source, target: this.simulator, ratePerSecond }).start();
    await killAtSeededMoments(() => this.child.kill(), seed, new AbortController().signal, kills);
    await this.covered();
    await delay(TAIL_MS);
    runner.stop();
    await runner.done;
    await this.pipeline.drain(DRAIN_TIMEOUT_MS);
    const records = await this.pipeline.gapRecords();
    return {
      kills: this.child.kills,
      report: this.ledger.report(),
      gaps: judgeGaps(this.ledger.missing(), records),
      gapRecords: records.length,
    };
  }

  async close(): Promise<void> {
    await this.child.stop();
    await this.pipeline.close();
    await this.simulator.close();
  }

  private covered(): Promise<void> {
    return until(() => this.child.isCovered && this.simulator.liveConnections > 0, CONNECT_TIMEOUT_MS);
  }
}
