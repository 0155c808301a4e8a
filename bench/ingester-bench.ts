import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Batcher } from '../functions/ingester/batcher.ts';
import { Connection } from '../functions/ingester/connection.ts';
import { connectionSettings } from '../functions/ingester/connection-settings.ts';
import { Intake } from '../functions/ingester/intake.ts';
import { CHANNEL_ENDS } from '../functions/ingester/protocols/notification-channels/channel-ends.ts';
import { ChannelSession } from '../functions/ingester/protocols/notification-channels/channel-session.ts';
import { notificationChannels } from '../functions/ingester/protocols/notification-channels/notification-channels.ts';
import { RejectedTopics } from '../functions/ingester/protocols/notification-channels/rejected-topics.ts';
import { sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { readFrames } from './frame-client.ts';
import { nullAws } from './null-aws.ts';

const QUEUE_URL = 'http://127.0.0.1:9/000000000000/events';
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** The ingester's path of an event, from the socket to SendMessageBatch, with an SQS that does nothing. */
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
      onAccepted: (position) => intake.onAccepted(position),
      onRefused: (_, reason) => {
        read.reject(new Error(reason));
        return undefined;
      },
      onGiveUp: (error) => read.reject(error),
    },
    log,
  );
  const intake = new Intake(batcher, { onSequenceGap: ignore }, log);
  let taken = 0;
  const sink = intake.sink(notificationChannels.name, 'bench');
  const connection = new Connection({
    session: new ChannelSession(
      { id: 'bench', clientId: 'bench', connectUri: url, expiresAtMs: NEVER_MS, tokenExpiresAtMs: NEVER_MS },
      [],
      new RejectedTopics({ log, recordGap: ignore }),
      { touch: ignore, setTopics: async () => {}, release: ignore },
    ),
    ends: CHANNEL_ENDS,
    settings: connectionSettings(notificationChannels),
    sink: {
      ...sink,
      take: (session, signal, frame) => {
        sink.take(session, signal, frame);
        if (++taken === events) read.resolve();
      },
    },
    handlers: { onMove: ignore, onEnd: (_, { cause }) => read.reject(new Error(cause.reason)) },
  });
  await read.promise;
  await batcher.drain();
  await connection.close('done');
  if (batcher.totals.itemsSent !== events)
    throw new Error(`${batcher.totals.itemsSent} of ${events} were sent`);
}

/** The naive way: parse a frame, send it, one SendMessage an event. */
export async function ingestNaively(url: string, events: number): Promise<void> {
  const sqs: SQSClient = sqsClient(nullAws());
  const sends: Promise<unknown>[] = [];
  await readFrames(url, events, (data) => {
    const frame: unknown = JSON.parse(data.toString());
    sends.push(sqs.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: JSON.stringify(frame) })));
  });
  await Promise.all(sends);
}

/** The raw limit: receive with `ws` and JSON.parse, and nothing else. */
export async function receiveAndParse(url: string, events: number): Promise<void> {
  await readFrames(url, events, (data) => void JSON.parse(data.toString()));
}
