import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** The longest that SQS keeps a message. */
const RETENTION_DAYS = 14;
/** Receives after which a message goes to the dead-letter queue. */
const MAX_RECEIVES = 5;
/** AWS asks for a visibility timeout of at least six times that of the function behind an event source. */
const VISIBILITY_FACTOR = 6;

/** Time limit of the consumer function; the visibility timeout of its queue follows from it. */
export const CONSUMER_TIMEOUT_SECONDS = 30;

/** Encryption and end of the queues. */
export interface QueuesProps {
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** The three queues, encrypted, over TLS only, each keeping its messages for 14 days (P1). */
export class Queues extends Construct {
  /** From the ingester to the consumer. */
  readonly events: Queue;
  /** What the consumer could not finish in five receives; redrive it when the cause is gone. */
  readonly deadLetter: Queue;
  /** What no retry can mend, with its reason. */
  readonly quarantine: Queue;

  constructor(scope: Construct, id: string, props: QueuesProps) {
    super(scope, id);
    this.deadLetter = this.queue('DeadLetter', props);
    this.quarantine = this.queue('Quarantine', props);
    this.events = this.queue('Events', props, {
      visibilityTimeout: Duration.seconds(VISIBILITY_FACTOR * CONSUMER_TIMEOUT_SECONDS),
      deadLetterQueue: { queue: this.deadLetter, maxReceiveCount: MAX_RECEIVES },
    });
    const reason = 'It is where messages end; an alarm tells of every one that comes.';
    Validations.of(this.deadLetter).acknowledge({ id: 'Serverless-SQSRedrivePolicy', reason });
    Validations.of(this.quarantine).acknowledge(
      { id: 'Serverless-SQSRedrivePolicy', reason },
      { id: 'AwsSolutions-SQS3', reason },
    );
  }

  private queue(
    id: string,
    { encryptionKey, removalPolicy }: QueuesProps,
    more: Pick<ConstructorParameters<typeof Queue>[2] & object, 'visibilityTimeout' | 'deadLetterQueue'> = {},
  ): Queue {
    return new Queue(this, id, {
      enforceSSL: true,
      retentionPeriod: Duration.days(RETENTION_DAYS),
      removalPolicy,
      ...(encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
      ...more,
    });
  }
}
