import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, SQSEvent } from 'aws-lambda';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CALLS, message, queuedEvents } from './local-consumer.ts';

const BUCKET = 'oversize';

let server: Server;
let requests: IncomingMessage[];
let lines: string[];

beforeEach(async () => {
  requests = [];
  lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      lines.push(String(chunk));
      return true;
    });
  }
  // Every request fails, so that a client that retries by itself would do so.
  server = createServer((request, response) => {
    requests.push(request);
    request.resume().on('end', () => response.writeHead(503).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    CLAIMS_TABLE: 'claims',
    EVENT_BUS_NAME: 'bus',
    QUARANTINE_QUEUE_URL: `${url}/000000000000/quarantine`,
    OVERSIZE_BUCKET: BUCKET,
    LOG_LEVEL: 'WARN',
    POWERTOOLS_METRICS_DISABLED: 'false',
  }))
    vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

test('The Lambda function reports and logs unfinished messages, and its SDK clients never repeat a request', async () => {
  const { handler } = await import('../../functions/consumer/handler.ts');
  const [one, unreadable] = [message(queuedEvents(1)), { messageId: 'unreadable', body: 'unreadable' }];
  const context = { awsRequestId: 'id', getRemainingTimeInMillis: () => 1_000 } as unknown as Context;
  const response = await handler({ Records: [one, unreadable] } as unknown as SQSEvent, context);
  expect(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(
    [one.messageId, 'unreadable'].sort(),
  );
  const targets = new Set(requests.map(({ headers }) => headers['x-amz-target']));
  expect(targets).toEqual(new Set([CALLS.insert, CALLS.quarantine]));
  for (const { headers } of requests) expect(headers['amz-sdk-request']).toBe('attempt=1; max=1');
  const [document, ...logs] = lines.map((line) => JSON.parse(line)).sort((one) => ('_aws' in one ? -1 : 1));
  expect(document).toMatchObject({
    service: 'consumer',
    MessagesReturned: 2,
    _aws: { CloudWatchMetrics: [{ Namespace: 'Switchboard' }] },
  });
  expect(logs).toMatchObject([{ service: 'consumer', level: 'ERROR', messageId: 'unreadable' }]);
});
