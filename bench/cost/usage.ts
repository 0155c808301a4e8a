import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { startPipeline } from '../../bin/local/pipeline.ts';
import { CLIENT, environmentOf, startPlatform } from '../../bin/local/simulated-platform.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import type { Usage } from './model.ts';

/** SQS bills each 64 KB chunk of a request. */
const SQS_CHUNK_BYTES = 65_536;
/**
 * Time that the stages of an invocation (claim, publish, mark) wait for AWS in total. The emulator responds
 * immediately, so this time is added to the measured duration.
 */
export const AWS_WAIT_SECONDS = 0.03;
const LOG_EVENT_BYTES = 26;
const MAX_CONNECT_MS = 30_000;
const MAX_SETTLE_MS = 30_000;
const POLL_MS = 20;
const SEED = 1;

/** Runs the pipeline with the simulator and the emulator, and counts the units that AWS would bill. */
export async function measureUsage(rate: number, seconds: number, audit: AuditLevel): Promise<Usage> {
  const usage: Usage = {
    seconds: 0,
    events: 0,
    sqsRequests: 0,
    messages: 0,
    messageBytes: 0,
    eventBridgeEvents: 0,
    putEventsCalls: 0,
    dynamoDbWrites: 0,
    dynamoDbReads: 0,
    invocations: 0,
    invocationSeconds: 0,
    logBytes: 0,
    auditBytes: 0,
  };
  // The metrics of the consumer are log lines, whose bytes are counted.
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
  const events = Math.max(1, Math.round(rate * seconds));
  const faults = parseFaults('none');
  const platform = await startPlatform({
    protocol: 'notification-channels',
    events,
    rate,
    faults,
    seed: SEED,
    exit: true,
    json: true,
    users: 20,
    queues: 5,
    tokenLife: 86_400,
    channelLife: 86_400,
    healthPort: 0,
    audit,
    logLevel: 'SILENT',
  });
  const [{ cloud, account }] = platform.protocols;
  const pipeline = await startPipeline({
    genesys: {
      apiUrl: platform.url,
      loginUrl: platform.url,
      credentials: CLIENT,
    },
    topics: DEFAULT_TOPICS,
    environment: environmentOf(platform.protocols),
    healthPort: 0,
    logLevel: 'SILENT',
    seed: SEED,
    faults,
    audit,
    accounting: new Accounting([account]),
    onCall: ({ target, body }) => {
      if (target === 'AmazonSQS.SendMessageBatch') usage.sqsRequests += chunks(body.length);
      if (target === 'AWSEvents.PutEvents') usage.putEventsCalls++;
      if (target === 'Logs_20140328.PutLogEvents') usage.auditBytes += logBytes(body);
    },
    onInvocation: ({ records, durationMs }) => {
      usage.invocations++;
      usage.invocationSeconds += durationMs / 1000 + AWS_WAIT_SECONDS;
      const bytes = records.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
      usage.messages += records.length;
      usage.messageBytes += bytes;
      // One ReceiveMessage request and one DeleteMessageBatch request per batch.
      usage.sqsRequests += chunks(bytes) + 1;
    },
  });
  const restore = countLogs((bytes) => {
    usage.logBytes += bytes;
  });
  const deadlineMs = Date.now() + MAX_CONNECT_MS;
  while (!pipeline.ingester.isCovered && Date.now() < deadlineMs) await delay(POLL_MS);
  const { capacity } = pipeline.emulator.dynamodb;
  const before = { writes: capacity.writeUnits, reads: capacity.readUnits };
  const startedAtMs = Date.now();
  await cloud.play(() => undefined);
  usage.seconds = (Date.now() - startedAtMs) / 1000;
  await account.ledger.settled(MAX_SETTLE_MS);
  await pipeline.drain(MAX_SETTLE_MS);
  restore();
  usage.events = account.ledger.report().published;
  usage.dynamoDbWrites = capacity.writeUnits - before.writes;
  usage.dynamoDbReads = capacity.readUnits - before.reads;
  usage.eventBridgeEvents = pipeline.emulator.eventbridge.billed.events;
  await pipeline.close();
  await platform.close();
  return usage;
}

/** CloudWatch Logs bills the messages, and 26 bytes for each. */
function logBytes(body: string): number {
  const { logEvents } = JSON.parse(body) as { logEvents: { message: string }[] };
  return logEvents.reduce((sum, { message }) => sum + Buffer.byteLength(message) + LOG_EVENT_BYTES, 0);
}

function chunks(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / SQS_CHUNK_BYTES));
}

/** Counts the bytes written to standard output instead of writing them. @returns a function that restores the output */
function countLogs(count: (bytes: number) => void): () => void {
  const write = process.stdout.write;
  process.stdout.write = (chunk: string | Uint8Array) => {
    count(Buffer.byteLength(chunk));
    return true;
  };
  return () => {
    process.stdout.write = write;
  };
}
