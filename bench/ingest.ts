import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { unpack } from 'msgpackr';
import { Batcher } from '../functions/ingester/batcher.ts';
import { Connection } from '../functions/ingester/connection.ts';
import { connectionSettings } from '../functions/ingester/connection-settings.ts';
import { Intake } from '../functions/ingester/intake.ts';
import { sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { SESSIONS } from './bench-sessions.ts';
import { readFrames } from './frame-client.ts';
import { nullAws } from './null-aws.ts';
import type { FormatName } from './wire-formats.ts';

const QUEUE_URL = 'http://127.0.0.1:9/000000000000/events';

/** What to read from a frame server, and from which address. */
export interface Work {
  readonly format: FormatName;
  readonly events: number;
  readonly url: string;
}

/** The ingester's path of an event, from the socket to SendMessageBatch, with an SQS that does nothing. */
export async function ingest({ format, events, url }: Work): Promise<void> {
  const log = createLogger('bench', 'SILENT');
  const sqs = sqsClient(nullAws());
  const ignore = () => undefined;
  const read = Promise.withResolvers<void>();
  const { protocol, session } = await SESSIONS[format](url);
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
  const sink = intake.sink(protocol.name, 'bench');
  let taken = 0;
  const connection = new Connection({
    session,
    ends: protocol.ends,
    settings: connectionSettings(protocol),
    sink: {
      ...sink,
      take: (from, signal, frame) => {
        sink.take(from, signal, frame);
        // Not `intake.totals`: its sums take longer than the validation of an event.
        if (signal.kind === 'event' && ++taken === events) read.resolve();
      },
    },
    handlers: { onMove: ignore, onEnd: (_, { cause }) => read.reject(new Error(cause.reason)) },
  });
  await read.promise;
  await batcher.drain();
  await connection.close('done');
  await intake.settled();
  if (batcher.totals.itemsSent !== events)
    throw new Error(`${batcher.totals.itemsSent} of ${events} were sent`);
}

/** The naive way: decode a frame, and send each of its events with one SendMessage. */
export async function ingestNaively({ url, ...work }: Work): Promise<void> {
  const sqs = sqsClient(nullAws());
  const sends: Promise<unknown>[] = [];
  const send = (event: unknown) =>
    sends.push(sqs.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: JSON.stringify(event) })));
  await readFrames(url, work, (data, isBinary) => {
    const { events, ...frame } = decode(data, isBinary) as { events?: unknown[] };
    for (const event of events ?? [frame]) send(event);
  });
  await Promise.all(sends);
}

/** The raw limit: receive with `ws`, decode, and nothing else. */
export async function receiveAndDecode({ url, ...work }: Work): Promise<void> {
  await readFrames(url, work, (data, isBinary) => void decode(data, isBinary));
}

function decode(data: Buffer, isBinary: boolean): unknown {
  return isBinary ? unpack(data) : JSON.parse(data.toString());
}
