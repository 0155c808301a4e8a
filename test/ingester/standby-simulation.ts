import { vi } from 'vitest';
import { deploymentGaps, type StoredCoverage } from '../../functions/backfill/deployment-gaps.ts';
import { Batcher } from '../../functions/ingester/batcher.ts';
import type { CoverageStore } from '../../functions/ingester/coverage-store.ts';
import type {
  LeadershipRecord,
  LeadershipStore,
} from '../../functions/ingester/standby/leadership-record.ts';
import { TaskRole } from '../../functions/ingester/standby/task-role.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

/** Interval of the pings whose pongs prove what was read. */
const PROBE_MS = 1_000;
/** A silent connection counts as dead after this time. */
const SILENCE_MS = 40_000;
/** Delay of the network in one direction. */
const MAX_DELAY_MS = 250;
/** How much the clocks of the tasks and of the cloud are read at different moments. */
const TOLERANCE_MS = 300;
/** A call that is never answered: its process was killed. */
const NEVER = new Promise<never>(() => {});

/** An event that happened, and which tasks' messages with it SQS has accepted. */
interface Happened {
  readonly atMs: number;
  readonly subscription: string;
  readonly acceptedFrom: string[];
}

/** Faults of the simulated AWS, from 0 to 1 per call. */
export interface Weather {
  sqsFailures: number;
  tableFailures: number;
}

/** The cloud that emits events, and the queue and the table that both tasks share. */
export class SimulatedDeployment {
  readonly random: () => number;
  readonly happened: Happened[] = [];
  readonly records = new MemoryCoverageStore();
  readonly tasks: SimulatedTask[] = [];
  readonly weather: Weather = { sqsFailures: 0, tableFailures: 0 };
  /** Topics by subscription. */
  readonly topics: ReadonlyMap<string, readonly string[]>;
  record: LeadershipRecord | undefined;

  constructor(random: () => number, subscriptions: number) {
    this.random = random;
    this.topics = new Map(
      Array.from({ length: subscriptions }, (_, n) => [
        String(n),
        [`v2.users.${n}a.presence`, `v2.users.${n}b.presence`],
      ]),
    );
  }

  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  /** A new task, whose connections become ready soon. */
  start(readyInMs?: number): SimulatedTask {
    const task = new SimulatedTask(this, `task-${this.tasks.length}`, readyInMs);
    this.tasks.push(task);
    return task;
  }

  /** An event happens. */
  emit(): void {
    const subscription = String(this.between(0, this.topics.size - 1));
    const id = this.happened.push({ atMs: Date.now(), subscription, acceptedFrom: [] }) - 1;
    for (const task of this.tasks)
      task.connections.get(subscription)?.send(() => task.read(id, subscription));
  }

  get leaders(): SimulatedTask[] {
    return this.tasks.filter(({ isRunning, role }) => isRunning && role.isLeading);
  }

  /** Whether one task leads, and each other one could take over without a gap. */
  get isSettled(): boolean {
    const running = this.tasks.filter(({ isRunning }) => isRunning);
    return (
      this.leaders.length === 1 && running.every(({ role }) => role.isLeading || role.state.isLiveStandby)
    );
  }

  /** The gaps that a user sees. */
  get reported() {
    const store = this.records;
    const gaps = store.written.flatMap((one) => (one.kind === 'gap' ? [{ ...one.gap, task: one.task }] : []));
    const topics = new Map(
      [...gaps, ...store.spans].map(({ topicsId }) => [topicsId, store.topicsOf({ topicsId }) ?? []]),
    );
    const stored: StoredCoverage = { gaps, spans: store.spans, proofs: [], topics };
    return deploymentGaps(stored, Date.now());
  }

  /** Events that are not in the queue. */
  get missing(): Happened[] {
    return this.happened.filter(({ acceptedFrom }) => acceptedFrom.length === 0);
  }

  /** Missing events that no reported gap explains. */
  get unexplained(): Happened[] {
    const { reported } = this;
    return this.missing.filter(({ atMs, subscription }) => {
      const topics = this.topics.get(subscription) ?? [];
      return !reported.some(
        (gap) =>
          atMs >= gap.fromMs - TOLERANCE_MS &&
          atMs <= gap.toMs + TOLERANCE_MS &&
          topics.every((topic) => gap.topics.includes(topic)),
      );
    });
  }

