import { SequenceNumbers } from 'switchboard-local/simulator/streams/sequence-numbers.ts';
import { expect, test } from 'vitest';

/** The numbers of the next events: `!` for one that is not sent. */
function numbersOf(numbers: SequenceNumbers, events: string): number[] {
  return [...events].map((event) => numbers.next(event === '!').sequence);
}

test('For a repeat, the next event has the same number as the previous one, but another time', () => {
  const numbers = new SequenceNumbers();
  const first = numbers.next(false);
  numbers.repeat();
  const second = numbers.next(false);
  expect(second.sequence).toBe(first.sequence);
  expect(second.timestamp).not.toBe(first.timestamp);
  expect(numbers.next(false).sequence).toBe(first.sequence + 1);
});

test('An event that is not sent shares its number with no other, so that clients can see that it is missing', () => {
  const numbers = new SequenceNumbers();
  expect(numbersOf(numbers, '.')).toEqual([1]);
  numbers.repeat();
  expect(numbersOf(numbers, '!!..')).toEqual([2, 3, 4, 4]);
  expect(numbersOf(numbers, '!')).toEqual([5]);
  numbers.repeat();
  expect(numbersOf(numbers, '..')).toEqual([6, 6]);
});
