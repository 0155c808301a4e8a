import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { AwsAccessError, explainQueueError } from '../aws-access/aws-access-error.ts';
import { arnBeside, type QueueReference, queueReference, sameType } from './queue-reference.ts';
import { RedriveError } from './redrive-error.ts';

const PERMISSIONS = 'sqs:GetQueueAttributes, sqs:GetQueueUrl and sqs:ListDeadLetterSourceQueues';

/** The queues of a redrive. Both are standard queues, or both are FIFO queues. */
export interface RedriveQueues {
  readonly fromArn: string;
  readonly toArn: string;
  /** Messages that can be moved, approximately. */
  readonly messages: number;
  /** Messages of the dead-letter queue that a reader has received. They cannot be moved now. */
  readonly inFlight: number;
}

/**
 * Finds the queues of a redrive.
 *
 * @param from - the dead-letter queue
 * @param to - the queue that receives the messages. @default - the only queue that has `from` as its dead-letter queue
 * @throws {@link RedriveError} or {@link AwsAccessError} with a remedy
 */
export async function redriveQueues(
  sqs: SQSClient,
  from: QueueReference,
  to: QueueReference | undefined,
): Promise<RedriveQueues> {
  try {
    const fromUrl = from.url ?? (await urlOf(sqs, from));
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: fromUrl,
        AttributeNames: ['QueueArn', 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    const fromArn = Attributes.QueueArn ?? '';
    if (from.arn !== undefined && from.arn !== fromArn)
      throw new AwsAccessError(
        'no_queue',
        `${from.arn} is not in this account and Region, which have ${fromArn}. Check AWS_REGION and AWS_PROFILE.`,
      );
    const toArn = arnBeside(to ?? (await onlySource(sqs, fromUrl, from.name)), fromArn);
    if (!sameType(fromArn, toArn))
      throw new RedriveError(
        'other_type',
        `${nameOf(fromArn)} and ${nameOf(toArn)} are of different types. SQS moves messages of a FIFO queue only to a FIFO queue, and those of a standard queue only to a standard queue. Choose another queue with --to.`,
      );
    return {
      fromArn,
      toArn,
      messages: Number(Attributes.ApproximateNumberOfMessages),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
    };
  } catch (error) {
    throw explainQueueError(error, from.name, PERMISSIONS);
  }
}

/** The name of a queue. */
export function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1);
}

async function urlOf(sqs: SQSClient, { name }: QueueReference): Promise<string | undefined> {
  return (await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
}

async function onlySource(sqs: SQSClient, url: string | undefined, name: string): Promise<QueueReference> {
  const { queueUrls = [] } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url }));
  const [source, ...others] = queueUrls;
  if (source === undefined)
    throw new RedriveError(
      'not_a_dead_letter_queue',
      `${name} is not the dead-letter queue of any queue. The stack output SwitchboardDeadLetterQueueUrl contains the URL of the one for the events queue.`,
    );
  if (others.length > 0)
    throw new RedriveError(
      'several_sources',
      `${name} is the dead-letter queue of several queues. Choose one with --to: ${queueUrls.join(', ')}.`,
    );
  return queueReference(source);
}
