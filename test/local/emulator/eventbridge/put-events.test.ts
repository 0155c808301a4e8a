import type { JsonObject } from 'switchboard-local/emulator/emulated-service.ts';
import type { PublishedEvent } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ACCOUNT, entry, queueArn, REGION, startEventBridge } from './local-bus.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NOW = new Date('2026-11-20T08:30:15.987Z');

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function putEvents(bus: ReturnType<typeof startEventBridge>, ...entries: JsonObject[]) {
  const output = await bus.call('PutEvents', { Entries: entries });
  return output as {
    FailedEntryCount: number;
    Entries: { EventId?: string; ErrorCode?: string; ErrorMessage?: string }[];
  };
}

/** A bus with one rule that matches everything from genesys.cloud, and one target. */
async function withRule(target: JsonObject = {}, queues?: string[]) {
  const bus = startEventBridge(queues);
  await bus.call('PutRule', { Name: 'all', EventPattern: '{"source":["genesys.cloud"]}' });
  await bus.call('PutTargets', { Rule: 'all', Targets: [{ Id: 't', Arn: queueArn('queue'), ...target }] });
  return bus;
}

describe('an accepted entry', () => {
  test('An accepted entry reaches the target as an event with every field', async () => {
    const bus = await withRule();
    const output = await putEvents(bus, entry({ Resources: ['arn:aws:x:::y'], Time: 1_700_000_000.9 }));
    expect(output.FailedEntryCount).toBe(0);
    expect(output.Entries[0]?.EventId).toMatch(UUID);
    expect(bus.received().map((body) => JSON.parse(body))).toEqual([
      {
        version: '0',
        id: output.Entries[0]?.EventId,
        'detail-type': 'v2.users.{id}.presence',
        source: 'genesys.cloud',
        account: ACCOUNT,
        time: '2023-11-14T22:13:20Z',
        region: REGION,
        resources: ['arn:aws:x:::y'],
        detail: { topicName: 'v2.users.1.presence' },
      },
    ]);
    expect(bus.failures).toEqual([]);
  });

  test('An entry without Time has the time of the call, and without Resources an empty list', async () => {
    const bus = await withRule();
    await putEvents(bus, entry());
    expect(JSON.parse(bus.received()[0]!)).toMatchObject({ time: '2026-11-20T08:30:15Z', resources: [] });
  });

  test('An event keeps digits that a double cannot hold', async () => {
    const bus = await withRule();
    await putEvents(bus, entry({ Detail: '{"n":12345678901234567890}' }));
    expect(bus.received()[0]).toContain('"detail":{"n":12345678901234567890}}');
  });

  test('Each listener gets every event once until it is removed', async () => {
    const bus = await withRule();
    await bus.call('CreateEventBus', { Name: 'events' });
    const seen: PublishedEvent[] = [];
    const stop = bus.service.onEvent((published) => seen.push(published));
    const output = await putEvents(bus, entry(), entry({ EventBusName: 'events' }), entry({ Source: '' }));
    stop();
    await putEvents(bus, entry());
    expect(seen.map(({ busName, event }) => [busName, event.id, event.detail])).toEqual([
      ['default', output.Entries[0]?.EventId, { topicName: 'v2.users.1.presence' }],
      ['events', output.Entries[1]?.EventId, { topicName: 'v2.users.1.presence' }],
    ]);
  });

  test('An event goes only to the bus of its name or ARN', async () => {
    const bus = startEventBridge();
    const { EventBusArn } = await bus.call('CreateEventBus', { Name: 'events' });
    await bus.call('PutRule', {
      Name: 'r',
      EventBusName: 'events',
      EventPattern: '{"source":["genesys.cloud"]}',
    });
    await bus.call('PutTargets', {
      Rule: 'r',
      EventBusName: EventBusArn,
      Targets: [{ Id: 't', Arn: queueArn('queue') }],
    });
    await putEvents(bus, entry(), entry({ EventBusName: 'events' }), entry({ EventBusName: EventBusArn }));
    expect(bus.received()).toHaveLength(2);
  });

  test('An entry for a bus that does not exist gets an id and is dropped', async () => {
    const bus = await withRule();
    const listener = vi.fn();
    bus.service.onEvent(listener);
    const output = await putEvents(bus, entry({ EventBusName: 'nobody' }));
    expect(output).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: expect.stringMatching(UUID) }] });
    expect(bus.received()).toEqual([]);
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('a refused entry', () => {
  test.each([
    ['no Source', { Source: undefined }, 'InvalidArgument', /Source is a required argument/],
    ['an empty Source', { Source: '' }, 'InvalidArgument', /Source/],
    ['no DetailType', { DetailType: undefined }, 'InvalidArgument', /DetailType is a required argument/],
    ['no Detail', { Detail: undefined }, 'InvalidArgument', /Detail is a required argument/],
    ['a long DetailType', { DetailType: 'x'.repeat(129) }, 'InvalidArgument', /128 characters/],
    ['a Detail that is not JSON', { Detail: '{"a":' }, 'MalformedDetail', /JSON object/],
    ['a Detail that is a list', { Detail: '[1]' }, 'MalformedDetail', /JSON object/],
    ['a Detail that is a string', { Detail: '"x"' }, 'MalformedDetail', /JSON object/],
    ["AWS's source", { Source: 'aws.ec2' }, 'NotAuthorizedForSourceException', /aws\.ec2/],
  ])('An entry with %s is refused alone', async (_, changes, code, message) => {
    const bus = await withRule();
    const output = await putEvents(bus, entry(), entry(changes), entry());
    expect(output.FailedEntryCount).toBe(1);
    expect(output.Entries.map((result) => result.ErrorCode)).toEqual([undefined, code, undefined]);
    expect(output.Entries[1]?.ErrorMessage).toMatch(message);
    expect(bus.received()).toHaveLength(2);
    expect(bus.service.billed.events).toBe(2);
  });
});