  /** Messages with an event that is in the queue already. */
  get copies(): number {
    return this.happened.reduce((sum, { acceptedFrom }) => sum + Math.max(0, acceptedFrom.length - 1), 0);
  }
}

/** A connection: what the server sends arrives later, in order, until it is lost or silent. */
class SimulatedConnection {
  readUntilMs = Date.now();
  isSilent = false;
  isOpen = true;
  private arrivesAtMs = 0;
  private readonly prober: NodeJS.Timeout;
  private readonly deployment: SimulatedDeployment;

  constructor(deployment: SimulatedDeployment) {
    this.deployment = deployment;
    this.prober = setInterval(() => {
      const sentAtMs = Date.now();
      const up = deployment.between(1, MAX_DELAY_MS);
      setTimeout(
        () =>
          this.send(() => {
            this.readUntilMs = sentAtMs;
          }),
        up,
      );
    }, PROBE_MS);
  }

  send(arrives: () => void): void {
    if (this.isSilent || !this.isOpen) return;
    const atMs = Date.now() + this.deployment.between(1, MAX_DELAY_MS);
    this.arrivesAtMs = Math.max(this.arrivesAtMs, atMs);
    setTimeout(() => {
      if (this.isOpen && !this.isSilent) arrives();
    }, this.arrivesAtMs - Date.now());
  }

  end(): void {
    this.isOpen = false;
    clearInterval(this.prober);
  }
}

/** One task: its real role, batcher and coverage between simulated connections and a simulated AWS. */
export class SimulatedTask {
  readonly name: string;
  readonly log = new TestLog();
  readonly role: TaskRole;
  readonly connections = new Map<string, SimulatedConnection>();
  /** Whether its calls reach the state table. */
  canReachTable = true;
  isRunning = true;
  isStopping = false;
  /** Times at which it began to lead. */
  readonly ledAtMs: number[] = [];
  private readonly deployment: SimulatedDeployment;
  private readonly coverage: TaskCoverage;
  private readonly batcher: Batcher;

  constructor(deployment: SimulatedDeployment, name: string, readyInMs?: number) {
    this.deployment = deployment;
    this.name = name;
    const { log } = this;
    this.coverage = new TaskCoverage({
      log,
      sources: {
        readUntilMs: (subscription) => this.connections.get(subscription)?.readUntilMs,
        servedTopics: (subscription) =>
          this.connections.has(subscription) ? deployment.topics.get(subscription) : undefined,
        oldestUnsentMs: () => this.batcher.oldestUnsentMs,
      },
    });
    this.batcher = new Batcher(
      (entries) => this.send(entries),
      {
        onPause: () => {},
        onResume: () => {},
        onAccepted: () => {},
        onRefused: () => undefined,
        onGiveUp: () => {},
      },
      log,
    );
    this.role = new TaskRole({
      task: name,
      batcher: this.batcher,
      coverage: this.coverage,
      coverageStore: this.coverageStore(),
      leadershipStore: this.leadershipStore(),
      isLive: () => this.coverage.isComplete(deployment.topics.keys()),
      onChange: (isLeading) => {
        if (isLeading) this.ledAtMs.push(Date.now());
      },
      log,
    });
    this.role.start();
    for (const [subscription, topics] of deployment.topics) {
      this.coverage.watch(subscription, topics);
      this.connectLater(subscription, readyInMs);
    }
  }

  /** An event has arrived. */
  read(id: number, subscription: string): void {
    const json = JSON.stringify({ id });
    this.role.queue.add({ json, bytes: json.length }, Date.now(), subscription);
  }

  /** The connection becomes half-open: nothing arrives, and nothing is answered. */
  silence(subscription: string): void {
    const connection = this.connections.get(subscription);
    if (!connection || connection.isSilent) return;
    connection.isSilent = true;
    setTimeout(() => this.lose(subscription, connection), SILENCE_MS);
  }

