import {
  type GapRecord,
  judgeGaps,
  SLACK_AFTER_MS,
  SLACK_BEFORE_MS,
} from 'switchboard-local/simulator/gap-judge.ts';
import { MissingEvents } from 'switchboard-local/simulator/missing-events.ts';
import { describe, expect, test } from 'vitest';

const FROM_MS = 1_800_000_000_000;
const TO_MS = FROM_MS + 5_000;
const PRESENCE = 'v2.users.1.presence';
const ROUTING_STATUS = 'v2.users.1.routingStatus';
const record: GapRecord = { fromMs: FROM_MS, toMs: TO_MS, reason: 'closed', topics: [PRESENCE] };
const at = (atMs: number, topicName = PRESENCE) => ({ topicName, atMs });

describe('an event that no connection received', () => {
  test('A missing event inside a record that names its topic is explained', () => {
    expect(judgeGaps([at(FROM_MS), at(TO_MS)], [record])).toEqual({
      explained: 2,
      unexplained: 0,
      unexplainedTopics: [],
      used: [{ record, events: 2 }],
    });
  });

  test('A missing event of a topic that no record names is unexplained', () => {
    const verdict = judgeGaps([at(FROM_MS), at(FROM_MS, ROUTING_STATUS)], [record]);
    expect(verdict).toMatchObject({ explained: 1, unexplained: 1, unexplainedTopics: [[ROUTING_STATUS, 1]] });
  });

  test('A record without topics explains nothing', () => {
    expect(judgeGaps([at(FROM_MS)], [{ ...record, topics: [] }])).toMatchObject({
      explained: 0,
      unexplained: 1,
    });
  });

  test('A missing event without any record is unexplained', () => {
    expect(judgeGaps([at(FROM_MS)], [])).toMatchObject({ explained: 0, unexplained: 1, used: [] });
  });

  test.each([
    ['as early as the slack allows', FROM_MS - SLACK_BEFORE_MS, 1],
    ['earlier than the slack allows', FROM_MS - SLACK_BEFORE_MS - 1, 0],
    ['as late as the slack allows', TO_MS + SLACK_AFTER_MS, 1],
    ['later than the slack allows', TO_MS + SLACK_AFTER_MS + 1, 0],
  ])('Of an event %s, %i ms, %i is explained', (_name, atMs, explained) => {
    expect(judgeGaps([at(atMs)], [record])).toMatchObject({ explained, unexplained: 1 - explained });
  });

  test('The slack is a quarter of a second before and after', () => {
    expect(SLACK_BEFORE_MS).toBe(250);
    expect(SLACK_AFTER_MS).toBe(250);
  });

  test('A combined topic names each of its topics', () => {
    const combined = { ...record, topics: ['v2.users.1?presence&routingStatus'] };
    const missing = [at(FROM_MS), at(FROM_MS, ROUTING_STATUS), at(FROM_MS, 'v2.users.1.conversations')];
    expect(judgeGaps(missing, [combined])).toMatchObject({ explained: 2, unexplained: 1 });
  });

  test('Two records that do not meet do not explain an event between them', () => {
    const later = { ...record, fromMs: TO_MS + 10_000, toMs: TO_MS + 20_000 };
    expect(judgeGaps([at(TO_MS + 5_000)], [record, later])).toMatchObject({ explained: 0, unexplained: 1 });
  });

  test('The topics of unexplained events are listed, at most five, most events first', () => {
    const missing = Array.from({ length: 7 }, (_, topic) =>
      Array.from({ length: topic + 1 }, () => at(FROM_MS, `topic ${topic}`)),
    ).flat();
    const { unexplained, unexplainedTopics } = judgeGaps(missing, []);
    expect(unexplained).toBe(28);
    expect(unexplainedTopics).toEqual([6, 5, 4, 3, 2].map((topic) => [`topic ${topic}`, topic + 1]));
  });

  test('Missing events beyond the limit of memory stay unexplained', () => {
    const missing = new MissingEvents(2);
    for (let n = 0; n < 5; n += 1) missing.add({ serial: n, topicName: PRESENCE, sentAtMs: FROM_MS });
    expect(judgeGaps(missing.list(), [record])).toMatchObject({ explained: 2, unexplained: 3 });
  });
});
