import {
  FlowLogDestination,
  FlowLogMaxAggregationInterval,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct, type IDependable } from 'constructs';
import type { IngesterOptions } from './ingester-options.ts';
import { type LogSettings, logGroup } from './log-group.ts';

/** Availability Zones of a new VPC. */
const MAX_AVAILABILITY_ZONES = 2;
/** Genesys Cloud (HTTPS and WSS) and AWS services both use this port. */
const HTTPS_PORT = 443;

/** Properties of {@link Network}. */
export interface NetworkProps {
  /**
   * VPC of the ingester.
   *
   * @default - a new VPC
   */
  readonly vpc?: IVpc | Vpc | undefined;

  /**
   * Subnets of the ingester.
   *
   * @default - private subnets with egress if the VPC has any, otherwise public subnets
   */
  readonly vpcSubnets?: SubnetSelection | undefined;

  /**
   * Cluster and security groups of the user.
   *
   * @default - a new security group
   */
  readonly ingester?: IngesterOptions | undefined;

  /** Settings of the log group for the flow logs of a new VPC. */
  readonly logs: LogSettings;
}

/**
 * Network of the ingester, which allows outbound connections on port 443 and no inbound connections. A new VPC has
 * public subnets and no NAT gateway, because a NAT gateway costs several times as much as the ingester. DynamoDB and S3
 * are reached through gateway endpoints, which are free of charge.
 */
export class Network extends Construct {
  /** VPC of the ingester. */
  readonly vpc: IVpc;
  /** Subnets of the ingester. */
  readonly subnets: SubnetSelection;
  /** Whether the tasks need public IP addresses to reach the internet. */
  readonly assignPublicIp: boolean;
  /** The routes of the subnets to the internet. */
  readonly internet: IDependable;
  /** Security groups of the tasks. A new one has no inbound rules. */
  readonly securityGroups: readonly ISecurityGroup[];

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { cluster, securityGroups } = props.ingester ?? {};
    this.vpc = (cluster?.vpc ?? props.vpc ?? this.createVpc(props.logs)) as IVpc;
    this.subnets = props.vpcSubnets ?? {
      subnetType: this.vpc.privateSubnets.length > 0 ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PUBLIC,
    };
    const { hasPublic, internetConnectivityEstablished } = this.vpc.selectSubnets(this.subnets);
    this.assignPublicIp = hasPublic;
    this.internet = internetConnectivityEstablished;
    this.securityGroups = (securityGroups ?? [this.createSecurityGroup()]) as ISecurityGroup[];
  }

  private createSecurityGroup(): SecurityGroup {
    const group = new SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Switchboard ingester: outbound HTTPS only',
      allowAllOutbound: false,
    });
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(HTTPS_PORT), 'Genesys Cloud and AWS');
    return group;
  }

  private createVpc(logs: LogSettings): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      maxAzs: MAX_AVAILABILITY_ZONES,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
      gatewayEndpoints: {
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
      // The default security group is unused. Restricting it would require a custom resource with EC2 permissions.
      restrictDefaultSecurityGroup: false,
    });
    vpc.addFlowLog('FlowLog', {
      destination: FlowLogDestination.toCloudWatchLogs(logGroup(this, 'FlowLogs', logs)),
      trafficType: FlowLogTrafficType.REJECT,
      maxAggregationInterval: FlowLogMaxAggregationInterval.TEN_MINUTES,
    });
    return vpc;
  }
}
