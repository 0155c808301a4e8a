import { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';
import { describe, expect, test } from 'vitest';

const USER = '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';
const PRESENCE = `v2.users.${USER}.presence`;
const MEMBERS = `v2.routing.queues.${USER}.users`;
const CONVERSATIONS = `v2.users.${USER}.conversations`;

function presence(modifiedDate: string, message = '') {
  return { topicName: PRESENCE, eventBody: { presenceDefinition: { id: 'p' }, modifiedDate, message } };
}

function conversation(endTime?: string) {
  const participants = [{ id: 'customer' }, { id: 'agent', ...(endTime ? { endTime } : {}) }];
  return { topicName: CONVERSATIONS, eventBody: { id: 'c', participants } };
}

function missed(serial: number, topicName: string) {
  return { serial, topicName, atMs: 0 };
}

describe('a missed event', () => {
  test('It is recovered if the bus has its occurrence, with another body', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z', 'back at two'));
    judge.arrived({ ...presence('2026-01-01T00:00:00Z'), serial: -1, isWeak: false });
    expect(judge.judge([missed(1, PRESENCE)])).toMatchObject({ recovered: 1, unexplained: 0, doubled: 0 });
  });

  test('It is unexplained if the REST API knows it and the bus does not have it', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z'));
    expect(judge.judge([missed(1, PRESENCE)])).toMatchObject({
      recovered: 0,
      unexplained: 1,
      unexplainedTopics: [[PRESENCE, 1]],
    });
  });

  test('A change of only the message is unrecoverable if the presence itself was delivered', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z'));
    judge.emitted(2, presence('2026-01-01T00:00:00Z', 'back at two'));
    judge.published(1);
    const { unrecoverable, unexplained } = judge.judge([missed(2, PRESENCE)]);
    expect({ unrecoverable, unexplained }).toEqual({
      unrecoverable: { 'v2.users.{id}.presence': 1 },
      unexplained: 0,
    });
  });

  test('An event that no API knows is unrecoverable', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, { topicName: MEMBERS, eventBody: { joined: true } });
    expect(judge.judge([missed(1, MEMBERS)]).unrecoverable).toEqual({ 'v2.routing.queues.{id}.users': 1 });
  });

  test.each([
    ['the same end', '2026-01-01T00:05:00Z', { recovered: 1, unexplained: 0 }],
    ['no end', undefined, { recovered: 0, unexplained: 1 }],
    ['another end', '2026-01-01T00:06:00Z', { recovered: 0, unexplained: 1 }],
  ])('The last state of a conversation is recovered only with the same ends: %s', (_, endTime, expected) => {
    const judge = new RecoveryJudge();
    judge.emitted(1, conversation());
    judge.emitted(2, conversation('2026-01-01T00:05:00Z'));
    judge.arrived({ ...conversation(endTime), serial: -1, isWeak: true });
    const verdict = judge.judge([missed(2, CONVERSATIONS)]);
    expect(verdict).toMatchObject(expected);
  });

  test('A state before the last one is unrecoverable', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, conversation());
    judge.emitted(2, conversation('2026-01-01T00:05:00Z'));
    judge.published(2);
    expect(judge.judge([missed(1, CONVERSATIONS)])).toMatchObject({
      unrecoverable: { 'v2.users.{id}.conversations': 1 },
      unexplained: 0,
    });
  });
});

describe('a recovered event that was delivered live too', () => {
  test.each([
    [true, { doubledWeak: 1, doubled: 0 }],
    [false, { doubledWeak: 0, doubled: 1 }],
  ])('It counts as doubled; with a weak identity (%s) it says so', (isWeak, expected) => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z'));
    judge.published(1);
    judge.arrived({ ...presence('2026-01-01T00:00:00Z'), serial: -1, isWeak });
    expect(judge.judge([])).toMatchObject(expected);
  });

  test('A repeat of a recovered event is strict unless an unknown outcome allows it', () => {
    const judge = new RecoveryJudge();
    const event = { ...presence('2026-01-01T00:00:00Z'), isWeak: false };
    for (const serial of [-1, -1, -2, -2]) judge.arrived({ ...event, serial });
    judge.allowRepeat(-1);
    expect(judge.judge([])).toMatchObject({ doubled: 1, doubledUnknown: 1 });
  });
});
