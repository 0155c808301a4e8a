import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { DeleteMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { eventbridge, sqs, uniqueName } from './contract-clients.ts';
import { createQueue, deleteQueues, type Queue, receive, receiveNow } from './contract-queues.ts';

const EventBusName = uniqueName('bus');
const Rule = uniqueName('rule');
const SOURCE = 'genesys.cloud';
const DETAIL_TYPE = 'v2.users.{id}.presence';

let queue: Queue;
let busArn: string;

beforeAll(async () => {
  queue = await createQueue('target');
  const bus = await eventbridge.send(new CreateEventBusCommand({ Name: EventBusName }));
  busArn = bus.EventBusArn ?? '';
  const EventPattern = JSON.stringify({
    source: [SOURCE],
    'detail-type': [{ prefix: 'v2.users.' }],
    detail: { eventBody: { wanted: [true] } },
  });
  const rule = await eventbridge.send(new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }));
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queue.arn,
        Condition: { ArnEquals: { 'aws:SourceArn': rule.RuleArn } },
      },
    ],
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.QueueUrl, Attributes: { Policy } }));
  const Targets = [{ Id: 'queue', Arn: queue.arn }];
  const { FailedEntryCount } = await eventbridge.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
  expect(FailedEntryCount).toBe(0);
});

afterAll(async () => {
  await eventbridge.send(new RemoveTargetsCommand({ Rule, EventBusName, Ids: ['queue'] }));
  await eventbridge.send(new DeleteRuleCommand({ Name: Rule, EventBusName }));
  await eventbridge.send(new DeleteEventBusCommand({ Name: EventBusName }));
  await deleteQueues();
});

const entry = (more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
  EventBusName,
  Source: SOURCE,
  DetailType: DETAIL_TYPE,
  // Matches no rule, so that it does not arrive in the queue.
  Detail: JSON.stringify({ eventBody: { wanted: false } }),
  ...more,
});
const putEvents = (...Entries: PutEventsRequestEntry[]) =>
  eventbridge.send(new PutEventsCommand({ Entries }));

contract(
  'eventbridge.envelope',
  'A matching event arrives in the queue in its envelope, and others do not',
  async () => {
    const detail = {
      topicName: 'v2.users.1.presence',
      eventBody: { wanted: true, name: 'ü "q"', big: 1.5, list: [1] },
    };
    const resources = ['arn:aws:iam::000000000000:user/x'];
    const { FailedEntryCount, Entries = [] } = await putEvents(
      entry(),
      entry({ Detail: JSON.stringify(detail), Resources: resources }),
    );
    expect(FailedEntryCount).toBe(0);
    const [message] = await receive(queue, 1);
    const envelope: unknown = JSON.parse(message?.Body ?? '{}');
    const [, , , region, account] = busArn.split(':');
    expect(envelope).toEqual({
      version: '0',
      id: Entries[1]?.EventId,
      'detail-type': DETAIL_TYPE,
      source: SOURCE,
      account,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region,
      resources,
      detail,
    });
    expect(await receiveNow(queue)).toEqual([]);
  },
);

contract('eventbridge.time', 'An event keeps the time of its entry', async () => {
  const Detail = JSON.stringify({ eventBody: { wanted: true } });
  await putEvents(entry({ Detail, Time: new Date('2026-11-20T08:00:00.000Z') }));
  const [message] = await receive(queue, 1);
  await sqs.send(
    new DeleteMessageCommand({ QueueUrl: queue.QueueUrl, ReceiptHandle: message?.ReceiptHandle }),
  );
  expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({ time: '2026-11-20T08:00:00Z' });
});

contract('eventbridge.malformed-detail', 'An entry whose detail is not JSON fails alone', async () => {
  const { FailedEntryCount, Entries = [] } = await putEvents(
    entry(),
    entry({ Detail: '{"unfinished":' }),
    entry({ Detail: '[1]' }),
  );
  expect(FailedEntryCount).toBe(2);
  expect(Entries.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    'MalformedDetail',
    'MalformedDetail',
  ]);
  expect(Entries.map(({ EventId }) => EventId !== undefined)).toEqual([true, false, false]);
});

contract('eventbridge.aws-source', 'An entry whose source starts with aws. fails alone', async () => {
  const { FailedEntryCount, Entries = [] } = await putEvents(entry({ Source: 'aws.partner' }), entry());
  expect(FailedEntryCount).toBe(1);
  expect(Entries.map(({ ErrorCode }) => ErrorCode)).toEqual(['NotAuthorizedForSourceException', undefined]);
});

contract('eventbridge.missing-member', 'An entry without a detail type fails alone', async () => {
  const { DetailType: _, ...incomplete } = entry();
  const { FailedEntryCount, Entries = [] } = await putEvents(incomplete, entry());
  expect(FailedEntryCount).toBe(1);
  expect(Entries.map(({ ErrorCode }) => ErrorCode)).toEqual(['InvalidArgument', undefined]);
});

contract('eventbridge.ten', 'Ten entries are accepted, each with its own id', async () => {
  const { FailedEntryCount, Entries = [] } = await putEvents(...Array.from({ length: 10 }, () => entry()));
  expect(FailedEntryCount).toBe(0);
  expect(new Set(Entries.map(({ EventId }) => EventId)).size).toBe(10);
});

contract('eventbridge.eleven', 'Eleven entries are refused', async () => {
  await expect(putEvents(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

contract('eventbridge.size', 'Entries of 1 MB and more in total are refused', async () => {
  const half = JSON.stringify({ text: 'x'.repeat(524_288) });
  await expect(putEvents(entry({ Detail: half }), entry({ Detail: half }))).rejects.toMatchObject({
    $fault: 'client',
  });
});

contract('eventbridge.large', 'An event of 900 KB is accepted', async () => {
  const Detail = JSON.stringify({ eventBody: { wanted: false, text: 'x'.repeat(900_000) } });
  await expect(putEvents(entry({ Detail }))).resolves.toMatchObject({ FailedEntryCount: 0 });
});

contract('eventbridge.no-bus', 'An event for a bus that does not exist is accepted and dropped', async () => {
  const { FailedEntryCount } = await putEvents(entry({ EventBusName: uniqueName('absent') }));
  expect(FailedEntryCount).toBe(0);
});
