/** Keys that are remembered per connection. */
export const MAX_KEYS = 50_000;

/** The states of one key: the last one, and all of them once there is more than one. */
interface KeyStates {
  last: string;
  all?: Set<string>;
}

/**
 * The states that a connection has delivered per key. The key of an event names an occurrence, but a body can change
 * without its key (a presence message without a new `modifiedDate`), and can change back. One connection never delivers
 * a copy, so a state that it delivers again after another state of the same key has recurred (P8). A new connection
 * starts with the history of the one before it.
 */
export class KeyHistory {
  private readonly states = new Map<string, KeyStates>();

  /** A copy for a connection that starts now. */
  fork(): KeyHistory {
    const copy = new KeyHistory();
    for (const [key, { last, all }] of this.states)
      copy.states.set(key, all ? { last, all: new Set(all) } : { last });
    return copy;
  }

  /** Add a state. Returns whether it has recurred. */
  add(key: string, id: string): boolean {
    const known = this.states.get(key);
    if (!known) {
      if (this.states.size >= MAX_KEYS) this.states.clear();
      this.states.set(key, { last: id });
      return false;
    }
    if (known.last === id) return false;
    known.all ??= new Set([known.last]);
    const hasRecurred = known.all.has(id);
    known.all.add(id);
    known.last = id;
    return hasRecurred;
  }
}
