import type { Log } from '../../../lib/aws/logger.ts';
import type { Batcher } from '../batcher.ts';
import type { CoverageProof, CoverageStore } from '../coverage-store.ts';
import { CoverageWriter } from '../coverage-writer.ts';
import type { OwnGap } from '../own-gaps.ts';
import type { TaskCoverage } from '../task-coverage.ts';
import { Bridging } from './bridging.ts';
import { Leadership, type LeadershipOwner } from './leadership.ts';
import {
  type GapRequest,
  type LeadershipRecord,
  type LeadershipStore,
  MAX_REQUESTS,
  SLACK_MS,
} from './leadership-record.ts';
import { RoleQueue } from './role-queue.ts';

/** Proofs that wait until SQS has accepted the items that were read; one per second. The batcher gives up after five minutes. */
const MAX_PROOFS = 600;

/** Dependencies of a role. */
export interface TaskRoleOptions {
  /** Id of this task, which no other process has. */
  readonly task: string;
  readonly batcher: Pick<Batcher, 'add' | 'addLater' | 'lastPosition' | 'acceptedPosition' | 'drain'>;
  readonly coverage: TaskCoverage;
  /** Without it, gaps are only logged. */
  readonly coverageStore?: CoverageStore | undefined;
  /** Without it, this task is the only one, and leads. */
  readonly leadershipStore?: LeadershipStore | undefined;
  /** Whether every subscription has a live connection. */
  readonly isLive: () => boolean;
  /** This task leads from now on, or no longer. */
  readonly onChange: (isLeading: boolean) => void;
  readonly log: Log;
}

/** The role, as the health endpoint and the metrics report it. */
export interface RoleState {
  readonly role: 'leader' | 'standby';
  /** Epoch milliseconds; undefined before the first change. */
  readonly lastChangeMs: number | undefined;
  /** It follows, and has everything that the leader may not have sent: it could take over now without a gap. */
  readonly isLiveStandby: boolean;
  /** Bytes that a standby keeps. */
  readonly keptBytes: number;
  /** Seconds of other tasks' gaps that this one filled. */
  readonly bridgedSeconds: number;
  /** Times that this task became the leader. Without a standby, it is not counted. */
  readonly takeovers: number;
}

/**
 * The role of this task. The leader sends what it reads. A standby keeps what it read recently, sends it when it takes
 * over, and fills the gaps of the leader with it.
 */
export class TaskRole implements LeadershipOwner {
  /** Takes the items of this task. */
  readonly queue: RoleQueue;
  private readonly options: TaskRoleOptions;
  private readonly leadership: Leadership | undefined;
  private readonly bridging: Bridging | undefined;
  private readonly writer: CoverageWriter;
  /** Epoch milliseconds up to which everything had been read when an item was the last one. */
  private proofs: readonly { readonly position: number; readonly readUntilMs: number }[] = [];

  constructor(options: TaskRoleOptions) {
    const { task, batcher, coverage, coverageStore, leadershipStore, log } = options;
    this.options = options;
    this.queue = new RoleQueue(batcher);
    this.writer = new CoverageWriter(log);
    if (leadershipStore && coverageStore) {
      const { writer, queue } = this;
      this.leadership = new Leadership({ task, store: leadershipStore, owner: this, log });
      this.bridging = new Bridging({ queue, coverage, store: coverageStore, writer });
      coverage.onGap = () => this.leadership?.hurry();
    } else {
      coverage.lead({ task, store: coverageStore });
      this.queue.lead();
    }
  }

  get isLeading(): boolean {
    return this.leadership?.isLeading ?? true;
  }

  canContinue(last: LeadershipRecord | undefined): boolean {
    const { isLive, coverage } = this.options;
    if (!last) return isLive();
    // The last leader may have sent nothing of what it read.
    const sinceMs = last.acceptedUntilMs ?? Number.NEGATIVE_INFINITY;
    return isLive() && Math.max(this.queue.recent.sinceMs, coverage.liveSinceMs) <= sinceMs;
  }

