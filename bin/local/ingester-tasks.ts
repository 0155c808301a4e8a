import { setTimeout as delay } from 'node:timers/promises';
import type { ChildIngester } from './child-ingester.ts';
import { type RunningIngester, sumOfTotals, type TotalsByProtocol } from './running-ingester.ts';

const POLL_MS = 20;
/** Time limit for another task to take over and a new one to connect. */
const ROLES_TIMEOUT_MS = 60_000;

/** Several tasks, each a process with its own connections: one leads, the others are standbys. */
export class IngesterTasks implements RunningIngester {
  readonly failed: Promise<never>;
  /** Kills the leader. Undefined if this fault is not chosen. */
  readonly kill: (() => Promise<void>) | undefined;
  private readonly failure = Promise.withResolvers<never>();
  private readonly create: () => ChildIngester;
  private tasks: readonly ChildIngester[];
  private readonly ended: ChildIngester[] = [];

  /** @param create - creates a task other than the first */
  constructor(options: {
    first: ChildIngester;
    create: () => ChildIngester;
    count: number;
    isKilled: boolean;
  }) {
    const { first, create, count, isKilled } = options;
    this.create = create;
    this.kill = isKilled ? () => this.killLeader() : undefined;
    this.failed = this.failure.promise;
    this.failed.catch(() => undefined);
    this.tasks = [first, ...Array.from({ length: count - 1 }, create)];
    for (const task of this.tasks) this.watch(task);
  }

  get healthPort(): number | undefined {
    return this.tasks[0]?.healthPort;
  }

  /** Whether one task leads and all are live. */
  get isCovered(): boolean {
    return this.leader !== undefined && this.tasks.every(({ isCovered }) => isCovered);
  }

  get connections(): number {
    return this.tasks.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Sums over the tasks, each of which reads every event. */
  get totals(): TotalsByProtocol {
    const all = [...this.ended, ...this.tasks].map(({ totals }) => totals);
    const names = new Set(all.flatMap((totals) => Object.keys(totals)));
    return Object.fromEntries(
      [...names].map((name) => [
        name,
        sumOfTotals(Object.fromEntries(all.flatMap((one, n) => (one[name] ? [[n, one[name]]] : [])))),
      ]),
    );
  }

  get kills(): number | undefined {
    if (!this.kill) return undefined;
    return this.tasks.reduce((sum, { kills }) => sum + kills, 0);
  }

  /** The task that leads; undefined while none or several do. */
  get leader(): ChildIngester | undefined {
    const leaders = this.tasks.filter(({ isLeading }) => isLeading);
    return leaders.length === 1 ? leaders[0] : undefined;
  }

  async start(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.start()));
  }

  /** Ends the leader with SIGKILL once a standby is live, and starts it again. */
  async killLeader(): Promise<void> {
    await this.settled();
    await this.leader?.kill();
  }

  /** A rolling upgrade of the leader: start a new task, and when it is live tell the leader to stop. */
  async upgrade(): Promise<void> {
    await this.settled();
    const { leader } = this;
    const next = this.create();
    this.watch(next);
    this.tasks = [...this.tasks, next];
    await next.start();
    await this.settled();
    await leader?.stop();
    this.tasks = this.tasks.filter((task) => task !== leader);
    if (leader) this.ended.push(leader);
    await this.settled();
  }

  /** The standbys first, so that none of them takes over. */
  async stop(): Promise<void> {
    const { leader } = this;
    await Promise.all(this.tasks.map((task) => (task === leader ? undefined : task.stop())));
    await leader?.stop();
  }

  /** Resolves when one task leads, all are live, and each other one could take over without a gap. */
  async settled(): Promise<void> {
    const deadlineMs = Date.now() + ROLES_TIMEOUT_MS;
    while (!this.isSettled) {
      if (Date.now() > deadlineMs) throw new Error('no task leads, or not every other one could take over');
      await delay(POLL_MS);
    }
  }

  private get isSettled(): boolean {
    const { leader } = this;
    return this.isCovered && this.tasks.every((task) => task === leader || task.isLiveStandby);
  }

  private watch({ failed }: ChildIngester): void {
    failed.catch((error: unknown) => this.failure.reject(error));
  }
}
