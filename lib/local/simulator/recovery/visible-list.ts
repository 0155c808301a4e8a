/** A fact, and from when on the REST API knows it, in epoch milliseconds. */
interface Dated<T> {
  readonly value: T;
  readonly visibleAtMs: number;
}

/** Facts in the order in which they happened. The REST API learns each some time later, not always in the same order. */
export class VisibleList<T> {
  private readonly facts: Dated<T>[] = [];

  get size(): number {
    return this.facts.length;
  }

  add(value: T, visibleAtMs: number): void {
    this.facts.push({ value, visibleAtMs });
  }

  /** The facts visible to the REST API. */
  visible(nowMs: number): T[] {
    return this.facts.flatMap(({ value, visibleAtMs }) => (visibleAtMs <= nowMs ? value : []));
  }

  /** Everything that happened. */
  all(): T[] {
    return this.facts.map(({ value }) => value);
  }

  /** Forgets all but the last `count` facts. */
  keepLast(count: number): void {
    this.facts.splice(0, this.facts.length - count);
  }
}
