import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Message retention. 14 days is the maximum of SQS. */
const RETENTION_DAYS = 14;
/** Number of receives after which a message is moved to the dead-letter queue. */
const MAX_RECEIVES = 5;
/** AWS recommends a visibility timeout of at least six times the timeout of the function. */
export const VISIBILITY_FACTOR = 6;

/** Timeout of the consumer function, from which the visibility timeout of its queue is derived. */
export const CONSUMER_TIMEOUT_SECONDS = 30;
/**
 * Time after which a message that failed is received again. It is not shortened: with five receives, a message outlasts
 * an outage of twelve minutes of EventBridge or DynamoDB before it is moved to the dead-letter queue.
 */
export const EVENTS_VISIBILITY_SECONDS = VISIBILITY_FACTOR * CONSUMER_TIMEOUT_SECONDS;
/** Timeout of the backfill function. */
export const BACKFILL_TIMEOUT_SECONDS = 300;

/** Properties of {@link Queues}. */
export interface QueuesProps {
  /**
   * KMS key that encrypts the messages.
   *
   * @default - Amazon SQS managed keys (SSE-SQS)
   */
  readonly encryptionKey?: IKey | undefined;

  /** Removal policy of the queues. */
  readonly removalPolicy: RemovalPolicy;
}

/** The queues of the backfill. Their messages carry no events. */
export interface GapsQueues {
  /** Wakes the backfill. */
  readonly gaps: Queue;
  /** Contains messages on which the backfill failed five times. */
  readonly deadLetter: Queue;
}

/** The three SQS queues of events. They are encrypted, require TLS and retain messages for 14 days (P1). */
export class Queues extends Construct {
  /** Carries events from the ingester to the consumer. */
  readonly events: Queue;
  /** Contains messages that failed five times. Redrive it after the cause is fixed. */
  readonly deadLetter: Queue;
  /** Contains items that cannot be processed by retrying. The message attribute `reason` states why. */
  readonly quarantine: Queue;

  private readonly props: QueuesProps;

  constructor(scope: Construct, id: string, props: QueuesProps) {
    super(scope, id);
    this.props = props;
    this.deadLetter = createQueue(this, 'DeadLetter', props);
    this.quarantine = createQueue(this, 'Quarantine', props);
    this.events = createQueue(this, 'Events', props, {
      visibilityTimeout: Duration.seconds(EVENTS_VISIBILITY_SECONDS),
      deadLetterQueue: { queue: this.deadLetter, maxReceiveCount: MAX_RECEIVES },
    });
    const reason = 'This is the last queue for failed messages. An alarm reports each message sent to it.';
    Validations.of(this.deadLetter).acknowledge({ id: 'Serverless-SQSRedrivePolicy', reason });
    Validations.of(this.quarantine).acknowledge(
      { id: 'Serverless-SQSRedrivePolicy', reason },
      { id: 'AwsSolutions-SQS3', reason },
    );
  }

  /** Creates the queue that wakes the backfill. */
  addGaps(): GapsQueues {
    const deadLetter = createQueue(this, 'GapsDeadLetter', this.props);
    const gaps = createQueue(this, 'Gaps', this.props, {
      visibilityTimeout: Duration.seconds(VISIBILITY_FACTOR * BACKFILL_TIMEOUT_SECONDS),
      deadLetterQueue: { queue: deadLetter, maxReceiveCount: MAX_RECEIVES },
    });
    Validations.of(deadLetter).acknowledge({
      id: 'Serverless-SQSRedrivePolicy',
      reason: 'Its messages only wake the backfill, which also finds gaps in the state table.',
    });
    return { gaps, deadLetter };
  }
}

/**
 * Creates a queue that is encrypted, requires TLS and retains messages for 14 days.
 *
 * @param more - for a source of a function its visibility timeout and dead-letter queue, and what makes it FIFO
 */
export function createQueue(
  scope: Construct,
  id: string,
  { encryptionKey, removalPolicy }: QueuesProps,
  more: Pick<
    QueueProps,
    'visibilityTimeout' | 'deadLetterQueue' | 'fifo' | 'deduplicationScope' | 'fifoThroughputLimit'
  > = {},
): Queue {
  return new Queue(scope, id, {
    enforceSSL: true,
    retentionPeriod: Duration.days(RETENTION_DAYS),
    removalPolicy,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    ...more,
  });
}
