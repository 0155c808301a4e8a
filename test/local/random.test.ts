import { Random } from 'switchboard-local/random.ts';
import { expect, test } from 'vitest';

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.next());

test('The same seed produces the same numbers, and another seed produces different ones', () => {
  expect(draw(new Random(7), 100)).toEqual(draw(new Random(7), 100));
  expect(draw(new Random(7), 100)).not.toEqual(draw(new Random(8), 100));
});

test('Numbers are spread evenly over [0, 1)', () => {
  const random = new Random(1);
  const buckets = new Array<number>(10).fill(0);
  for (const value of draw(random, 100_000)) buckets[Math.floor(value * 10)]! += 1;
  expect(buckets).toHaveLength(10);
  // 10,000 expected each; 5 standard deviations are 475.
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(475);
});

test('A fork depends on the seed and the label, not on earlier draws', () => {
  const random = new Random(3);
  const early = draw(random.fork('a'), 10);
  draw(random, 50);
  expect(draw(random.fork('a'), 10)).toEqual(early);
  expect(draw(random.fork('b'), 10)).not.toEqual(early);
  expect(draw(new Random(4).fork('a'), 10)).not.toEqual(early);
});

test('The results of int, pick and chance are within their ranges', () => {
  const random = new Random(5);
  const picked = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])));
  expect([...picked].sort()).toEqual(['a', 'b', 'c']);
  const integers = new Set(Array.from({ length: 200 }, () => random.int(3)));
  expect([...integers].sort()).toEqual([0, 1, 2]);
  expect(Array.from({ length: 50 }, () => random.chance(0))).not.toContain(true);
  expect(Array.from({ length: 50 }, () => random.chance(1))).not.toContain(false);
});

test('Invalid draws are refused', () => {
  const random = new Random(5);
  expect(() => random.pick([])).toThrow('empty');
  expect(() => random.int(0)).toThrow('maxExclusive');
  expect(() => new Random(Number.NaN)).toThrow('finite');
});
