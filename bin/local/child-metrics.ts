import type { IngesterTotals } from './running-ingester.ts';

const TIMEOUT_MS = 1_000;

/** What `/metrics` of an ingester process reports. */
export interface ChildMetrics extends IngesterTotals {
  readonly connections: number;
  readonly isCovered: boolean;
}

/** Reads the metrics of an ingester process. Returns undefined if it does not answer. */
export async function readChildMetrics(port: number): Promise<ChildMetrics | undefined> {
  let text: string;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch {
    return undefined;
  }
  const values = new Map(
    [...text.matchAll(/^switchboard_(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
  return {
    received: values.get('events_received_total') ?? 0,
    copies: values.get('events_copies_total') ?? 0,
    gaps: values.get('gaps_total') ?? 0,
    gapSeconds: values.get('gap_seconds_total') ?? 0,
    connections: values.get('connections') ?? 0,
    isCovered: values.get('covered') === 1,
  };
}
