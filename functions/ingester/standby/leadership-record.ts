/** Interval at which the leader updates its record. */
export const BEAT_INTERVAL_MS = 2_000;
/** Interval at which a standby reads the record. */
export const READ_INTERVAL_MS = 1_000;
/**
 * A standby takes over when the record has not changed for this long, measured with its own monotonic clock. Half a read
 * interval less than 9 s, so that the ninth read decides although timers are not exact: another task leads 12 s after
 * the last beat at the latest.
 */
export const TAKE_OVER_AFTER_MS = 8_500;
/**
 * Time before `acceptedUntilMs` whose items the next leader sends again: the clocks of two tasks differ, and the server does not
 * write an event to two connections at the same moment.
 */
export const SLACK_MS = 2_000;
/** Requests in a record. With more gaps at once, the oldest that have ended are not bridged. */
export const MAX_REQUESTS = 50;

/** A gap of the leader's connections, which a standby may have read. Times are epoch milliseconds. */
export interface GapRequest {
  /** The leader's name for the subscription. */
  readonly subscription: string;
  /** Identifies the list of topics that the leader's connection served. */
  readonly topicsId: string;
  readonly fromMs: number;
  /** The end of the gap; if it is open, the time at which it was known to be open. */
  readonly toMs: number;
  readonly isOpen: boolean;
}

/** Which task leads: sends what it reads to SQS. There is one record per subscription set. */
export interface LeadershipRecord {
  /** Id of a term: the time in which one task leads. */
  readonly leader: string;
  /** The previous term. */
  readonly predecessor?: string | undefined;
  /** Changes with every write. */
  readonly counter: number;
  /** Epoch milliseconds of the last write, by the clock of its writer. */
  readonly movedAtMs: number;
  /**
   * Epoch milliseconds: what was received until then is in SQS or in a gap record, except for the gaps in `requests`.
   * Undefined until that is known for the first time.
   */
  readonly acceptedUntilMs?: number | undefined;
  /** The leader has stopped: any task may lead. */
  readonly isReleased: boolean;
  readonly requests: readonly GapRequest[];
}

/** Where the record is stored. A call without a response fails. */
export interface LeadershipStore {
  /** Strongly consistent; undefined when no task has ever led. */
  read(): Promise<LeadershipRecord | undefined>;
  /** Write a record in place of the one that was read. Returns false if that has changed. */
  take(record: LeadershipRecord, replaced: LeadershipRecord | undefined): Promise<boolean>;
  /** Write a record of the same term. Returns false if another task leads. */
  move(record: LeadershipRecord): Promise<boolean>;
}
