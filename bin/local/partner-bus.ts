import {
  CreateEventBusCommand,
  CreatePartnerEventSourceCommand,
  type EventBridgeClient,
  PutPartnerEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { PutPartnerEvents } from 'switchboard-local/simulator/native-integration.ts';
import { arnOf } from './resources.ts';

const RULE = 'switchboard-native';
/** Any account id works, because the local AWS has one account. */
const ACCOUNT = '000000000000';

/** Creates what the CDK construct creates for a partner event source: its bus, and a rule to the events queue. */
export async function createPartnerBus(
  eventbridge: EventBridgeClient,
  sqs: SQSClient,
  eventSource: string,
  eventsQueueUrl: string,
): Promise<void> {
  await eventbridge.send(new CreatePartnerEventSourceCommand({ Name: eventSource, Account: ACCOUNT }));
  await eventbridge.send(new CreateEventBusCommand({ Name: eventSource, EventSourceName: eventSource }));
  const rule = { EventBusName: eventSource, Name: RULE };
  const EventPattern = JSON.stringify({ source: [{ prefix: 'aws.partner/genesys.com' }] });
  await eventbridge.send(new PutRuleCommand({ ...rule, EventPattern }));
  await eventbridge.send(
    new PutTargetsCommand({
      EventBusName: eventSource,
      Rule: RULE,
      Targets: [{ Id: 'events', Arn: await arnOf(sqs, eventsQueueUrl) }],
    }),
  );
}

/** PutPartnerEvents as Genesys Cloud calls it. */
export function partnerCall(eventbridge: EventBridgeClient): PutPartnerEvents {
  return async (entries) => {
    const command = new PutPartnerEventsCommand({ Entries: [...entries] });
    const { Entries = [] } = await eventbridge.send(command);
    return entries.map((_, index) => Entries[index]?.EventId !== undefined);
  };
}
