import type { Log } from '../../../lib/aws/logger.ts';
import {
  BEAT_INTERVAL_MS,
  type GapRequest,
  type LeadershipRecord,
  type LeadershipStore,
  READ_INTERVAL_MS,
  TAKE_OVER_AFTER_MS,
} from './leadership-record.ts';

/** A task that cannot continue where the last leader ended leaves the leadership to others for this long. */
export const PATIENCE_MS = 1_000;

/** The task that leads or follows. */
export interface LeadershipOwner {
  /** Whether this task has everything that the last leader may not have sent. */
  canContinue(last: LeadershipRecord | undefined): boolean;
  /** See {@link LeadershipRecord.acceptedUntilMs}. Undefined while it is not known. */
  readonly acceptedUntilMs: number | undefined;
  /** The gaps of this task's connections. */
  readonly requests: readonly GapRequest[];
  /**
   * Lead from now on.
   *
   * @param term - id of the term
   * @param before - the record of the task that led before, or the last one that was read
   */
  lead(term: string, before: LeadershipRecord | undefined): void;
  /** Another task leads from now on. */
  follow(): void;
  /** The leader's record has been read. */
  serve(record: LeadershipRecord): void;
  /** Called regularly in either role. */
  onStep(): void;
}

/** The record as a step of a standby read it. */
interface Sight {
  /** Undefined when no task has ever led. */
  readonly record: LeadershipRecord | undefined;
  readonly hasMoved: boolean;
}

/**
 * Decides whether this task leads. Every decision errs on the side of two leaders, because those cost copies, and no
 * leader costs events: a task that cannot read the record leads after the same time as if the record did not change, and
 * a leader that cannot write it continues. It stops leading only when it reads that another task does.
 */
export class Leadership {
  private readonly task: string;
  private readonly store: LeadershipStore;
  private readonly owner: LeadershipOwner;
  private readonly log: Log;
  private leads = false;
  private changedAtMs: number | undefined;
  /** Times that this task became the leader. */
  takeovers = 0;
  private terms = 1;
  /** Whether the record names this term. */
  private isConfirmed = false;
  /** Whether `acceptedUntilMs` of the record is this term's own. */
  private hasOwnTime = false;
  private seen: LeadershipRecord | undefined;
  private hasRead = false;
  private isEnding = false;
  /** Requests of the last term, until `acceptedUntilMs` is this term's own. */
  private inherited: readonly GapRequest[] = [];
  /** Monotonic times in milliseconds: of the last movement that was seen, of the last beat, since a takeover is due. */
  private movedTick = performance.now();
  private beatTick = Number.NEGATIVE_INFINITY;
  private dueTick: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(options: {
    /** Id of this task, with which the ids of its terms begin. */
    task: string;
    store: LeadershipStore;
    owner: LeadershipOwner;
    log: Log;
  }) {
    this.task = options.task;
    this.store = options.store;
    this.owner = options.owner;
    this.log = options.log;
  }

  /** Id of this task's term, or of its next one. */
  private get term(): string {
    return `${this.task}.${this.terms}`;
  }

  get isLeading(): boolean {
    return this.leads;
  }

  /** The record that was read or written last. */
  get lastRecord(): LeadershipRecord | undefined {
    return this.seen;
  }

  /** Epoch milliseconds of the last change of the role; undefined before the first one. */
  get lastChangeMs(): number | undefined {
    return this.changedAtMs;
  }

  start(): void {
    this.movedTick = performance.now();
    this.timer = setInterval(() => this.run(), READ_INTERVAL_MS);
    this.run();
  }

  /** The leader's requests have changed. */
  hurry(): void {
    this.beatTick = Number.NEGATIVE_INFINITY;
    if (this.timer) this.run();
  }

  /** The process stops: it leads until it is released or replaced, and never again. */
  end(): void {
    this.isEnding = true;
  }

  /** Take no other step. A step that has begun ends before this settles. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.running;
  }

  /** Let another task lead at once. Returns whether the record says so. */
  async release(): Promise<boolean> {
    await this.stop();
    if (!this.leads || !this.isConfirmed) return false;
    try {
      return await this.store.move(this.nextRecord(true));
    } catch (error) {
      this.log.warn('the leadership could not be released; another task takes over later', { error });
      return false;
    }
  }

  private run(): void {
    this.running ??= this.step()
      .catch((error: unknown) => this.log.warn('the leadership record is not available', { error }))
      .finally(() => {
        this.running = undefined;
      });
  }

