import { type EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { arnOf, createQueue, deliveryDeadLetterQueue, deliveryQueue, NAMES } from './resources.ts';

const RULE = 'switchboard-delivery';
const MAX_RECEIVES = 1_000;

/** URLs of the queues that the delivery function uses. */
export interface DeliveryQueues {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
}

/** Creates what `deliverTo` of the CDK construct creates: the queues, and the rule that fills the first of them. */
export async function createDeliveryQueues(
  { sqs, eventbridge }: { readonly sqs: SQSClient; readonly eventbridge: EventBridgeClient },
  { ordered, visibilitySeconds }: { readonly ordered: boolean; readonly visibilitySeconds: number },
): Promise<DeliveryQueues> {
  const create = (
    names: { queue: string; deadLetterQueue: string },
    attributes: Record<string, string> = {},
  ) => createPair(sqs, names, visibilitySeconds, attributes);
  const urls = await create(
    { queue: deliveryQueue(ordered), deadLetterQueue: deliveryDeadLetterQueue(ordered) },
    ordered
      ? { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' }
      : {},
  );
  const target = ordered
    ? await create({ queue: NAMES.orderQueue, deadLetterQueue: NAMES.orderDeadLetterQueue })
    : urls;
  const EventPattern = JSON.stringify({ source: ['genesys.cloud'] });
  await eventbridge.send(new PutRuleCommand({ EventBusName: NAMES.bus, Name: RULE, EventPattern }));
  await eventbridge.send(
    new PutTargetsCommand({
      EventBusName: NAMES.bus,
      Rule: RULE,
      Targets: [{ Id: 'delivery', Arn: await arnOf(sqs, target.queueUrl) }],
    }),
  );
  return urls;
}

/** A queue and its dead-letter queue, which are of the same type. */
async function createPair(
  sqs: SQSClient,
  names: { readonly queue: string; readonly deadLetterQueue: string },
  visibilitySeconds: number,
  type: Record<string, string>,
): Promise<DeliveryQueues> {
  const deadLetterQueueUrl = await createQueue(sqs, names.deadLetterQueue, type);
  const queueUrl = await createQueue(sqs, names.queue, {
    ...type,
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: await arnOf(sqs, deadLetterQueueUrl),
      maxReceiveCount: MAX_RECEIVES,
    }),
  });
  return { queueUrl, deadLetterQueueUrl };
}