  /** The connection is lost. */
  lose(subscription: string, connection = this.connections.get(subscription), backInMs?: number): void {
    if (!connection?.isOpen || this.isStopping || !this.isRunning) return;
    connection.end();
    this.connections.delete(subscription);
    this.coverage.onUncovered(subscription, connection.readUntilMs, '1006');
    this.connectLater(subscription, backInMs);
  }

  /** SIGTERM, as the ingester handles it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.coverage.stopping();
    this.role.stopping();
    await new Promise((resolve) => setTimeout(resolve, this.deployment.between(10, 1_000)));
    for (const [subscription, connection] of this.connections) {
      connection.end();
      if (connection.isSilent)
        this.coverage.add({
          subscription,
          fromMs: connection.readUntilMs,
          toMs: Date.now(),
          reason: 'no reply to the close frame',
        });
    }
    this.connections.clear();
    await this.batcher.drain();
    await this.coverage.close();
    await this.role.release();
    this.end();
  }

  /** SIGKILL. */
  kill(): void {
    for (const connection of this.connections.values()) connection.end();
    this.connections.clear();
    this.end();
  }

  private end(): void {
    this.isRunning = false;
    this.coverage.abandon();
    void this.role.stop();
  }

  private connectLater(subscription: string, inMs = this.deployment.between(100, 3_000)): void {
    setTimeout(() => {
      if (!this.isRunning || this.isStopping) return;
      this.connections.set(subscription, new SimulatedConnection(this.deployment));
      this.coverage.onCovered(subscription, Date.now());
    }, inMs);
  }

  /** A call takes a while and can fail before or after it has had its effect. */
  private async call<T>(failures: number, act: () => T | Promise<T>): Promise<T> {
    const { deployment } = this;
    const wait = () => new Promise((resolve) => setTimeout(resolve, deployment.between(1, 100)));
    await wait();
    if (!this.isRunning) return NEVER;
    if (deployment.random() < failures) throw new Error('no answer');
    const result = await act();
    await wait();
    if (!this.isRunning) return NEVER;
    if (deployment.random() < failures) throw new Error('the answer was lost');
    return result;
  }

  private send(entries: { Id?: string | undefined; MessageBody?: string | undefined }[]) {
    return this.call(this.deployment.weather.sqsFailures, () => {
      for (const { MessageBody = '' } of entries) {
        const { events } = JSON.parse(MessageBody) as { events: { id: number }[] };
        for (const { id } of events) this.deployment.happened[id]?.acceptedFrom.push(this.name);
      }
      return { $metadata: {}, Successful: entries.map(({ Id }) => ({ Id })) as never[], Failed: [] };
    });
  }

  private table<T>(act: () => T | Promise<T>): Promise<T> {
    return this.call(this.canReachTable ? this.deployment.weather.tableFailures : 1, act);
  }

  private leadershipStore(): LeadershipStore {
    const { deployment } = this;
    return {
      read: () => this.table(() => deployment.record),
      take: (record, replaced) =>
        this.table(() => {
          const { leader, counter } = deployment.record ?? {};
          if (leader !== replaced?.leader || counter !== replaced?.counter) return false;
          deployment.record = record;
          return true;
        }),
      move: (record) =>
        this.table(() => {
          if (deployment.record?.leader !== record.leader) return false;
          deployment.record = record;
          return true;
        }),
    };
  }

  private coverageStore(): CoverageStore {
    const { records } = this.deployment;
    return {
      putTopics: (...of) => this.table(() => records.putTopics(...of)),
      putGap: (...of) => this.table(() => records.putGap(...of)),
      putProof: (...of) => this.table(() => records.putProof(...of)),
      putSpan: (...of) => this.table(() => records.putSpan(...of)),
      deleteProof: (...of) => this.table(() => records.deleteProof(...of)),
      proofs: () => this.table(() => records.proofs()),
    };
  }
}

/** Events happen every few moments while time passes. */
export async function passWithEvents(deployment: SimulatedDeployment, ms: number): Promise<void> {
  const endMs = Date.now() + ms;
  while (Date.now() < endMs) {
    deployment.emit();
    await vi.advanceTimersByTimeAsync(Math.min(endMs - Date.now(), deployment.between(20, 400)));
  }
}
