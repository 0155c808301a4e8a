import { createHash } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { sqs, uniqueName } from './contract-clients.ts';

/** How long one receive waits for messages. */
const WAIT_SECONDS = 2;
/** Maximum number of receives until all expected messages arrive. */
const MAX_RECEIVES = 6;

/** A queue of this run. */
export interface Queue {
  readonly QueueUrl: string;
  readonly arn: string;
}

const created: Queue[] = [];

/** Creates a queue, which {@link deleteQueues} deletes. The name of a FIFO queue has its suffix. */
export async function createQueue(
  purpose: string,
  Attributes: Partial<Record<QueueAttributeName, string>> = {},
  suffix = Attributes.FifoQueue === 'true' ? '.fifo' : '',
): Promise<Queue> {
  const QueueName = uniqueName(purpose) + suffix;
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  const found = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const queue = { QueueUrl, arn: found.Attributes?.QueueArn ?? '' };
  created.push(queue);
  return queue;
}

/** Deletes the queues that {@link createQueue} created in this file. */
export async function deleteQueues(): Promise<void> {
  for (const { QueueUrl } of created.splice(0)) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
}

/** Receives until there are `count` messages; returns fewer if they do not arrive. */
export async function receive(
  { QueueUrl }: Queue,
  count: number,
  options: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message[]> {
  const messages: Message[] = [];
  for (let attempt = 0; attempt < MAX_RECEIVES && messages.length < count; attempt++) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: Math.min(10, count),
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
        ...options,
      }),
    );
    messages.push(...Messages);
  }
  return messages;
}

/** Receives without waiting. */
export function receiveNow(queue: Queue): Promise<Message[]> {
  return receive(queue, 1, { WaitTimeSeconds: 0 });
}

/** MD5 in hex. */
export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
