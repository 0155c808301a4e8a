import { setTimeout as delay } from 'node:timers/promises';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { Batcher } from '../functions/ingester/batcher.ts';
import { Intake } from '../functions/ingester/intake.ts';
import { readFrame } from '../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal } from '../functions/ingester/protocols/stream-protocol.ts';
import { MAX_BYTES, RecentItems } from '../functions/ingester/standby/recent-items.ts';
import { RoleQueue } from '../functions/ingester/standby/role-queue.ts';
import { sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { frameSource } from './frame-source.ts';
import { nullAws } from './null-aws.ts';

// Runs as a separate process: a standby reads until its memory is full and half of it has been replaced, and takes
// over. Sends its resident memory in MB, when it is full and at the highest point.
const BYTES_PER_MB = 1_048_576;
const KIB_PER_MB = 1_024;
const MS_PER_SECOND = 1_000;
const EVENTS_PER_SECOND = 2_000;
const STEPS_PER_SECOND = 100;
const log = createLogger('bench', 'SILENT');
const sqs = sqsClient(nullAws());
const ignore = () => undefined;
const fail = (error: unknown) => {
  throw error;
};
const batcher = new Batcher(
  (Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl: 'http://127.0.0.1:9/0/events', Entries })),
  { onPause: ignore, onResume: ignore, onAccepted: ignore, onRefused: ignore, onGiveUp: fail },
  log,
);
const queue = new RoleQueue(
  batcher,
  new RecentItems({ maxAgeMs: Number.MAX_SAFE_INTEGER, maxBytes: MAX_BYTES }),
);
const sink = new Intake(queue, { onSequenceGap: ignore }, log).sink('notification-channels', 'bench');
const session = { url: '', onOpen: () => [], onFrame: () => [] };
sink.open(session);
const next = frameSource(1);
for (let bytes = 0; bytes < 1.5 * MAX_BYTES; ) {
  for (let n = 0; n < EVENTS_PER_SECOND / STEPS_PER_SECOND; n++) {
    const frame = Buffer.from(next());
    bytes += frame.length;
    sink.take(session, readFrame(frame, false) as DataSignal, frame);
  }
  // As fast as it can, the heap would be as large as its limit, whatever is kept.
  await delay(MS_PER_SECOND / STEPS_PER_SECOND);
}
const fullMb = process.memoryUsage.rss() / BYTES_PER_MB;
queue.send(() => true);
queue.lead();
await batcher.drain();
const peakMb = process.resourceUsage().maxRSS / KIB_PER_MB;
process.send?.({ fullMb, peakMb }, () => process.exit(0));
