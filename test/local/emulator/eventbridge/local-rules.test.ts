import type { JsonObject } from 'switchboard-local/emulator/emulated-service.ts';
import { describe, expect, test } from 'vitest';
import { ACCOUNT, entry, queueArn, REGION, startEventBridge } from './local-bus.ts';

const PATTERN = '{"source":["genesys.cloud"]}';
const arn = (resource: string) => `arn:aws:events:${REGION}:${ACCOUNT}:${resource}`;

describe('event buses', () => {
  test('The default bus exists, and other buses are created, described, listed and deleted', async () => {
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

  test('A bus with an existing name, with a bad name or beyond the quota is refused', async () => {
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

  test('A bus with rules and the default bus cannot be deleted', async () => {
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
  test('Rules are put, described, listed and deleted', async () => {
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
    const { Rules } = (await call('ListRules', where)) as { Rules: JsonObject[] };
    expect(Rules.map((rule) => rule.Name)).toEqual(['a', 'b', 'c']);
    expect(await call('ListRules', { ...where, NamePrefix: 'c' })).toEqual({
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
    [
      'a leaf that is not a list',
      { EventPattern: '{"source":"x"}' },
      'InvalidEventPatternException',
      /source/,
    ],
    ['no pattern', {}, 'ValidationException', /EventPattern is required/],
    ['a bad name', { Name: 'a b', EventPattern: PATTERN }, 'ValidationException', /Name/],
    ['a bad state', { State: 'ON', EventPattern: PATTERN }, 'ValidationException', /ENABLED or DISABLED/],
    ['no such bus', { EventBusName: 'x', EventPattern: PATTERN }, 'ResourceNotFoundException', /bus x/],
  ])('A rule with %s is refused', async (_, input, code, message) => {
    const { call } = startEventBridge();
    await expect(call('PutRule', { Name: 'r', ...input })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('A bus has at most 300 rules, and one of them can still be replaced', async () => {
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

  test('A rule matches while it is enabled, and keeps its targets when it is put again', async () => {
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
    await call('PutRule', { Name: 'r', EventPattern: PATTERN, State: 'DISABLED' });
    expect(await publish()).toBe(0);
    expect(await call('DescribeRule', { Name: 'r' })).toMatchObject({ State: 'DISABLED' });
    await call('PutRule', { Name: 'r', EventPattern: PATTERN, State: 'ENABLED' });
    expect(await publish()).toBe(1);
  });
});

describe('targets', () => {
  async function withRule() {
    const bus = startEventBridge();
    await bus.call('PutRule', { Name: 'r', EventPattern: PATTERN });
    return bus;
  }

  test('Targets are listed as they were put, replaced by id, and must be removed before their rule is deleted', async () => {
    const { call } = await withRule();
    const target = { Id: 't', Arn: queueArn('queue'), DeadLetterConfig: { Arn: queueArn('dead') } };
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

  test('A rule has at most 5 targets', async () => {
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
      'NotEmulatedException',
      /target "arn:aws:lambda/,
    ],
    ['a FIFO queue', { Arn: queueArn('q.fifo') }, 'NotEmulatedException', /standard SQS queues/],
    [
      'a dead-letter queue that is not a queue',
      { DeadLetterConfig: { Arn: 'x' } },
      'ValidationException',
      /DeadLetterConfig/,
    ],
    ['an input', { Input: '{}' }, 'NotEmulatedException', /parameter "Input"/],
    ['an input path', { InputPath: '$.detail' }, 'NotEmulatedException', /parameter "InputPath"/],
    [
      'an input transformer',
      { InputTransformer: {} },
      'NotEmulatedException',
      /parameter "InputTransformer"/,
    ],
    ['a bad id', { Id: 'a b' }, 'ValidationException', /Id/],
  ])('A target with %s is refused', async (_, changes, code, message) => {
    const { call } = await withRule();
    const target = { Id: 't', Arn: queueArn('queue'), ...changes };
    await expect(call('PutTargets', { Rule: 'r', Targets: [target] })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('Actions on the targets of a rule that does not exist are refused', async () => {
    const { call } = startEventBridge();
    for (const action of ['PutTargets', 'RemoveTargets', 'ListTargetsByRule'])
      await expect(call(action, { Rule: 'r' })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });
});
