import { Duration } from 'aws-cdk-lib';
import { Archive, type CfnArchive, type CfnEventBus, EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Which bus, and what it keeps. */
export interface BusProps {
  /** @default a bus of its own */
  readonly bus?: IEventBus | EventBus | undefined;
  /** Gets what a bus of our own could not encrypt or decrypt with a key of the user's. */
  readonly quarantine: Queue;
  readonly encryptionKey?: IKey | undefined;
  /** `source` of the published events. */
  readonly eventSource: string;
  /** Days that the archive keeps them. @default no archive */
  readonly archiveDays?: number | undefined;
}

/** The bus that events are published on. */
export class Bus extends Construct {
  readonly bus: IEventBus;
  /** What PutEvents is told: a bus of somebody else's is named by its ARN, for it may be another account's. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: BusProps) {
    super(scope, id);
    const { archiveDays } = props;
    this.bus = (props.bus ?? this.ownBus(props)) as IEventBus;
    this.address = props.bus ? this.bus.eventBusArn : this.bus.eventBusName;
    if (archiveDays !== undefined) this.keep(archiveDays, props);
  }

  private ownBus({ encryptionKey, quarantine }: BusProps): EventBus {
    const bus = new EventBus(this, 'Bus', {
      description: 'Genesys Cloud events, each once, published by Switchboard',
      ...(encryptionKey ? { deadLetterQueue: quarantine } : {}),
    });
    if (!encryptionKey) return bus;
    // Not by `kmsKey`: that makes the key's policy name the bus, and each would wait for the other.
    (bus.node.defaultChild as CfnEventBus).kmsKeyIdentifier = encryptionKey.keyArn;
    quarantine.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [quarantine.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': bus.eventBusArn } },
      }),
    );
    return bus;
  }

  private keep(days: number, { encryptionKey, eventSource }: BusProps): void {
    const archive = new Archive(this, 'Archive', {
      sourceEventBus: this.bus,
      description: 'Every event that Switchboard published, for a replay',
      eventPattern: { source: [eventSource] },
      retention: Duration.days(days),
    });
    if (encryptionKey) (archive.node.defaultChild as CfnArchive).kmsKeyIdentifier = encryptionKey.keyArn;
  }
}