describe('the request', () => {
  test.each([0, 11])('A request with %d entries is refused', async (count) => {
    const bus = startEventBridge();
    const entries = Array.from({ length: count }, () => entry());
    await expect(putEvents(bus, ...entries)).rejects.toMatchObject({
      code: 'ValidationException',
      status: 400,
    });
    await expect(bus.call('PutEvents')).rejects.toMatchObject({ code: 'ValidationException' });
  });

  test('A request of 1 MB is refused and one byte less is accepted, where Time counts 14 bytes and text is UTF-8', async () => {
    const bus = startEventBridge();
    const other = entry({ Source: 'ü', DetailType: 'dd', Resources: ['€'], Time: 0, Detail: '{}' });
    const otherBytes = 2 + 2 + 3 + 14 + 2;
    const detail = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
    const filling = (total: number) =>
      entry({ Source: 's', DetailType: 'd', Detail: detail(total - otherBytes - 2) });
    await expect(putEvents(bus, other, filling(1_048_576))).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('1048576 bytes'),
    });
    await expect(putEvents(bus, other, filling(1_048_575))).resolves.toMatchObject({ FailedEntryCount: 0 });
    expect(bus.service.billed.events).toBe(1 + 16);
  });

  test.each([
    ['a Detail that is an object', { Detail: {} }],
    ['a Time that is text', { Time: '2026-01-01' }],
    ['Resources that are numbers', { Resources: [1] }],
  ])('A request with %s is refused', async (_, changes) => {
    await expect(putEvents(startEventBridge(), entry(changes))).rejects.toMatchObject({
      code: 'SerializationException',
    });
  });

  test.each([-1, 1e15])('A request with the Time %d is refused', async (time) => {
    await expect(putEvents(startEventBridge(), entry({ Time: time }))).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });

  test('An entry is billed per started 64 KB', async () => {
    const bus = startEventBridge();
    const sized = (bytes: number) =>
      entry({ Source: 's', DetailType: 'd', Detail: `{"a":"${'x'.repeat(bytes - 10)}"}` });
    await putEvents(bus, sized(65_536));
    expect(bus.service.billed.events).toBe(1);
    await putEvents(bus, sized(65_537));
    expect(bus.service.billed.events).toBe(3);
  });
});

describe('a target that fails', () => {
  test('An event that a target does not take goes unchanged to its dead-letter queue', async () => {
    const bus = await withRule({ Arn: queueArn('gone'), DeadLetterConfig: { Arn: queueArn('dlq') } }, [
      'dlq',
    ]);
    const output = await putEvents(bus, entry());
    expect(output.FailedEntryCount).toBe(0);
    expect(JSON.parse(bus.received('dlq')[0]!)).toMatchObject({
      id: output.Entries[0]?.EventId,
      version: '0',
    });
    expect(bus.failures).toMatchObject([
      {
        targetArn: queueArn('gone'),
        eventId: output.Entries[0]?.EventId,
        error: new Error(`no queue ${queueArn('gone')}`),
      },
    ]);
  });

  test('A failed delivery is reported, and the other targets get the event', async () => {
    const bus = await withRule();
    await bus.call('PutTargets', { Rule: 'all', Targets: [{ Id: 'a', Arn: queueArn('gone') }] });
    await putEvents(bus, entry());
    expect(bus.received()).toHaveLength(1);
    expect(bus.failures).toMatchObject([{ targetArn: queueArn('gone') }]);
  });

  test('A delivery that fails for the target and its dead-letter queue is reported for both', async () => {
    const bus = await withRule({ DeadLetterConfig: { Arn: queueArn('gone-too') } }, []);
    await putEvents(bus, entry());
    expect(bus.failures.map(({ targetArn }) => targetArn)).toEqual([queueArn('queue'), queueArn('gone-too')]);
  });
});
