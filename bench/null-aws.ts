import { hash } from 'node:crypto';
import type { HttpRequest } from '@smithy/types';
import type { AwsEdge } from '../lib/aws/clients.ts';

/** An AWS that accepts everything at once and does nothing: what is measured towards it is our side alone. */
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
        const body = JSON.stringify(answer(target, Buffer.from(request.body as Uint8Array).toString()));
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

function answer(target: string, body: string): unknown {
  switch (target) {
    case 'AmazonSQS.SendMessageBatch': {
      const { Entries } = JSON.parse(body) as { Entries: { Id: string; MessageBody: string }[] };
      const Successful = Entries.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: Id,
        MD5OfMessageBody: hash('md5', MessageBody),
      }));
      return { Successful, Failed: [] };
    }
    case 'AmazonSQS.SendMessage': {
      const { MessageBody } = JSON.parse(body) as { MessageBody: string };
      return { MessageId: '1', MD5OfMessageBody: hash('md5', MessageBody) };
    }
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

/** As many items as the request has entries, counted without parsing it: that would be the callee's time. */
function entriesOf(body: string): RegExpMatchArray[] {
  return [...body.matchAll(/"DetailType":/g)];
}
