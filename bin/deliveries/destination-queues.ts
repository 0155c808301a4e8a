import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import { explainQueueError } from '../aws-access/aws-access-error.ts';
import type { DestinationState } from './destination-states.ts';

/** Queues that are read at the same time. */
const CONCURRENT_READS = 10;

/** A destination and its messages. A count is undefined if the queue could not be read. */
export interface CountedDestination extends DestinationState {
  /** Messages that can be received, or are delayed. */
  readonly waiting: number | undefined;
  /** Messages that are being delivered, or are waiting for their next attempt. */
  readonly inFlight: number | undefined;
  /** Messages in the dead-letter queue. */
  readonly deadLetters: number | undefined;
}

/**
 * Counts the messages of each destination. The counts of SQS are approximate.
 *
 * @param onProblem - called with an explanation for each queue that cannot be read
 */
export async function countMessages(
  sqs: SQSClient,
  destinations: readonly DestinationState[],
  onProblem: (text: string) => void,
): Promise<CountedDestination[]> {
  const limit = pLimit(CONCURRENT_READS);
  return await Promise.all(
    destinations.map(async (destination) => {
      const { name, queueUrl, deadLetterQueueUrl } = destination;
      const [queue, deadLetter] = await Promise.all(
        [queueUrl, deadLetterQueueUrl].map((url) =>
          limit(async () => {
            try {
              return url === undefined ? undefined : await counts(sqs, url);
            } catch (error) {
              const explained = explainQueueError(error, url ?? '', 'sqs:GetQueueAttributes');
              onProblem(
                `${name}: a queue could not be read. ${explained instanceof Error ? explained.message : explained}`,
              );
              return undefined;
            }
          }),
        ),
      );
      return {
        ...destination,
        waiting: queue?.waiting,
        inFlight: queue?.inFlight,
        deadLetters: deadLetter && deadLetter.waiting + deadLetter.inFlight,
      };
    }),
  );
}

async function counts(sqs: SQSClient, url: string): Promise<{ waiting: number; inFlight: number }> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesDelayed',
        'ApproximateNumberOfMessagesNotVisible',
      ],
    }),
  );
  return {
    waiting:
      Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesDelayed),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
}
