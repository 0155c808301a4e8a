import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  FilterLogEventsCommand,
  type InputLogEvent,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { cloudWatchLogs, uniqueName } from './contract-clients.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What CloudWatch Logs counts for an event in addition to its message. */
const OVERHEAD_BYTES = 26;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_BATCH_EVENTS = 10_000;

const logGroupName = uniqueName('logs');

beforeAll(async () => {
  await cloudWatchLogs.send(new CreateLogGroupCommand({ logGroupName }));
});
afterAll(async () => {
  await cloudWatchLogs.send(new DeleteLogGroupCommand({ logGroupName }));
});

async function createStream(): Promise<string> {
  const logStreamName = `consumer/${uniqueName('stream')}`;
  await cloudWatchLogs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  return logStreamName;
}

function put(logStreamName: string, logEvents: InputLogEvent[]) {
  return cloudWatchLogs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

async function messagesIn(...logStreamNames: string[]): Promise<(string | undefined)[]> {
  const messages: (string | undefined)[] = [];
  let nextToken: string | undefined;
  do {
    const command = new FilterLogEventsCommand({ logGroupName, logStreamNames, nextToken });
    const page = await cloudWatchLogs.send(command);
    messages.push(...(page.events ?? []).map(({ message }) => message));
    nextToken = page.nextToken;
  } while (nextToken);
  return messages;
}

contract('logs.put', 'Log events are stored in their stream with time and message', async () => {
  const logStreamName = await createStream();
  const timestamp = Date.now();
  await put(logStreamName, [
    { timestamp, message: '{"a":"é"}' },
    { timestamp: timestamp + 1, message: 'two' },
  ]);
  const command = new FilterLogEventsCommand({ logGroupName, logStreamNames: [logStreamName] });
  const { events } = await cloudWatchLogs.send(command);
  expect(events).toMatchObject([
    { logStreamName, timestamp, message: '{"a":"é"}' },
    { logStreamName, timestamp: timestamp + 1, message: 'two' },
  ]);
});

contract('logs.put-again', 'The same batch again is stored again', async () => {
  const logStreamName = await createStream();
  const events = [{ timestamp: Date.now(), message: 'once' }];
  await put(logStreamName, events);
  await put(logStreamName, events);
  expect(await messagesIn(logStreamName)).toEqual(['once', 'once']);
});

contract('logs.stream-exists', 'A log stream that exists is not created again', async () => {
  const logStreamName = await createStream();
  await expect(
    cloudWatchLogs.send(new CreateLogStreamCommand({ logGroupName, logStreamName })),
  ).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException' });
});

contract('logs.absent', 'A log stream or group that does not exist has its own error', async () => {
  const message = { timestamp: Date.now(), message: 'lost' };
  await expect(put('absent', [message])).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const command = new CreateLogStreamCommand({ logGroupName: uniqueName('absent'), logStreamName: 'stream' });
  await expect(cloudWatchLogs.send(command)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

contract('logs.order', 'A batch that is not in chronological order is refused', async () => {
  const logStreamName = await createStream();
  const timestamp = Date.now();
  const events = [
    { timestamp, message: 'later' },
    { timestamp: timestamp - 1, message: 'earlier' },
  ];
  await expect(put(logStreamName, events)).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

contract('logs.batch-bytes', 'A batch is limited to 1 MiB, with 26 bytes per event', async () => {
  const logStreamName = await createStream();
  const timestamp = Date.now();
  const messages = (count: number, bytes: number) =>
    Array.from({ length: count }, () => ({ timestamp, message: 'x'.repeat(bytes - OVERHEAD_BYTES) }));
  await put(logStreamName, messages(16, MAX_BATCH_BYTES / 16));
  const above = [...messages(15, MAX_BATCH_BYTES / 16), ...messages(1, MAX_BATCH_BYTES / 16 + 1)];
  await expect(put(logStreamName, above)).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

contract('logs.batch-events', 'A batch is limited to 10,000 events', async () => {
  const logStreamName = await createStream();
  const timestamp = Date.now();
  const events = (length: number) => Array.from({ length }, () => ({ timestamp, message: 'x' }));
  await put(logStreamName, events(MAX_BATCH_EVENTS));
  await expect(put(logStreamName, events(MAX_BATCH_EVENTS + 1))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  expect(await messagesIn(logStreamName)).toHaveLength(MAX_BATCH_EVENTS);
});

contract(
  'logs.rejected',
  'Events outside the accepted times are rejected, and the others are stored',
  async () => {
    const logStreamName = await createStream();
    const now = Date.now();
    const old = await put(logStreamName, [{ timestamp: now - 15 * DAY_MS, message: 'too old' }]);
    expect(old.rejectedLogEventsInfo?.tooOldLogEventEndIndex).toBe(1);
    const future = await put(logStreamName, [
      { timestamp: now, message: 'stored' },
      { timestamp: now + 3 * HOUR_MS, message: 'too new' },
    ]);
    expect(future.rejectedLogEventsInfo?.tooNewLogEventStartIndex).toBe(1);
    expect(await messagesIn(logStreamName)).toEqual(['stored']);
  },
);