  private async step(): Promise<void> {
    this.owner.onStep();
    if (this.isEnding && !this.leads) return;
    if (this.leads && this.isConfirmed) return this.beat();
    const sight = await this.look();
    if (sight?.record?.leader === this.term) return this.confirm(sight.record);
    if (this.leads && sight?.hasMoved) return this.follow();
    if (this.isDue(sight)) return this.takeOver(sight);
    if (!this.leads && sight?.record) this.owner.serve(sight.record);
  }

  private async beat(): Promise<void> {
    // Until the record has its own time, a takeover depends on a standby that was live before this term.
    const intervalMs = this.hasOwnTime ? BEAT_INTERVAL_MS : READ_INTERVAL_MS;
    if (performance.now() - this.beatTick < intervalMs - READ_INTERVAL_MS / 2) return;
    this.beatTick = performance.now();
    const record = this.nextRecord(false);
    this.seen = record;
    if (!(await this.store.move(record))) this.follow();
  }

  private nextRecord(isReleased: boolean): LeadershipRecord {
    const { acceptedUntilMs, requests } = this.owner;
    if (acceptedUntilMs !== undefined) {
      this.inherited = [];
      this.hasOwnTime = true;
    }
    return {
      leader: this.term,
      predecessor: this.seen?.predecessor,
      counter: (this.seen?.counter ?? 0) + 1,
      movedAtMs: Date.now(),
      acceptedUntilMs: acceptedUntilMs ?? this.seen?.acceptedUntilMs,
      isReleased,
      requests: [...this.inherited, ...requests],
    };
  }

  /** Read the record. Returns undefined if it could not be read. */
  private async look(): Promise<Sight | undefined> {
    let record: LeadershipRecord | undefined;
    try {
      record = await this.store.read();
    } catch (error) {
      this.log.warn('the leadership record could not be read', { error });
      return undefined;
    }
    const isFirst = !this.hasRead;
    this.hasRead = true;
    const hasMoved =
      record !== undefined &&
      // At the first sight only the clock of the writer says how old the record is.
      (isFirst
        ? Date.now() - record.movedAtMs < TAKE_OVER_AFTER_MS
        : record.counter !== this.seen?.counter || record.leader !== this.seen.leader);
    this.seen = record;
    if (hasMoved) this.movedTick = performance.now();
    else if (isFirst) this.movedTick = Number.NEGATIVE_INFINITY;
    return { record, hasMoved };
  }

  private isDue(sight: Sight | undefined): boolean {
    const nowTick = performance.now();
    const isFree = sight !== undefined && (!sight.record || sight.record.isReleased);
    if (!isFree && nowTick - this.movedTick < TAKE_OVER_AFTER_MS) {
      this.dueTick = undefined;
      return false;
    }
    this.dueTick ??= nowTick;
    return this.leads || this.owner.canContinue(this.seen) || nowTick - this.dueTick >= PATIENCE_MS;
  }

  private async takeOver(sight: Sight | undefined): Promise<void> {
    if (!sight) {
      if (this.leads) return;
      this.log.warn('the leadership record cannot be read; this task leads without it');
      return this.lead();
    }
    const { record } = sight;
    const own: LeadershipRecord = {
      leader: this.term,
      predecessor: record?.leader,
      counter: (record?.counter ?? 0) + 1,
      movedAtMs: Date.now(),
      acceptedUntilMs: record?.acceptedUntilMs,
      isReleased: false,
      requests: record?.requests ?? [],
    };
    if (await this.store.take(own, record)) this.confirm(own);
  }

  /** The record names this term. It still has the requests of the task that led before. */
  private confirm(record: LeadershipRecord): void {
    this.seen = record;
    this.inherited = record.requests;
    this.hasOwnTime = false;
    this.isConfirmed = true;
    if (!this.leads) this.lead();
  }

  private lead(): void {
    this.leads = true;
    this.takeovers++;
    this.changedAtMs = Date.now();
    this.dueTick = undefined;
    this.beatTick = Number.NEGATIVE_INFINITY;
    this.log.info('this task leads', { term: this.term, acceptedUntilMs: this.seen?.acceptedUntilMs });
    this.owner.lead(this.term, this.seen);
  }

  private follow(): void {
    this.leads = false;
    this.isConfirmed = false;
    this.changedAtMs = Date.now();
    this.movedTick = performance.now();
    this.terms++;
    this.log.warn('another task leads; this one is the standby');
    this.owner.follow();
  }
}
