import {
  FlowLogDestination,
  FlowLogMaxAggregationInterval,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { type LogSettings, logGroup } from './log-group.ts';

/** Availability zones of a VPC of our own. */
const ZONES = 2;
/** Genesys Cloud (`wss`, `https`) and AWS are both here. */
const HTTPS_PORT = 443;

/** Where the ingester runs. */
export interface NetworkProps {
  /** @default a VPC of its own */
  readonly vpc?: IVpc | Vpc | undefined;
  /** @default private subnets with a way out, else public ones */
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly logs: LogSettings;
}

/**
 * Network of the ingester: it calls out on port 443 and nobody calls in. A VPC of our own has public subnets and no
 * NAT gateway, which would cost several times what the ingester does; DynamoDB and S3 are reached through gateway
 * endpoints, which are free.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  /** Whether a task needs an address of its own to reach the internet. */
  readonly assignPublicIp: boolean;
  /** Lets nothing in. */
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = (props.vpc ?? this.ownVpc(props.logs)) as IVpc;
    this.subnets = props.vpcSubnets ?? {
      subnetType: this.vpc.privateSubnets.length > 0 ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PUBLIC,
    };
    this.assignPublicIp = this.vpc.selectSubnets(this.subnets).hasPublic;
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Switchboard ingester: calls out over HTTPS, nothing comes in',
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(HTTPS_PORT), 'Genesys Cloud and AWS');
  }

  private ownVpc(logs: LogSettings): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      maxAzs: ZONES,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
      gatewayEndpoints: {
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
      // Nothing is in the default group; emptying it takes a function that may change security groups.
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
