import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BatcherTotals } from './batcher.ts';
import type { IntakeTotals } from './intake.ts';

/** Where the metrics are read from. They are read on request, so they cost nothing in the data path. */
export interface MetricSources {
  intake: () => IntakeTotals;
  batcher: () => BatcherTotals;
  bufferedBytes: () => number;
  isPaused: () => boolean;
  connections: () => number;
  reconnects: () => ReadonlyMap<string, number>;
  coverage: () => { gaps: number; gapSeconds: number; complete: boolean };
  rejectedTopics: () => number;
}

/** The ingester's metrics in a separate registry. Names begin with `switchboard_`, times are in seconds. */
export function ingesterMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `switchboard_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `switchboard_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  counter(
    'events_received_total',
    'Events read from sockets, copies included',
    () => sources.intake().received,
  );
  counter(
    'events_copies_total',
    'Copies from overlapping connections, dropped',
    () => sources.intake().copies,
  );
  counter('events_filtered_total', 'Events that the configuration excludes', () => sources.intake().filtered);
  counter(
    'frames_unpreserved_total',
    'Frames too large to keep even when compressed',
    () => sources.intake().unpreserved,
  );
  counter(
    'items_sent_total',
    'Events and rejected frames that SQS accepted',
    () => sources.batcher().itemsSent,
  );
  counter('messages_sent_total', 'Messages that SQS accepted', () => sources.batcher().messagesSent);
  counter('send_calls_total', 'Calls of SendMessageBatch', () => sources.batcher().calls);
  counter(
    'send_calls_failed_total',
    'Calls of SendMessageBatch that failed completely',
    () => sources.batcher().failedCalls,
  );
  counter(
    'send_entries_failed_total',
    'Messages that SQS did not accept at the first attempt',
    () => sources.batcher().failedEntries,
  );
  counter('gaps_total', 'Intervals without a connection that was proven live', () => sources.coverage().gaps);
  counter('gap_seconds_total', 'Length of those intervals', () => sources.coverage().gapSeconds);
  gauge('buffer_bytes', 'Bytes that were read and that SQS has not accepted yet', () =>
    sources.bufferedBytes(),
  );
  gauge('paused', '1 while reading is paused because the buffer is full', () => Number(sources.isPaused()));
  gauge('connections', 'Open WebSockets', () => sources.connections());
  gauge('covered', '1 while every subscription has a live connection', () =>
    Number(sources.coverage().complete),
  );
  gauge('topics_rejected', 'Topics that Genesys Cloud refuses', () => sources.rejectedTopics());
  labelled(registry, 'frames_rejected_total', 'Frames that could not become events', 'reason', () =>
    Object.entries(sources.intake().rejected),
  );
  labelled(registry, 'connects_total', 'Connections opened', 'reason', () => sources.reconnects());
  return registry;
}

function labelled(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Iterable<[string, number]>,
): void {
  new Counter({
    name: `switchboard_${name}`,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of read()) this.inc({ [label]: value }, count);
    },
  });
}
