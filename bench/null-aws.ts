import type { HttpRequest } from '@smithy/types';
import type { AwsEdge } from '../lib/aws/aws-clients.ts';

/** Creates a null AWS, which accepts every request immediately, so that only the code of Switchboard is measured. */
export function nullAws(): AwsEdge & { calls: Map<string, number> } {
  const calls = new Map<string, number>();
  return {
    calls,
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    credentials: { accessKeyId: 'null', secretAccessKey: 'null' },
    requestHandler: {
      handle: async (request: HttpRequest) => {
        const target = request.headers['x-amz-target'] ?? '';
        calls.set(target, (calls.get(target) ?? 0) + 1);
        const body = JSON.stringify(answer(target, String(request.body)));
        return {
          response: {
            statusCode: 200,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: Buffer.from(body),
          },
        };
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    } as unknown as NonNullable<AwsEdge['requestHandler']>,
  };
}

/** Value of every secret. */
export const NULL_SECRET = '0123456789abcdef'.repeat(4);

/** Response for the maximum of ten entries, with the ids that the batcher assigns. */
const ALL_ACCEPTED = {
  Successful: Array.from({ length: 10 }, (_, index) => ({ Id: String(index), MessageId: String(index) })),
};

function answer(target: string, body: string): unknown {
  switch (target) {
    case 'AmazonSQS.SendMessageBatch':
      return ALL_ACCEPTED;
    case 'AmazonSQS.SendMessage':
      return { MessageId: '1' };
    case 'secretsmanager.GetSecretValue':
      return { SecretString: NULL_SECRET };
    case 'AWSEvents.PutEvents':
      return {
        FailedEntryCount: 0,
        Entries: entriesOf(body).map((_, index) => ({ EventId: String(index) })),
      };
    case 'DynamoDB_20120810.BatchExecuteStatement':
      return { Responses: [] };
    default:
      return {};
  }
}

/** One item per entry of the request. They are counted without parsing, which would add to the measured time. */
function entriesOf(body: string): RegExpMatchArray[] {
  return [...body.matchAll(/"DetailType":/g)];
}
