const UINT32_RANGE = 2 ** 32;

/** An invalid random draw, such as a pick from an empty array. */
export class RandomArgumentError extends Error {
  readonly code = 'RANDOM_ARGUMENT';
  constructor(message: string) {
    super(message);
    this.name = 'RandomArgumentError';
  }
}

/**
 * A seeded source of random numbers, so that a run is a pure function of its seed. The generator is mulberry32
 * (Tommy Ettinger, public domain): 32 bits of state, a few multiplications per number. Not for secrets.
 */
export class Random {
  readonly seed: number;
  private state: number;

  /** @param seed any finite number; its integer part modulo 2^32 is used. */
  constructor(seed: number) {
    if (!Number.isFinite(seed))
      throw new RandomArgumentError(`The seed must be a finite number, not ${seed}.`);
    this.seed = seed >>> 0;
    this.state = this.seed;
  }

  /** A number in [0, 1), of 32 random bits. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let bits = this.state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / UINT32_RANGE;
  }

  /** An integer in [0, maxExclusive). */
  int(maxExclusive: number): number {
    if (!Number.isInteger(maxExclusive) || maxExclusive < 1 || maxExclusive > UINT32_RANGE)
      throw new RandomArgumentError(`maxExclusive must be an integer from 1 to 2^32, not ${maxExclusive}.`);
    return Math.floor(this.next() * maxExclusive);
  }

  /** One element of an array that has at least one. */
  pick<T>(array: readonly [T, ...T[]] | readonly T[]): T {
    if (array.length === 0) throw new RandomArgumentError('Cannot pick from an empty array.');
    return array[this.int(array.length)] as T;
  }

  /** True with probability `p`. A number is drawn for any `p`, so that rates do not shift later draws. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** An independent stream that depends only on this one's seed and the label, not on the numbers drawn so far. */
  fork(label: string): Random {
    // FNV-1a over the label, started from the seed.
    let hash = (this.seed ^ 0x811c9dc5) >>> 0;
    for (let index = 0; index < label.length; index += 1) {
      hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193) >>> 0;
    }
    return new Random(hash);
  }
}
