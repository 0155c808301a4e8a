import { createServer } from 'node:http';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type AwsEdge,
  dynamoDbClient,
  eventBridgeClient,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
/** A queue URL of AWS. Its host must not be contacted if an emulator is configured. */
const AWS_QUEUE_URL = 'https://sqs.us-east-1.amazonaws.com/000000000000/events';
const get = () => new GetItemCommand({ TableName: 't', Key: { pk: { S: 'x' } } });
const receive = () => new ReceiveMessageCommand({ QueueUrl: AWS_QUEUE_URL });
const put = () => new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 'd', Detail: '{}' }] });

beforeEach(() => {
  // The environment of the test run must not set a Region or an endpoint.
  for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SQS', 'AWS_REGION', 'AWS_DEFAULT_REGION']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('Attempts made by the SDK', () => {
  let requests = 0;
  let answer: 'reset' | number = 500;
  let edge: AwsEdge;
  const server = createServer((request, response) => {
    requests++;
    if (answer === 'reset') request.socket.destroy();
    else response.writeHead(answer, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
  });

  beforeEach(async () => {
    requests = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The server is not listening');
    edge = { ...LOCAL, endpoint: `http://127.0.0.1:${address.port}` };
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const calls: [string, number, (edge: AwsEdge) => Promise<unknown>][] = [
    ['SQS', 1, (to) => sqsClient(to).send(receive())],
    ['EventBridge', 1, (to) => eventBridgeClient(to).send(put())],
    ['DynamoDB', 3, (to) => dynamoDbClient(to).send(get())],
    ['DynamoDB (with retries disabled)', 1, (to) => dynamoDbClient(to, 1).send(get())],
    [
      'Secrets Manager',
      3,
      (to) => secretsManagerClient(to).send(new GetSecretValueCommand({ SecretId: 's' })),
    ],
  ];

  test.each(calls)('The client for %s attempts a failing request %i time(s)', async (_, attempts, call) => {
    for (const failure of [500, 'reset'] as const) {
      answer = failure;
      requests = 0;
      const error = await call(edge).catch((reason: unknown) => reason);
      expect(isTransient(error)).toBe(true);
      expect(requests).toBe(attempts);
    }
  });
});

describe('Emulators', () => {
  let emulator: Emulator;
  beforeEach(() => {
    emulator = new Emulator();
  });
  afterEach(() => emulator.close());

  /** Sends and receives a message through a queue URL with a host of AWS. */
  async function roundTrip(edge: AwsEdge): Promise<string | undefined> {
    const sqs = sqsClient(edge);
    await sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    await sqs.send(new SendMessageCommand({ QueueUrl: AWS_QUEUE_URL, MessageBody: 'hello' }));
    const { Messages } = await sqs.send(receive());
    return Messages?.[0]?.Body;
  }

  test('The SQS client sends requests to the emulator, not to the host of the queue URL', async () => {
    const { url } = await emulator.listen();
    expect(await roundTrip({ ...LOCAL, endpoint: url })).toBe('hello');
  });

  test.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SQS'])(
    'The SQS client sends requests to the emulator in %s',
    async (name) => {
      const { url } = await emulator.listen();
      vi.stubEnv(name, url);
      expect(await roundTrip(LOCAL)).toBe('hello');
    },
  );

  test('The SQS client sends requests to an emulator in the same process', async () => {
    expect(await roundTrip({ ...LOCAL, requestHandler: emulator.requestHandler() })).toBe('hello');
  });

  test('The emulator understands the requests of every client', async () => {
    const { url } = await emulator.listen();
    const edge = { ...LOCAL, endpoint: url };
    const { Entries, FailedEntryCount } = await eventBridgeClient(edge).send(put());
    expect(FailedEntryCount).toBe(0);
    expect(Entries?.[0]?.EventId).toMatch(/^[\da-f-]{36}$/);
    await expect(dynamoDbClient(edge).send(get())).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const secret = new GetSecretValueCommand({ SecretId: 'none' });
    await expect(secretsManagerClient(edge).send(secret)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

test('The clients send requests to AWS without an emulator, and SQS requests to the host of the queue URL', async () => {
  // The SDK logs a warning if the queue is in another Region.
  vi.spyOn(console, 'warn').mockReturnValue();
  const hosts: string[] = [];
  const emulator = new Emulator();
  const inside = emulator.requestHandler();
  const requestHandler: typeof inside = {
    ...inside,
    handle: (request, options) => {
      hosts.push(request.hostname);
      return inside.handle(request, options);
    },
  };
  const edge = { ...LOCAL, region: 'eu-central-1', requestHandler };
  await sqsClient(edge).send(new CreateQueueCommand({ QueueName: 'events' }));
  await sqsClient(edge).send(receive());
  await eventBridgeClient(edge).send(put());
  await dynamoDbClient(edge)
    .send(get())
    .catch(() => undefined);
  expect(hosts).toEqual([
    'sqs.eu-central-1.amazonaws.com',
    'sqs.us-east-1.amazonaws.com',
    'events.eu-central-1.amazonaws.com',
    'dynamodb.eu-central-1.amazonaws.com',
  ]);
  await emulator.close();
});
