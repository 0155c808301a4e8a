/** Keys that are remembered per connection. */
export const MAX_KEYS = 50_000;

/** The states of one key: the last one, and all of them once there is more than one. */
interface KeyStates {
  last: string;
  all?: Set<string>;
  /** An earlier connection delivered the last state, and this one may have missed others since. */
  isInherited: boolean;
}

/**
 * The states that a connection has delivered per key. The key of an event names an occurrence, but a body can change
 * without its key (a presence message without a new `modifiedDate`), and can change back. One connection never delivers
 * a copy, so a state that it delivers again after another state of the same key has recurred (P8). A new connection
 * starts with the states of the one before it, between which others can have been missed.
 */
export class KeyHistory {
  private readonly states = new Map<string, KeyStates>();

  /** The history of a connection that starts now. */
  inherit(): KeyHistory {
    const heir = new KeyHistory();
    for (const [key, { last, all }] of this.states)
      heir.states.set(key, { last, ...(all ? { all: new Set(all) } : {}), isInherited: true });
    return heir;
  }

  /** Add a state. Returns whether it has recurred, or may have. */
  add(key: string, id: string): boolean {
    const known = this.states.get(key);
    if (!known) {
      if (this.states.size >= MAX_KEYS) this.states.clear();
      this.states.set(key, { last: id, isInherited: false });
      return false;
    }
    const { last, isInherited } = known;
    known.isInherited = false;
    if (last === id) return isInherited;
    known.all ??= new Set([last]);
    const hasRecurred = known.all.has(id);
    known.all.add(id);
    known.last = id;
    return hasRecurred;
  }
}
