/** Minimum number of states remembered per connection. A state takes about 400 bytes. */
export const MIN_STATES = 25_000;
/** Maximum difference between the clocks of the platform and of this task. */
export const MAX_CLOCK_DIFFERENCE_MS = 2_000;
/** Maximum number of states remembered per key. */
export const MAX_STATES_PER_KEY = 100;

/** The states of one key: the last one, and all of them once there is more than one. */
interface KeyStates {
  last: string;
  all?: Set<string>;
  /** An earlier connection delivered the last state, and this one may have missed others since. */
  isInherited: boolean;
}

/**
 * The states that a connection has delivered per key. The key of an event names an occurrence, but the body can change
 * while the key stays the same (a presence message without a new `modifiedDate`), and can change back. One connection
 * never delivers a copy, so a state that it delivers again after another state of the same key has recurred (P8). A new
 * connection starts with the states of the previous one, and may have missed states in between.
 *
 * A state that began before the connection was opened may already have been read by another task in any form, so each
 * of its states counts as a recurrence.
 *
 * Between `limit` and twice `limit` states are remembered. The keys without an event for the longest time are forgotten
 * first, because a state that recurs after its key was forgotten is mistaken for a copy. Once a key has too many
 * states, every further change counts as a recurrence: a copy is better than a loss.
 */
export class KeyHistory {
  private readonly limit: number;
  /** Epoch milliseconds: this connection was not open before. */
  private readonly openedAtMs = Date.now();
  private current = new Map<string, KeyStates>();
  /** Shared with later connections, so it must not be modified. */
  private previous: ReadonlyMap<string, Readonly<KeyStates>> = new Map();
  private isPreviousInherited = false;
  /** States in `current`. */
  private size = 0;

  constructor(limit = MIN_STATES) {
    this.limit = limit;
  }

  /** The history for a connection that starts now. */
  inherit(): KeyHistory {
    const heir = new KeyHistory(this.limit);
    for (const [key, states] of this.current) heir.current.set(key, inherited(states));
    heir.previous = this.previous;
    heir.isPreviousInherited = true;
    heir.size = this.size;
    return heir;
  }

  /**
   * Add a state. Returns whether it has recurred, or may have.
   *
   * @param lastsSinceMs - of a state that can have changed since then without a new key, in epoch milliseconds
   */
  add(key: string, id: string, lastsSinceMs = Number.POSITIVE_INFINITY): boolean {
    const isOlder = lastsSinceMs < this.openedAtMs + MAX_CLOCK_DIFFERENCE_MS;
    const mayHaveRecurred = this.change(this.statesOf(key, id, isOlder), id, isOlder);
    if (this.size >= this.limit) {
      this.previous = this.current;
      this.isPreviousInherited = false;
      this.current = new Map();
      this.size = 0;
    }
    return mayHaveRecurred;
  }

  /** The states of a key. For a new key, `id` becomes its first state. */
  private statesOf(key: string, id: string, isOlder: boolean): KeyStates {
    const known = this.current.get(key);
    if (known) return known;
    const states = this.previousStates(key) ?? { last: id, isInherited: isOlder };
    this.current.set(key, states);
    this.size += states.all?.size ?? 1;
    return states;
  }

  private previousStates(key: string): KeyStates | undefined {
    const states = this.previous.get(key);
    return states && (this.isPreviousInherited ? inherited(states) : copyOf(states));
  }

  private change(states: KeyStates, id: string, isOlder: boolean): boolean {
    const { last, isInherited } = states;
    states.isInherited = false;
    if (last === id) return isInherited;
    states.all ??= new Set([last]);
    states.last = id;
    if (states.all.has(id) || states.all.size >= MAX_STATES_PER_KEY) return true;
    states.all.add(id);
    this.size++;
    return isOlder;
  }
}

function inherited(states: Readonly<KeyStates>): KeyStates {
  return { ...copyOf(states), isInherited: true };
}

function copyOf({ last, all, isInherited }: Readonly<KeyStates>): KeyStates {
  return all ? { last, all: new Set(all), isInherited } : { last, isInherited };
}
