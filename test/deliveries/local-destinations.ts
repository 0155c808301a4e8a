import { type AttributeValue, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { LocalAws, STATE_TABLE } from '../ingester/local-aws.ts';

/** Environment of a command that uses the emulator at this URL. */
export function commandEnvironment(url: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

/** Emulated AWS with destinations, as the delivery function stores them. */
export class LocalDestinations {
  readonly aws: LocalAws;

  private constructor(aws: LocalAws) {
    this.aws = aws;
  }

  static async start(): Promise<LocalDestinations> {
    return new LocalDestinations(await LocalAws.start());
  }

  /** A queue and its dead-letter queue. */
  createQueues(name: string) {
    const { sqs } = this.aws.emulator;
    const deadLetter = sqs.createQueue(`${name}-dead-letter`);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetter.arn, maxReceiveCount: 1_000 });
    return { queue: sqs.createQueue(name, { RedrivePolicy }), deadLetter };
  }

  urlOf(queue: { readonly name: string }): string {
    return this.aws.emulator.sqs.queueUrl(queue.name);
  }

  /** Stores a destination with its queues. */
  async put(
    name: string,
    queues: { queueUrl: string; deadLetterQueueUrl: string },
    more: Record<string, AttributeValue> = {},
  ): Promise<void> {
    const Item = {
      pk: { S: 'deliveries' },
      sk: { S: name },
      version: { N: '3' },
      state: { S: 'closed' },
      sinceMs: { N: '1800000000000' },
      origin: { S: `https://${name.toLowerCase()}.example.com` },
      queueUrl: { S: queues.queueUrl },
      deadLetterQueueUrl: { S: queues.deadLetterQueueUrl },
      updatedAtMs: { N: '1800000001000' },
      ...more,
    };
    await this.aws.dynamodb.send(new PutItemCommand({ TableName: STATE_TABLE, Item }));
  }

  async stored(name: string): Promise<Record<string, AttributeValue> | undefined> {
    const Key = { pk: { S: 'deliveries' }, sk: { S: name } };
    return (await this.aws.dynamodb.send(new GetItemCommand({ TableName: STATE_TABLE, Key }))).Item;
  }

  async close(): Promise<void> {
    await this.aws.close();
  }
}
