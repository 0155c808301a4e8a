import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventTime } from '../../lib/events/event-time.ts';

const RECEIVED = '2026-03-21T01:10:00.000Z';
const ISO = '2022-04-06T09:31:44.949Z';
const MS = 1649237504949;
const timeOf = (eventBody: Record<string, unknown>, timestamp?: string) =>
  eventTime({ topicName: 'v2.x', eventBody, ...(timestamp === undefined ? {} : { timestamp }) }, RECEIVED);

test("The frame's own timestamp takes precedence", () => {
  expect(timeOf({ eventTime: MS }, '2026-01-01T00:00:00.5Z')).toBe('2026-01-01T00:00:00.500Z');
});

describe.each(['eventTime', 'modifiedDate', 'timestamp', 'currentStateStart'])(
  'the field %s of a body',
  (field) => {
    test.each([MS, ISO, '2022-04-06T11:31:44.949+02:00'])(
      `The time in ${field} is used in the form %s`,
      (value) => {
        expect(timeOf({ [field]: value })).toBe(ISO);
        expect(timeOf({ [field]: value }, 'no time')).toBe(ISO);
      },
    );

    test.each([null, '', 'yesterday', 0, -1, 8.64e15 + 1, {}, [[ISO]], true])(
      `The invalid time in ${field} is ignored: %j`,
      (value) => {
        expect(timeOf({ [field]: value })).toBe(RECEIVED);
      },
    );
  },
);

test('The fields of a body are used in order of preference', () => {
  const body = { currentStateStart: MS + 3, timestamp: MS + 2, modifiedDate: MS + 1, eventTime: MS };
  expect(timeOf(body)).toBe(ISO);
  expect(timeOf({ ...body, eventTime: 'unreadable' })).toBe('2022-04-06T09:31:44.950Z');
});

test('The last second of the year 9999 is the latest time, because EventBridge accepts no later one', () => {
  expect(timeOf({ eventTime: '9999-12-31T23:59:59Z' })).toBe('9999-12-31T23:59:59.000Z');
  expect(timeOf({ eventTime: '9999-12-31T23:59:59.001Z' })).toBe(RECEIVED);
});

test('An event without a time has the time of receipt', () => {
  expect(timeOf({})).toBe(RECEIVED);
});

test('The event time is in UTC with milliseconds, regardless of the content of the fields', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (one, two, timestamp) => {
      const time = timeOf({ eventTime: one, modifiedDate: two }, timestamp);
      expect(new Date(time).toISOString()).toBe(time);
    }),
  );
});
