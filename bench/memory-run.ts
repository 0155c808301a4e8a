import { batches, consumer } from './consumer-bench.ts';
import { startFrameServer } from './frame-client.ts';
import { ingest } from './ingest.ts';
import type { FormatName } from './wire-formats.ts';

const EARLY_EVENTS = 100_000;
const LATE_EVENTS = 500_000;
const STEP_EVENTS = 50_000;

// Runs as a separate process for one deployable (`ingester` or `consumer`). Sends its resident memory in MB, after
// 100,000 and after 500,000 events, to the parent process.
process.env.POWERTOOLS_METRICS_DISABLED = 'true';
const step = process.argv[2] === 'ingester' ? await ingesterStep() : consumerStep();
let earlyMb = 0;
for (let done = STEP_EVENTS; done <= LATE_EVENTS; done += STEP_EVENTS) {
  await step(done);
  if (done === EARLY_EVENTS) earlyMb = residentMb();
}
process.send?.({ earlyMb, lateMb: residentMb() }, () => process.exit(0));

async function ingesterStep(): Promise<(seed: number) => Promise<void>> {
  const server = await startFrameServer();
  const format: FormatName = 'notification-channels';
  return () => ingest({ format, events: STEP_EVENTS, url: server.url(format, STEP_EVENTS) });
}

function consumerStep(): (seed: number) => Promise<void> {
  const consume = consumer();
  return async (seed) => {
    for (const batch of batches(STEP_EVENTS, seed)) await consume(batch);
  };
}

function residentMb(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1_048_576;
}
