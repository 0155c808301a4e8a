import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import {
  Archive,
  type CfnArchive,
  type CfnEventBus,
  EventBus,
  type EventBusProps,
  type IEventBus,
} from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deploymentName } from './cloudwatch-metrics.ts';

/** Properties of {@link Bus}. */
export interface BusProps {
  /**
   * Event bus to publish to.
   *
   * @default - a new event bus
   */
  readonly bus?: IEventBus | EventBus | undefined;

  /** Dead-letter queue of a new event bus for events that cannot be encrypted or decrypted with the KMS key. */
  readonly quarantine: Queue;

  /**
   * KMS key for a new event bus and the archive.
   *
   * @default - AWS owned keys
   */
  readonly encryptionKey?: IKey | undefined;

  /** `source` of the published events. */
  readonly eventSource: string;

  /**
   * Retention of the archive, in days.
   *
   * @default - no archive
   */
  readonly archiveDays?: number | undefined;

  /** Removal policy of the archive. */
  readonly removalPolicy: RemovalPolicy;
}

/** The event bus, with an optional archive. */
export class Bus extends Construct {
  /** Event bus to publish to. */
  readonly bus: IEventBus;
  /** Bus for PutEvents: the name of a new bus, or the ARN of a given bus, which may belong to another account. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: BusProps) {
    super(scope, id);
    const { archiveDays } = props;
    const { encryptionKey, quarantine } = props;
    const description = 'Genesys Cloud events, published by Switchboard';
    // The default name contains the id of the stack, which is not unique in an account.
    const eventBusName = deploymentName(this);
    this.bus = (props.bus ??
      createBus(this, { description, eventBusName, encryptionKey, quarantine })) as IEventBus;
    this.address = props.bus ? this.bus.eventBusArn : this.bus.eventBusName;
    if (archiveDays !== undefined) this.createArchive(archiveDays, props);
  }

  private createArchive(days: number, { encryptionKey, eventSource, removalPolicy }: BusProps): void {
    const archive = new Archive(this, 'Archive', {
      sourceEventBus: this.bus,
      description: 'All events published by Switchboard, for replay',
      eventPattern: { source: [eventSource] },
      retention: Duration.days(days),
    });
    archive.applyRemovalPolicy(removalPolicy);
    if (encryptionKey) (archive.node.defaultChild as CfnArchive).kmsKeyIdentifier = encryptionKey.keyArn;
  }
}

/**
 * Creates an event bus. With a KMS key, events that cannot be encrypted or decrypted are sent to the quarantine queue.
 *
 * @param settings - `eventSourceName` for the bus of a partner event source, `eventBusName` for others
 */
export function createBus(
  scope: Construct,
  {
    encryptionKey,
    quarantine,
    ...settings
  }: Pick<BusProps, 'encryptionKey' | 'quarantine'> &
    Pick<EventBusProps, 'description' | 'eventBusName' | 'eventSourceName'>,
): IEventBus {
  const bus = new EventBus(scope, 'Bus', {
    ...settings,
    ...(encryptionKey ? { deadLetterQueue: quarantine } : {}),
  });
  if (!encryptionKey) return bus as IEventBus;
  // The `kmsKey` property would add the bus to the key policy, which creates a circular dependency.
  (bus.node.defaultChild as CfnEventBus).kmsKeyIdentifier = encryptionKey.keyArn;
  quarantine.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [quarantine.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': bus.eventBusArn } },
    }),
  );
  return bus as IEventBus;
}
