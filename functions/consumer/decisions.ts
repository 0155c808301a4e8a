/**
 * The decisions of the deduplication protocol, without I/O. The consumer and the protocol's model in the tests both
 * call these functions. CONTRIBUTING.md explains why nothing is lost or duplicated.
 */

/** Error codes of INSERT statements that can be retried. The outcome of InternalServerError is unknown. */
const TRANSIENT_CODES: ReadonlySet<string | undefined> = new Set([
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'TransactionConflict',
  'InternalServerError',
]);

/** An item that exists in the claims table: a claim or a turn. */
export interface StoredItem {
  readonly owner: string;
  /** Epoch seconds at which the claim expires or the turn's lease ends. */
  readonly endsAtSeconds: number;
}

/** What to do after the INSERT of a claim or turn. `read`: it exists. `refused`: retrying cannot help. */
export function afterInsert(error: { readonly Code?: string | undefined } | undefined) {
  if (!error) return 'granted';
  if (error.Code === 'DuplicateItem') return 'read';
  return TRANSIENT_CODES.has(error.Code) ? 'insert' : 'refused';
}

/**
 * What to do after reading an existing claim or turn. `granted`: it belongs to the stored owner, which is this attempt
 * if the response to its INSERT was lost.
 */
export function afterRead({ endsAtSeconds }: StoredItem, nowSeconds: number) {
  return endsAtSeconds > nowSeconds ? 'granted' : 'take over';
}

/**
 * The state of an event or invalid item of a message. `to publish` and `to quarantine`: still to be done. `left`:
 * cannot be finished in this attempt. `done`: finished by an earlier attempt. `duplicate`: published by another
 * message. `repeated`: published by the same owner in this batch.
 */
export type ItemState =
  | 'to publish'
  | 'to quarantine'
  | 'published'
  | 'quarantined'
  | 'duplicate'
  | 'repeated'
  | 'done'
  | 'left';

/** Decides how an attempt got a turn. */
export function decideTurn(
  grant: { readonly owner: string; readonly isNew: boolean } | undefined,
  attemptId: string,
): TurnState {
  if (grant?.owner !== attemptId) return 'none';
  return grant.isNew ? 'new' : 'taken over';
}

/** What is known about an item after its message's turn and claims were requested. */
export interface Known {
  readonly turn: TurnState;
  /** Whether the turn has a mark for the item. */
  readonly isMarked: boolean;
}

/** The initial state of an event. */
export function decideEvent(
  { turn, isMarked }: Known,
  owner: string,
  claimedBy: string | undefined,
): ItemState {
  if (turn === 'none') return 'left';
  if (isMarked) return 'done';
  if (claimedBy === undefined) return 'left';
  return claimedBy === owner ? 'to publish' : 'duplicate';
}

/** The initial state of an item that is not a valid event. */
export function decideInvalid({ turn, isMarked }: Known): ItemState {
  if (turn === 'none') return 'left';
  return isMarked ? 'done' : 'to quarantine';
}

/** How an attempt got an owner's turn. */
export type TurnState = 'new' | 'taken over' | 'none';

/** The progress of an attempt with the messages of one owner. */
export interface Progress<Item extends ItemProgress = ItemProgress> {
  readonly items: readonly Item[];
  /** The turn of this attempt: inserted, or found and taken over. `none`: another attempt has it. */
  readonly turn: TurnState;
  /** Whether the marks could not be written, and whether the last write, which also releases the turn, was made. */
  readonly recording: 'open' | 'failed' | 'closed';
}

/** The progress of an attempt with one item. */
export interface ItemProgress {
  readonly state: ItemState;
  /** Whether the turn has a mark for the item. */
  readonly isRecorded: boolean;
}

/** The next step of an attempt. `work`: publish and quarantine, concurrently. `release` also writes marks. */
export type Step = 'work' | 'record' | 'release' | 'end';

/**
 * Decides the next step. Published events are marked before refused events are quarantined. A new turn is not released
 * if there is nothing to mark, because a finished message rarely needs another turn, and never before the lease ends.
 */
export function nextStep({ items, turn, recording }: Progress): Step {
  if (turn === 'none' || recording === 'closed') return 'end';
  const isUnrecorded = items.some(mustBeRecorded);
  if (items.some(({ state }) => state === 'to publish' || state === 'to quarantine'))
    return isUnrecorded && recording === 'open' ? 'record' : 'work';
  return isUnrecorded || turn === 'taken over' || isReturned(items) ? 'release' : 'end';
}

/** Whether the next write of the turn includes a mark for the item. */
export function isMarkable({ state, isRecorded }: ItemProgress): boolean {
  return !isRecorded && (state === 'published' || state === 'quarantined' || state === 'duplicate');
}

/** Whether the message is returned to the queue. */
export function isReturned(items: readonly ItemProgress[]): boolean {
  return items.some(({ state }) => state === 'left');
}

/**
 * Whether the message must not be redelivered, because it is finished but a mark is missing. An error is then logged
 * instead of thrown, because throwing would return the whole batch.
 */
export function mustNotReturn(items: readonly ItemProgress[]): boolean {
  return !isReturned(items) && items.some(mustBeRecorded);
}

/** If the mark of a duplicate is missing, its claim is read again, which is the only cost. */
function mustBeRecorded(item: ItemProgress): boolean {
  return isMarkable(item) && item.state !== 'duplicate';
}
