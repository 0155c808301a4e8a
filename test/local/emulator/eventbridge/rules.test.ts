import type { JsonObject } from 'switchboard-local/emulator/service.ts';
import { describe, expect, test } from 'vitest';
import { ACCOUNT, entry, queueArn, REGION, startEventBridge } from './bus.ts';

const PATTERN = '{"source":["genesys.cloud"]}';
const arn = (resource: string) => `arn:aws:events:${REGION}:${ACCOUNT}:${resource}`;

describe('event buses', () => {
  test('default is there; others are created, described, listed and deleted', async () => {
    const { call } = startEventBridge();
    expect(await call('CreateEventBus', { Name: 'events' })).toEqual({
      EventBusArn: arn('event-bus/events'),
    });
    expect(await call('DescribeEventBus', { Name: 'events' })).toEqual({
      Name: 'events',
      Arn: arn('event-bus/events'),
    });
    expect(await call('DescribeEventBus')).toEqual({ Name: 'default', Arn: arn('event-bus/default') });
    expect(await call('ListEventBuses', { NamePrefix: 'e' })).toEqual({
      EventBuses: [{ Name: 'events', Arn: arn('event-bus/events') }],
    });
    await call('DeleteEventBus', { Name: 'events' });
    await expect(call('DescribeEventBus', { Name: 'events' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Event bus events does not exist.',
    });
    expect(await call('DeleteEventBus', { Name: 'events' })).toEqual({});
  });

  test('are refused twice, with a bad name, and beyond the quota', async () => {
    const { call } = startEventBridge();
    await call('CreateEventBus', { Name: 'events' });
    await expect(call('CreateEventBus', { Name: 'events' })).rejects.toMatchObject({
      code: 'ResourceAlreadyExistsException',
    });
    await expect(call('CreateEventBus', { Name: 'a b' })).rejects.toMatchObject({
      code: 'ValidationException',
    });
    await expect(call('CreateEventBus')).rejects.toMatchObject({ code: 'ValidationException' });
    for (let count = 2; count < 100; count += 1) await call('CreateEventBus', { Name: `bus-${count}` });
    await expect(call('CreateEventBus', { Name: 'one-more' })).rejects.toMatchObject({
      code: 'LimitExceededException',
    });
  });

  test('are not deleted while they have rules, default never', async () => {
    const { call } = startEventBridge();
    await call('CreateEventBus', { Name: 'events' });
    await call('PutRule', { Name: 'r', EventBusName: 'events', EventPattern: PATTERN });
    await expect(call('DeleteEventBus', { Name: 'events' })).rejects.toMatchObject({
      code: 'ValidationException',
    });
    await expect(call('DeleteEventBus', { Name: 'default' })).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });
});

describe('rules', () => {
  test('are put, described, listed a page at a time, and deleted', async () => {
    const { call } = startEventBridge();
    await call('CreateEventBus', { Name: 'events' });
    const where = { EventBusName: 'events' };
    for (const name of ['c', 'a', 'b'])
      expect(
        await call('PutRule', { ...where, Name: name, EventPattern: PATTERN, Description: name }),
      ).toEqual({
        RuleArn: arn(`rule/events/${name}`),
      });
    expect(await call('DescribeRule', { ...where, Name: 'a' })).toEqual({
      Name: 'a',
      Arn: arn('rule/events/a'),
      EventBusName: 'events',
      EventPattern: PATTERN,
      State: 'ENABLED',
      Description: 'a',
    });
    const first = (await call('ListRules', { ...where, Limit: 2 })) as {
      Rules: JsonObject[];
      NextToken: string;
    };
    expect(first.Rules.map((rule) => rule.Name)).toEqual(['a', 'b']);
    expect(await call('ListRules', { ...where, Limit: 2, NextToken: first.NextToken })).toEqual({
      Rules: [expect.objectContaining({ Name: 'c' })],
    });
    await call('DeleteRule', { ...where, Name: 'a' });
    await expect(call('DescribeRule', { ...where, Name: 'a' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Rule a does not exist on EventBus events.',
    });
    expect(await call('PutRule', { Name: 'a', EventPattern: PATTERN })).toEqual({ RuleArn: arn('rule/a') });
  });

  test.each([
    ['a leaf that is no list', { EventPattern: '{"source":"x"}' }, 'InvalidEventPatternException', /source/],
    ['a schedule', { ScheduleExpression: 'rate(1 minute)' }, 'ValidationException', /runs no schedules/],
    ['neither', {}, 'ValidationException', /must be specified/],
    ['a bad name', { Name: 'a b', EventPattern: PATTERN }, 'ValidationException', /Name/],
    ['a bad state', { State: 'ON', EventPattern: PATTERN }, 'ValidationException', /ENABLED or DISABLED/],
    ['no such bus', { EventBusName: 'x', EventPattern: PATTERN }, 'ResourceNotFoundException', /bus x/],
  ])('with %s are refused', async (_, input, code, message) => {
    const { call } = startEventBridge();
    await expect(call('PutRule', { Name: 'r', ...input })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('are at most 300 a bus, and one of them can still be replaced', async () => {
    const { call } = startEventBridge();
    for (let count = 0; count < 300; count += 1)
      await call('PutRule', { Name: `r${count}`, EventPattern: PATTERN });
    await expect(call('PutRule', { Name: 'one-more', EventPattern: PATTERN })).rejects.toMatchObject({
      code: 'LimitExceededException',
    });
    await call('PutRule', { Name: 'r0', EventPattern: '{"source":["other"]}' });
    expect(await call('DescribeRule', { Name: 'r0' })).toMatchObject({
      EventPattern: '{"source":["other"]}',
    });
  });

  test('match while they are enabled, and keep their targets when they are put again', async () => {
    const { call, received } = startEventBridge();
    await call('PutRule', { Name: 'r', EventPattern: '{"source":["other"]}' });
    await call('PutTargets', { Rule: 'r', Targets: [{ Id: 't', Arn: queueArn('queue') }] });
    const publish = async () => {
      const before = received().length;
      await call('PutEvents', { Entries: [entry()] });
      return received().length - before;
    };
    expect(await publish()).toBe(0);
    await call('PutRule', { Name: 'r', EventPattern: PATTERN });
    expect(await publish()).toBe(1);
    await call('DisableRule', { Name: 'r' });
    expect(await publish()).toBe(0);
    expect(await call('DescribeRule', { Name: 'r' })).toMatchObject({ State: 'DISABLED' });
    await call('EnableRule', { Name: 'r' });
    expect(await publish()).toBe(1);
  });
});

describe('targets', () => {
  async function withRule() {
    const bus = startEventBridge();
    await bus.call('PutRule', { Name: 'r', EventPattern: PATTERN });
    return bus;
  }

  test('are listed as they were put, replaced by id, and removed before the rule can go', async () => {
    const { call } = await withRule();
    const target = { Id: 't', Arn: queueArn('queue'), Input: '{"a":1}' };
    expect(await call('PutTargets', { Rule: 'r', Targets: [{ Id: 't', Arn: queueArn('old') }] })).toEqual({
      FailedEntryCount: 0,
      FailedEntries: [],
    });
    await call('PutTargets', { Rule: 'r', Targets: [target] });
    expect(await call('ListTargetsByRule', { Rule: 'r' })).toEqual({ Targets: [target] });
    await expect(call('DeleteRule', { Name: 'r' })).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('has targets'),
    });
    expect(await call('RemoveTargets', { Rule: 'r', Ids: ['t', 'unknown'] })).toMatchObject({
      FailedEntryCount: 1,
      FailedEntries: [{ TargetId: 'unknown', ErrorCode: 'ResourceNotFoundException' }],
    });
    expect(await call('ListTargetsByRule', { Rule: 'r' })).toEqual({ Targets: [] });
    await call('DeleteRule', { Name: 'r' });
  });

  test('are at most 5 a rule', async () => {
    const { call } = await withRule();
    const targets = Array.from({ length: 6 }, (_, index) => ({ Id: `t${index}`, Arn: queueArn('queue') }));
    await expect(call('PutTargets', { Rule: 'r', Targets: targets })).rejects.toMatchObject({
      code: 'LimitExceededException',
    });
    expect(await call('ListTargetsByRule', { Rule: 'r' })).toEqual({ Targets: [] });
    await call('PutTargets', { Rule: 'r', Targets: targets.slice(0, 5) });
  });

  test.each([
    [
      'an ARN of another service',
      { Arn: 'arn:aws:lambda:eu-central-1:123456789012:function:f' },
      /SQS queues only/,
    ],
    ['a FIFO queue', { Arn: queueArn('q.fifo') }, /FIFO/],
    ['a dead-letter queue that is none', { DeadLetterConfig: { Arn: 'x' } }, /DeadLetterConfig/],
    ['Input that is no JSON', { Input: 'hello' }, /JSON syntax error in input for target t/],
    ['two inputs', { Input: '{}', InputPath: '$.id' }, /Only one of/],
    ['a bad path', { InputPath: '$.detail[?(@.a)]' }, /InputPath of target t is not a path/],
    ['a path without $', { InputPath: 'detail' }, /is not a path/],
    ['an unknown variable', { InputTransformer: { InputTemplate: '{"a":<b>}' } }, /invalid placeholder b/],
    ['text without quotes', { InputTransformer: { InputTemplate: 'hello' } }, /Invalid InputTemplate/],
    ['no template', { InputTransformer: {} }, /InputTemplate is required/],
    ['a bad id', { Id: 'a b' }, /Id/],
  ])('with %s are refused', async (_, changes, message) => {
    const { call } = await withRule();
    const target = { Id: 't', Arn: queueArn('queue'), ...changes };
    await expect(call('PutTargets', { Rule: 'r', Targets: [target] })).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringMatching(message),
    });
  });

  test('of a rule that does not exist are refused', async () => {
    const { call } = startEventBridge();
    for (const action of ['PutTargets', 'RemoveTargets', 'ListTargetsByRule'])
      await expect(call(action, { Rule: 'r' })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });
});

describe('TestEventPattern', () => {
  const event = {
    id: '1',
    account: ACCOUNT,
    source: 'genesys.cloud',
    time: '2026-11-20T08:00:00Z',
    region: REGION,
    resources: [],
    'detail-type': 'x',
    detail: { a: 1 },
  };

  test.each([
    ['{"detail":{"a":[1]}}', true],
    ['{"detail":{"a":[2]}}', false],
  ])('%s: %s', async (pattern, expected) => {
    const { call } = startEventBridge();
    const output = await call('TestEventPattern', { EventPattern: pattern, Event: JSON.stringify(event) });
    expect(output).toEqual({ Result: expected });
  });

  test('refuses a bad pattern and an event that lacks fields', async () => {
    const { call } = startEventBridge();
    await expect(
      call('TestEventPattern', { EventPattern: '{"a":1}', Event: JSON.stringify(event) }),
    ).rejects.toMatchObject({ code: 'InvalidEventPatternException' });
    await expect(
      call('TestEventPattern', { EventPattern: PATTERN, Event: '{"id":"1"}' }),
    ).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('account, source'),
    });
  });
});