  /**
   * Everything sent before a time is accepted once all items that had been read when the time was proven are accepted.
   * The times of receipt do not show that: a frame can have waited for a task that was busy.
   */
  get acceptedUntilMs(): number | undefined {
    const { coverage } = this.options;
    this.noteProof();
    const { acceptedPosition } = this.queue;
    const last = this.proofs.findLastIndex(({ position }) => position <= acceptedPosition);
    this.proofs = this.proofs.slice(Math.max(0, last));
    const [proof] = this.proofs;
    if (!proof || last === -1 || !coverage.isRecorded) return undefined;
    const open = coverage.gaps.filter(({ toMs }) => toMs === undefined);
    return Math.min(proof.readUntilMs, ...open.slice(MAX_REQUESTS).map(({ fromMs }) => fromMs));
  }

  get requests(): readonly GapRequest[] {
    const { gaps } = this.options.coverage;
    const open = gaps.filter(({ toMs }) => toMs === undefined).slice(0, MAX_REQUESTS);
    const ended = gaps.filter(({ toMs }) => toMs !== undefined);
    return [...ended.toReversed().slice(0, MAX_REQUESTS - open.length), ...open].map(toRequest);
  }

  get state(): RoleState {
    const record = this.leadership?.lastRecord;
    return {
      role: this.isLeading ? 'leader' : 'standby',
      lastChangeMs: this.leadership?.lastChangeMs,
      isLiveStandby: !this.isLeading && record !== undefined && this.canContinue(record),
      keptBytes: this.queue.recent.bytes,
      bridgedSeconds: this.bridging?.bridgedSeconds ?? 0,
      takeovers: this.leadership?.takeovers ?? 0,
    };
  }

  start(): void {
    this.leadership?.start();
  }

  /** The process stops. A standby no longer takes over; a leader leads until everything is sent. */
  stopping(): void {
    this.leadership?.end();
  }

  /** Stop deciding and serving. */
  async stop(): Promise<void> {
    this.writer.stop();
    await this.leadership?.stop();
  }

  /** Everything is sent: let another task lead, which sends what it received after that. */
  async release(): Promise<void> {
    this.bridging?.record(true);
    await this.writer.drain();
    await this.leadership?.release();
  }

  lead(term: string, before: LeadershipRecord | undefined): void {
    const { coverage, coverageStore, onChange } = this.options;
    const { queue } = this;
    const keptSinceMs = queue.recent.sinceMs;
    const acceptedMs = before?.acceptedUntilMs;
    const sinceMs = (acceptedMs ?? Number.NEGATIVE_INFINITY) - SLACK_MS;
    this.bridging?.finish(before?.requests ?? []);
    queue.send(({ receivedAtMs }) => receivedAtMs >= sinceMs);
    queue.lead();
    this.proofs = [];
    coverage.lead({
      task: term,
      store: coverageStore,
      known: (proof) => completed(proof, before),
      continuesAtMs: acceptedMs,
      fromMs: Math.max(sinceMs, keptSinceMs),
    });
    onChange(true);
  }

  follow(): void {
    const { coverage, batcher, onChange } = this.options;
    this.queue.follow();
    coverage.follow(batcher.drain());
    onChange(false);
  }

  onStep(): void {
    this.bridging?.record();
    if (this.isLeading) this.noteProof();
  }

  serve({ requests }: LeadershipRecord): void {
    this.bridging?.serve(requests);
  }

  private noteProof(): void {
    const { readUntilMs } = this.options.coverage;
    this.proofs = [...this.proofs, { position: this.queue.lastPosition, readUntilMs }].slice(-MAX_PROOFS);
  }
}

function toRequest({ subscription, topicsId, fromMs, toMs }: OwnGap): GapRequest {
  return { subscription, topicsId, fromMs, toMs: toMs ?? Date.now(), isOpen: toMs === undefined };
}

/** The last term has ended. The coverage it proved with its last beat is later than its last proof. */
function completed(proof: CoverageProof, before: LeadershipRecord | undefined): CoverageProof {
  if (proof.isFinal || !before) return proof;
  const { acceptedUntilMs = proof.coveredUntilMs, leader, predecessor, requests } = before;
  if (proof.task !== leader && proof.task !== predecessor) return proof;
  const open = requests.filter((one) => one.isOpen && one.subscription === proof.subscription);
  const untilMs = Math.min(acceptedUntilMs, ...open.map(({ fromMs }) => fromMs));
  return { ...proof, coveredUntilMs: Math.max(proof.coveredUntilMs, untilMs), isFinal: true };
}
