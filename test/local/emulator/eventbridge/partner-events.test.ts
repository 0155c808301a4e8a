import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { afterEach, expect, test } from 'vitest';

const SOURCE = 'aws.partner/genesys.com/cloud/org/main';
const ENTRY = { Source: SOURCE, DetailType: 'v2.users.{id}.presence', Detail: '{"big":9007199254740993}' };

let emulator: Emulator;
afterEach(() => emulator.close());

/** Calls an action of EventBridge or SQS. */
async function call(target: string, input: object): Promise<Record<string, unknown>> {
  const { status, body } = await emulator.handle({ target, body: JSON.stringify(input) });
  return { status, ...(JSON.parse(String(body || '{}')) as object) };
}

/** Creates an event source, and its bus with a rule to a queue if asked for. */
async function start(options: { faults?: FaultInjector; hasBus?: boolean } = {}): Promise<void> {
  const { faults, hasBus = true } = options;
  emulator = new Emulator(faults ? { faults } : {});
  await call('AmazonSQS.CreateQueue', { QueueName: 'events' });
  await call('AWSEvents.CreatePartnerEventSource', { Name: SOURCE, Account: '000000000000' });
  if (!hasBus) return;
  await call('AWSEvents.CreateEventBus', { Name: SOURCE, EventSourceName: SOURCE });
  const rule = { EventBusName: SOURCE, Name: 'rule' };
  const EventPattern = '{"source":[{"prefix":"aws.partner/genesys.com"}]}';
  await call('AWSEvents.PutRule', { ...rule, EventPattern });
  const Arn = 'arn:aws:sqs:us-east-1:000000000000:events';
  await call('AWSEvents.PutTargets', {
    EventBusName: SOURCE,
    Rule: 'rule',
    Targets: [{ Id: 'queue', Arn }],
  });
}

const put = (...Entries: object[]) => call('AWSEvents.PutPartnerEvents', { Entries });
const bodies = () =>
  emulator.sqs
    .queue('events')
    .peek()
    .map(({ body }) => body);

test('An event of a partner is billed and reaches the queue with its digits', async () => {
  await start();
  expect(await put(ENTRY)).toMatchObject({ FailedEntryCount: 0, Entries: [{}] });
  expect(bodies()).toEqual([expect.stringContaining('"detail":{"big":9007199254740993}')]);
  expect(emulator.eventbridge.billed.events).toBe(1);
});

test('An event of a source without a bus is accepted and dropped', async () => {
  await start({ hasBus: false });
  expect(await put(ENTRY)).toMatchObject({ FailedEntryCount: 0 });
  expect(bodies()).toEqual([]);
});

test('Only the events of a source that exists are accepted, and not with PutEvents', async () => {
  await start();
  const refused = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'NotAuthorizedForSourceException' }] };
  expect(await put({ ...ENTRY, Source: `${SOURCE}/other` })).toMatchObject(refused);
  const entry = { ...ENTRY, EventBusName: SOURCE };
  expect(await call('AWSEvents.PutEvents', { Entries: [entry] })).toMatchObject(refused);
  expect(bodies()).toEqual([]);
});

test('An event source cannot be created twice, nor with the name of something else', async () => {
  await start();
  const again = { Name: SOURCE, Account: '000000000000' };
  expect(await call('AWSEvents.CreatePartnerEventSource', again)).toMatchObject({ status: 400 });
  const other = { Name: 'genesys.cloud', Account: '000000000000' };
  expect(await call('AWSEvents.CreatePartnerEventSource', other)).toMatchObject({ status: 400 });
  expect(await call('AWSEvents.DescribeEventSource', { Name: 'absent' })).toMatchObject({ status: 400 });
});

test('duplicate_event delivers an event twice, as two messages with the same body', async () => {
  const faults = new FaultInjector({ seed: 1 });
  await start({ faults });
  faults.next('duplicate_event', 'AWSEvents.PutEvents');
  await put(ENTRY);
  await put(ENTRY);
  const [first, second, third] = bodies();
  expect(bodies()).toHaveLength(3);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  expect(faults.counts.duplicate_event).toBe(1);
});

test('partial_failure refuses some of the entries of a partner', async () => {
  const faults = new FaultInjector({ seed: 1 });
  await start({ faults });
  faults.next('partial_failure', 'AWSEvents.PutPartnerEvents');
  const { FailedEntryCount, Entries } = await put(ENTRY, ENTRY, ENTRY);
  const accepted = (Entries as { EventId?: string }[]).filter(({ EventId }) => EventId !== undefined);
  expect(FailedEntryCount).toBeGreaterThan(0);
  expect(bodies()).toHaveLength(accepted.length);
});
