import { expect, test } from 'vitest';
import { conditionProblems } from '../../lib/genesys/routing-condition.ts';

test.each([
  'eventType eq v2.users.{id}.presence',
  'eventType contains v2.users.',
  'eventBody.direction eq inbound and eventBody.duration gt 30',
  "eventBody.queue.name eq 'Support and Sales'",
  'eventBody.note contains "two words"',
  'a eq b  and  c gt 1 and d contains e',
])('The condition %s is valid', (condition) => {
  expect(conditionProblems(condition)).toEqual([]);
});

test.each<[string, RegExp]>([
  ['', /is empty, which would stream the whole organization/],
  ['   ', /is empty, which would stream the whole organization/],
  ['*', /wildcard.*whole organization/],
  ['eventType eq *', /wildcard.*whole organization/],
  ['eventType contains v2.*', /wildcard.*whole organization/],
  ['eventType contains %presence', /wildcard/],
  ['eventType contains ""', /has no value, so it would stream the whole organization/],
  ["eventType contains ' '", /has no value/],
  ['eventType eq', /has no value/],
  ['eventType contains v', /every event type contains "v"/],
  ['eventType contains "v2."', /every event type contains "v2\."/],
  ['eventType', /unknown|not a comparison/],
  ['eventType like presence', /the operator like .* is unknown.*eq, contains or gt/],
  ['eventType = presence', /the operator = /],
  ['eventType eq one two', /put it in quotes/],
  ["eventType eq 'open", /put it in quotes/],
  ['eventType eq a or eventType eq b', /put it in quotes/],
  ['eventType eq a and ', /not a comparison|unknown|has no value/],
  ['1field eq a', /not a comparison/],
])('The condition %j is refused with the reason', (condition, reason) => {
  const problems = conditionProblems(condition);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(reason);
});

test('Every wrong comparison of a condition has its own problem', () => {
  expect(conditionProblems('a eq * and b is c and d eq e')).toEqual([
    expect.stringContaining('"a eq *"'),
    expect.stringContaining('"b is c"'),
  ]);
});
