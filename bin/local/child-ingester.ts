import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChildMetrics, readChildMetrics } from './child-metrics.ts';
import { type RunningIngester, sumOfTotals, type TotalsByProtocol } from './running-ingester.ts';

/** The source; in the package, which has the same folders, the bundle. */
const MAIN = resolve(import.meta.dirname, `../../functions/ingester/main${extname(import.meta.filename)}`);
const METRICS_INTERVAL_MS = 200;
/** The ingester itself stops within 25 s. */
const STOP_TIMEOUT_MS = 30_000;
const NO_METRICS: ChildMetrics = {
  totals: {},
  connections: 0,
  isCovered: false,
  isLeading: false,
  isLiveStandby: false,
  roleChangedAtMs: 0,
};

export interface ChildIngesterOptions {
  /** Environment of the process. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called for each line of its log. */
  readonly onLog?: (line: string) => void;
  /** Called after it has been killed and has ended, before it starts again. */
  readonly onKilled: () => void;
}

/** The ingester's `main.ts` as a child process, which can be killed and restarted. */
export class ChildIngester implements RunningIngester {
  /** Number of times the process was killed. */
  kills = 0;
  readonly failed: Promise<never>;
  private readonly options: ChildIngesterOptions;
  private readonly failure = Promise.withResolvers<never>();
  private child: ChildProcess | undefined;
  private port: number | undefined;
  private metrics = NO_METRICS;
  /** Sums over the processes that have ended. */
  private earlier: TotalsByProtocol = {};
  private poll: NodeJS.Timeout | undefined;
  private isStopping = false;
  /** A child must not outlive this process. */
  private readonly endChild = () => this.child?.kill('SIGKILL');

  constructor(options: ChildIngesterOptions) {
    this.options = options;
    this.failed = this.failure.promise;
    this.failed.catch(() => undefined);
  }

  get healthPort(): number | undefined {
    return this.port;
  }

  get isCovered(): boolean {
    return this.metrics.isCovered;
  }

  /** Whether it sends what it reads. */
  get isLeading(): boolean {
    return this.metrics.isLeading;
  }

  /** Whether it is a standby that could take over without a gap. */
  get isLiveStandby(): boolean {
    return this.metrics.isLiveStandby;
  }

  /** Epoch milliseconds of the last change of its role; 0 before the first one. */
  get roleChangedAtMs(): number {
    return this.metrics.roleChangedAtMs;
  }

  get connections(): number {
    return this.metrics.connections;
  }

  /** Counts of all processes so far, without those of a killed process since its last reading. */
  get totals(): TotalsByProtocol {
    const { earlier, metrics } = this;
    const names = Object.keys({ ...earlier, ...metrics.totals });
    const sum = (name: string) => {
      const [before, now] = [earlier[name], metrics.totals[name]];
      return sumOfTotals({ ...(before && { before }), ...(now && { now }) });
    };
    return Object.fromEntries(names.map((name) => [name, sum(name)]));
  }

  async start(): Promise<void> {
    process.once('exit', this.endChild);
    this.spawn();
    this.poll = setInterval(() => void this.readMetrics(), METRICS_INTERVAL_MS);
  }

  /** Ends the process with SIGKILL and starts it again. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || this.isStopping) return;
    this.kills += 1;
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    this.options.onKilled();
    if (!this.isStopping) this.spawn();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.poll);
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await this.readMetrics();
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await ended;
    }
    process.off('exit', this.endChild);
  }

  private spawn(): void {
    this.earlier = this.totals;
    this.metrics = NO_METRICS;
    this.port = undefined;
    const child = spawn(process.execPath, [MAIN], {
      env: { ...this.options.environment, LOG_LEVEL: 'INFO', POWERTOOLS_METRICS_DISABLED: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) this.follow(stream);
    child.once('close', (code, signal) => {
      if (this.isStopping || signal === 'SIGKILL' || child !== this.child) return;
      this.failure.reject(new Error(`The ingester process ended with code ${code}.`));
    });
  }

  private follow(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      const port = /"health":"http:\/\/[^"]*:(\d+)\/healthz"/.exec(line)?.[1];
      if (port !== undefined) this.port = Number(port);
      this.options.onLog?.(line);
    });
  }

  private async readMetrics(): Promise<void> {
    const { child, port } = this;
    if (port === undefined) return;
    const metrics = await readChildMetrics(port);
    if (metrics !== undefined && child === this.child) this.metrics = metrics;
  }
}
