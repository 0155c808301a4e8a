import {
  CreateEventBusCommand,
  CreatePartnerEventSourceCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventSourceCommand,
  PutPartnerEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { eventbridge, sqs, uniqueName } from './contract-clients.ts';
import { createQueue, deleteQueues, receive, receiveNow } from './contract-queues.ts';

const Account = '000000000000';
const DETAIL_TYPE = 'v2.users.{id}.presence';

afterAll(deleteQueues);

async function createSource(): Promise<string> {
  const Name = `aws.partner/genesys.com/cloud/${uniqueName('org')}/main`;
  await eventbridge.send(new CreatePartnerEventSourceCommand({ Name, Account }));
  return Name;
}
const stateOf = async (Name: string) =>
  (await eventbridge.send(new DescribeEventSourceCommand({ Name }))).State;

contract(
  'eventbridge.partner-source',
  'A partner event source is pending until a bus of its name is created',
  async () => {
    const Name = await createSource();
    expect(await stateOf(Name)).toBe('PENDING');
    await eventbridge.send(new CreateEventBusCommand({ Name, EventSourceName: Name }));
    expect(await stateOf(Name)).toBe('ACTIVE');
    await eventbridge.send(new DeleteEventBusCommand({ Name }));
  },
);

contract(
  'eventbridge.partner-bus-name',
  'A partner bus with another name than its event source is refused',
  async () => {
    const EventSourceName = await createSource();
    const Name = uniqueName('bus');
    await expect(
      eventbridge.send(new CreateEventBusCommand({ Name, EventSourceName })),
    ).rejects.toMatchObject({ $fault: 'client' });
  },
);

contract(
  'eventbridge.partner-unknown-source',
  'A bus for an event source that does not exist is refused',
  async () => {
    const Name = `aws.partner/genesys.com/cloud/${uniqueName('org')}/main`;
    await expect(
      eventbridge.send(new CreateEventBusCommand({ Name, EventSourceName: Name })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  },
);

contract(
  'eventbridge.partner-events',
  "A partner's event reaches the queue of a rule on the partner bus, with all digits of its numbers, and others do not",
  async () => {
    const queue = await createQueue('partner');
    const EventBusName = await createSource();
    const Rule = uniqueName('rule');
    await eventbridge.send(new CreateEventBusCommand({ Name: EventBusName, EventSourceName: EventBusName }));
    const EventPattern = JSON.stringify({
      source: [{ prefix: 'aws.partner/genesys.com' }],
      'detail-type': [DETAIL_TYPE],
    });
    const { RuleArn } = await eventbridge.send(
      new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }),
    );
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: queue.arn,
          Condition: { ArnEquals: { 'aws:SourceArn': RuleArn } },
        },
      ],
    });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.QueueUrl, Attributes: { Policy } }));
    const Targets = [{ Id: 'queue', Arn: queue.arn }];
    await eventbridge.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
    const Detail = '{"topicName":"v2.users.1.presence","eventBody":{"big":9007199254740993}}';
    const entry = { Source: EventBusName, Time: new Date('2026-11-20T08:00:00Z'), Detail };
    const { FailedEntryCount, Entries = [] } = await eventbridge.send(
      new PutPartnerEventsCommand({
        Entries: [
          { ...entry, DetailType: 'v2.users.{id}.activity' },
          { ...entry, DetailType: DETAIL_TYPE },
        ],
      }),
    );
    expect(FailedEntryCount).toBe(0);
    const [message] = await receive(queue, 1);
    expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({
      version: '0',
      id: Entries[1]?.EventId,
      'detail-type': DETAIL_TYPE,
      source: EventBusName,
      time: '2026-11-20T08:00:00Z',
    });
    expect(message?.Body).toContain('9007199254740993');
    expect(await receiveNow(queue)).toEqual([]);
    await eventbridge.send(new RemoveTargetsCommand({ Rule, EventBusName, Ids: ['queue'] }));
    await eventbridge.send(new DeleteRuleCommand({ Name: Rule, EventBusName }));
    await eventbridge.send(new DeleteEventBusCommand({ Name: EventBusName }));
  },
);

contract(
  'eventbridge.partner-twenty-one',
  'Twenty-one partner entries are refused, and twenty are not',
  async () => {
    const Source = await createSource();
    const entries = (count: number) =>
      Array.from({ length: count }, () => ({ Source, DetailType: DETAIL_TYPE, Detail: '{}' }));
    const put = (count: number) => eventbridge.send(new PutPartnerEventsCommand({ Entries: entries(count) }));
    await expect(put(20)).resolves.toMatchObject({ FailedEntryCount: 0 });
    await expect(put(21)).rejects.toMatchObject({ $fault: 'client' });
  },
);
