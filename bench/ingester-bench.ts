import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Batcher } from '../functions/ingester/batcher.ts';
import { MemoryChannelStore } from '../functions/ingester/channel-store.ts';
import { Connection } from '../functions/ingester/connection.ts';
import { Intake } from '../functions/ingester/intake.ts';
import { NotificationChannels } from '../functions/ingester/protocols/notification-channels.ts';
import { sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { RestClient } from '../lib/genesys/rest-client.ts';
import { TokenSource } from '../lib/genesys/token-source.ts';
import { readFrames } from './frame-client.ts';
import { nullAws } from './null-aws.ts';

const QUEUE_URL = 'http://127.0.0.1:9/000000000000/events';
const UNUSED_URL = 'http://127.0.0.1:9';

/** Runs the ingester from the WebSocket to SendMessageBatch with a null AWS. */
export async function ingest(url: string, events: number): Promise<void> {
  const log = createLogger('bench', 'SILENT');
  const sqs = sqsClient(nullAws());
  const ignore = () => undefined;
  const read = Promise.withResolvers<void>();
  const batcher = new Batcher(
    (Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl: QUEUE_URL, Entries })),
    {
      onPause: () => connection.pause(),
      onResume: () => connection.resume(),
      onRefused: (_, reason) => read.reject(new Error(reason)),
      onGiveUp: (error) => read.reject(error),
    },
    log,
  );
  const intake = new Intake(batcher, log);
  const tokens = new TokenSource({
    loginUrl: UNUSED_URL,
    credentials: async () => ({ clientId: '', clientSecret: '' }),
  });
  const protocol = new NotificationChannels({
    rest: new RestClient({ apiUrl: UNUSED_URL, tokens }),
    tokens,
    channels: new MemoryChannelStore(),
    log,
    topics: [],
  });
  const connection = new Connection(
    protocol,
    { url, replaceByMs: Number.POSITIVE_INFINITY, release: ignore },
    {
      onDecoded: (decoded, data) => {
        intake.accept(protocol.name, decoded, data);
        if (intake.totals.received === events) read.resolve();
      },
      onReplace: ignore,
      onEnd: (_, cause) => read.reject(new Error(cause.reason)),
    },
  );
  await read.promise;
  await batcher.drain();
  await connection.close('done').catch(ignore);
  if (batcher.totals.itemsSent !== events)
    throw new Error(`${batcher.totals.itemsSent} of ${events} events were sent`);
}

/** Runs a naive ingester, which parses each frame and sends one SendMessage per event. */
export async function ingestNaively(url: string, events: number): Promise<void> {
  const sqs: SQSClient = sqsClient(nullAws());
  const sends: Promise<unknown>[] = [];
  await readFrames(url, events, (data) => {
    const frame: unknown = JSON.parse(data.toString());
    sends.push(sqs.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: JSON.stringify(frame) })));
  });
  await Promise.all(sends);
}

/** Measures the upper limit: receives frames with `ws` and parses them, without further processing. */
export async function receiveAndParse(url: string, events: number): Promise<void> {
  await readFrames(url, events, (data) => void JSON.parse(data.toString()));
}
