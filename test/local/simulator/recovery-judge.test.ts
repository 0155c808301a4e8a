import { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';
import { joinedRecoveries, nothingRecovered } from 'switchboard-local/simulator/recovery/recovery-verdict.ts';
import { describe, expect, test } from 'vitest';

const USER = '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';
const PRESENCE = `v2.users.${USER}.presence`;
const ROUTING_STATUS = `v2.users.${USER}.routingStatus`;
const MEMBERS = `v2.routing.queues.${USER}.users`;
const AUDIT = `v2.audits.entitytype.UserPresence.entityid.${USER}`;
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

  test('It is unexplained if the REST API returns it but the bus does not have it', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z'));
    expect(judge.judge([missed(1, PRESENCE)])).toMatchObject({
      recovered: 0,
      unexplained: 1,
      unexplainedTopics: [[PRESENCE, 1]],
    });
  });

  test('A change to only the message is unrecoverable if the presence itself was delivered', () => {
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

  test('A routing status with only an error added is unrecoverable if the status itself was delivered', () => {
    const judge = new RecoveryJudge();
    const status = (errorInfo?: object) => ({
      topicName: ROUTING_STATUS,
      eventBody: { routingStatus: { status: 'IDLE', startTime: '2026-01-01T00:00:00Z' }, errorInfo },
    });
    judge.emitted(1, status());
    judge.emitted(2, status({ code: 'an.error' }));
    judge.published(1);
    expect(judge.judge([missed(2, ROUTING_STATUS)])).toMatchObject({
      unrecoverable: { 'v2.users.{id}.routingStatus': 1 },
      unexplained: 0,
    });
  });

  test('An event of another topic whose occurrence was delivered is not unrecoverable', () => {
    const judge = new RecoveryJudge();
    const audit = (status: string) => ({ topicName: AUDIT, eventBody: { id: 'a', status } });
    judge.emitted(1, audit('SUCCESS'));
    judge.emitted(2, audit('FAILURE'));
    judge.published(1);
    expect(judge.judge([missed(2, AUDIT)])).toMatchObject({ unrecoverable: {}, unexplained: 1 });
  });

  test('An event that no API knows is unrecoverable, even if the bus has it', () => {
    const judge = new RecoveryJudge();
    const event = { topicName: MEMBERS, eventBody: { joined: true } };
    judge.emitted(1, event);
    judge.arrived({ ...event, serial: -1, isWeak: false });
    expect(judge.judge([missed(1, MEMBERS)])).toMatchObject({
      recovered: 0,
      unrecoverable: { 'v2.routing.queues.{id}.users': 1 },
    });
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

describe('a missed event of the conversation stream', () => {
  const STATE = 'conversation.state';
  const state = (name: string, conversationId = 'c') => ({
    topicName: STATE,
    eventBody: { conversationId, state: name },
  });
  const judged = (name: string, arrived: object[]) => {
    const judge = new RecoveryJudge((topicName) => topicName === STATE);
    judge.emitted(1, state(name));
    for (const event of arrived) judge.arrived({ ...state(''), ...event, serial: -1, isWeak: true });
    return judge.judge([missed(1, STATE)]);
  };

  test('The end of a conversation is recovered with the same state', () => {
    expect(judged('completed', [state('completed')])).toMatchObject({ recovered: 1, impossible: 0 });
    expect(judged('completed', [state('abandoned')])).toMatchObject({ recovered: 0, unexplained: 1 });
    expect(judged('abandoned', [])).toMatchObject({ recovered: 0, unexplained: 1 });
  });

  test('Events before the end cannot be recovered', () => {
    expect(judged('transfer', []).unrecoverable).toEqual({ [STATE]: 1 });
  });

  test('The end of a conversation of which there was no event is impossible', () => {
    expect(judged('completed', [state('completed', 'another')])).toMatchObject({ impossible: 1 });
  });

  test('What another cloud emits is not judged', () => {
    expect(judged('completed', [{ topicName: MEMBERS, eventBody: {} }])).toMatchObject({ impossible: 0 });
  });
});

describe('a recovered event that the platform cannot have told', () => {
  test.each([
    ['no API knows its topic', { topicName: MEMBERS, eventBody: { joined: true } }],
    ['it never happened', presence('2026-01-01T00:00:01Z')],
    ['its subject never had a state', { topicName: CONVERSATIONS, eventBody: { id: 'another' } }],
  ])('It is impossible: %s', (_, event) => {
    const judge = new RecoveryJudge();
    judge.emitted(1, { topicName: MEMBERS, eventBody: { joined: true } });
    judge.emitted(2, presence('2026-01-01T00:00:00Z'));
    judge.emitted(3, conversation());
    judge.arrived({ ...event, serial: -1, isWeak: true });
    expect(judge.judge([])).toMatchObject({ impossible: 1, impossibleTopics: [[event.topicName, 1]] });
  });

  test('What happened and what was a state is possible, whether or not it was delivered', () => {
    const judge = new RecoveryJudge();
    judge.emitted(1, presence('2026-01-01T00:00:00Z'));
    judge.emitted(2, presence('2026-01-01T00:00:01Z'));
    judge.emitted(3, conversation());
    judge.published(1);
    judge.arrived({ ...presence('2026-01-01T00:00:00Z'), serial: -1, isWeak: true });
    judge.arrived({ ...presence('2026-01-01T00:00:01Z'), serial: -2, isWeak: false });
    judge.arrived({ ...conversation('2026-01-01T00:05:00Z'), serial: -3, isWeak: true });
    expect(judge.judge([])).toMatchObject({ impossible: 0, impossibleTopics: [] });
  });
});

test('What several clouds do not know any more is counted together by topic', () => {
  const judge = new RecoveryJudge();
  judge.emitted(1, { topicName: MEMBERS, eventBody: {} });
  const verdicts = [judge.judge([missed(1, MEMBERS)]), nothingRecovered([missed(2, MEMBERS)])];
  expect(joinedRecoveries(verdicts).unrecoverable).toEqual({ 'v2.routing.queues.{id}.users': 2 });
});

describe('a recovered event that was also delivered live', () => {
  test.each([
    [true, { doubledWeak: 1, doubled: 0 }],
    [false, { doubledWeak: 0, doubled: 1 }],
  ])('It counts as a duplicate, which is flagged if its identity is weak (%s)', (isWeak, expected) => {
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
