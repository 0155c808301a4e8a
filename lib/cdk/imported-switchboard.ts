import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { DEFAULTS } from './configuration.ts';
import { type GrantedResources, SwitchboardBase } from './switchboard-base.ts';

/** An existing deployment. The outputs of its stack have these values. */
export interface SwitchboardAttributes extends GrantedResources {
  /** ARN of the event bus with the published events. */
  readonly eventBusArn: string;

  /**
   * `source` of the published events.
   *
   * @default 'genesys.cloud'
   */
  readonly eventSource?: string;

  /**
   * Name of the deployment, required for its metrics.
   *
   * @default - the metrics cannot be used
   */
  readonly deploymentName?: string;
}

/** A deployment that another app or stack has created. */
export class ImportedSwitchboard extends SwitchboardBase {
  readonly bus: IEventBus;
  readonly eventSource: string;
  protected readonly granted: GrantedResources;
  private readonly givenName: string | undefined;

  constructor(scope: Construct, id: string, attributes: SwitchboardAttributes) {
    super(scope, id);
    const { eventBusArn, eventSource, deploymentName } = attributes;
    this.bus = EventBus.fromEventBusArn(this, 'Bus', eventBusArn) as IEventBus;
    this.eventSource = eventSource ?? DEFAULTS.eventSource;
    this.givenName = deploymentName;
    this.granted = attributes;
  }

  /** @throws Error if the deployment was imported without its name */
  override get deploymentName(): string {
    if (this.givenName === undefined)
      throw new Error(
        `${this.node.path} was imported without \`deploymentName\`, which its metrics need. Specify it in Switchboard.fromAttributes: it is the stack output SwitchboardDeploymentName.`,
      );
    return this.givenName;
  }
}
