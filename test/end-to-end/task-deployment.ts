import { setTimeout as delay } from 'node:timers/promises';
import { type GapVerdict, judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger, type LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { IngesterTasks } from '../../bin/local/ingester-tasks.ts';
import { type Pipeline, startPipeline } from '../../bin/local/pipeline.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import type { RunningIngester } from '../../bin/local/running-ingester.ts';
import { until } from './local-system.ts';

const CONNECT_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 60_000;
const SETTLE_TIMEOUT_MS = 60_000;
// EMF documents would flood the output of the tests.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** What AWS would bill for a run. */
export interface BilledUnits {
  readonly messages: number;
  readonly writes: number;
}

/** What became of the events of a run. */
export interface TaskVerdict extends BilledUnits {
  readonly report: LedgerReport;
  readonly gaps: GapVerdict;
}

/** A deployment of one or more tasks, between the simulated Genesys Cloud and the local AWS, over the network only. */
export class TaskDeployment {
  readonly simulator: Simulator;
  readonly pipeline: Pipeline;
  private readonly ledger: Ledger;
  private readonly topics: readonly string[];
  private readonly messages: { count: number };

  private constructor(
    parts: Pick<TaskDeployment, 'simulator' | 'pipeline'>,
    topics: readonly string[],
    messages: { count: number },
  ) {
    this.simulator = parts.simulator;
    this.pipeline = parts.pipeline;
    this.ledger = parts.simulator.ledger;
    this.topics = topics;
    this.messages = messages;
  }

  static async start(tasks: number, topics: readonly string[]): Promise<TaskDeployment> {
    const ledger = new Ledger();
    const simulator = new Simulator({ users: 20, queues: 5, ledger, requestsPerMinute: 10_000 });
    const { url } = await simulator.listen();
    const messages = { count: 0 };
    const pipeline = await startPipeline({
      genesys: {
        apiUrl: url,
        loginUrl: url,
        credentials: { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
      },
      topics,
      tasks,
      healthPort: 0,
      logLevel: 'SILENT',
      seed: 1,
      faults: parseFaults('none'),
      accounting: new Accounting([new ProtocolAccount(ledger)]),
      isSimulated: true,
      onCall: ({ target, body }) => {
        if (target === 'AmazonSQS.SendMessageBatch') messages.count += JSON.parse(body).Entries.length;
      },
    });
    await until(() => pipeline.ingester.isCovered, CONNECT_TIMEOUT_MS);
    return new TaskDeployment({ simulator, pipeline }, topics, messages);
  }

  get ingester(): RunningIngester {
    return this.pipeline.ingester;
  }

  get tasks(): IngesterTasks {
    const { ingester } = this.pipeline;
    if (!(ingester instanceof IngesterTasks)) throw new Error('There is one task only.');
    return ingester;
  }

  /** Sends events while something happens, and judges what became of them. */
  async whileEmitting(
    ratePerSecond: number,
    happens: () => Promise<unknown>,
    count = Number.POSITIVE_INFINITY,
  ): Promise<TaskVerdict> {
    const source = new Generator(this.simulator, { seed: 1, topics: this.topics });
    const { capacity } = this.pipeline.emulator.dynamodb;
    const before = { writes: capacity.writeUnits, messages: this.messages.count };
    const runner = new GeneratorRunner({
      source,
      target: this.simulator,
      ratePerSecond,
      count,
    }).start();
    await happens();
    runner.stop();
    await runner.done;
    await this.ledger.settled(SETTLE_TIMEOUT_MS);
    await this.pipeline.drain(DRAIN_TIMEOUT_MS);
    const records = await this.pipeline.gapRecords();
    return {
      report: this.ledger.report(),
      gaps: judgeGaps(this.ledger.missing(), records),
      messages: this.messages.count - before.messages,
      writes: capacity.writeUnits - before.writes,
    };
  }

  async close(): Promise<void> {
    await this.pipeline.ingester.stop();
    await this.pipeline.close();
    await this.simulator.close();
  }
}

/** Waits for a time in which events are sent. */
export function sending(ms: number): Promise<void> {
  return delay(ms);
}
