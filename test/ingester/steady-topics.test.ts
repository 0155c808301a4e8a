import { beforeEach, expect, test } from 'vitest';
import { SteadyTopics } from '../../functions/ingester/protocols/notification-channels/steady-topics.ts';
import { TestLog } from './test-log.ts';

let log: TestLog;
let steady: SteadyTopics;

beforeEach(() => {
  log = new TestLog();
  steady = new SteadyTopics(log);
});

/** Topics after a listing that is put to use. */
function take(...listed: string[]): string[] {
  const topics = steady.take(listed);
  steady.confirm();
  return topics.toSorted();
}

test('The topics of the first listing are used', () => {
  expect(take('a', 'b')).toEqual(['a', 'b']);
});

test('New topics are used at once', () => {
  take('a', 'b');
  expect(take('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
});

test('A topic is removed when two listings in a row lack it', () => {
  take('a', 'b', 'c');
  expect(take('a', 'b')).toEqual(['a', 'b', 'c']);
  expect(log.lines).toEqual([]);
  expect(take('a', 'b')).toEqual(['a', 'b']);
  expect(log.about('no longer listed')[0]?.fields).toEqual({ count: 1, topics: ['c'] });
});

test('A topic that one listing lacks and the next one has is kept', () => {
  take('a', 'b', 'c');
  for (let n = 0; n < 3; n++) {
    expect(take('a', 'b')).toEqual(['a', 'b', 'c']);
    expect(take('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
  }
  expect(log.lines).toEqual([]);
});

test('A topic that was removed and is listed again is used again', () => {
  take('a', 'b', 'c');
  take('a', 'b');
  take('a', 'b');
  expect(take('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
});

test.each([0, 1, 4])('A listing that shrinks from ten topics to %i is refused, however often', (left) => {
  const topics = Array.from({ length: 10 }, (_, n) => `topic-${n}`);
  take(...topics);
  for (let n = 0; n < 3; n++) expect(take(...topics.slice(0, left))).toEqual(topics);
  expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
  expect(log.lines[0]?.fields).toEqual({ listed: left, previous: 10 });
});

test('A listing that shrinks by half is accepted', () => {
  take('a', 'b', 'c', 'd');
  take('a', 'b');
  expect(take('a', 'b')).toEqual(['a', 'b']);
});

test('A refused listing does not count as one that lacks a topic', () => {
  take('a', 'b', 'c', 'd');
  take();
  take('a', 'b', 'c');
  expect(take('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'c', 'd']);
});

test('An empty first listing is accepted, and so is the one after it', () => {
  expect(take()).toEqual([]);
  expect(take('a')).toEqual(['a']);
  expect(log.lines).toEqual([]);
});

test('A listing that was not put to use does not count', () => {
  take('a', 'b');
  steady.take(Array.from({ length: 100 }, (_, n) => `topic-${n}`));
  expect(take('a', 'b')).toEqual(['a', 'b']);
  steady.take(['a']);
  expect(take('a')).toEqual(['a', 'b']);
});
