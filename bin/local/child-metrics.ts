import type { TotalsByProtocol } from './running-ingester.ts';

const TIMEOUT_MS = 1_000;
const MS_PER_SECOND = 1_000;

/** The metrics that `/metrics` of an ingester process reports. */
export interface ChildMetrics {
  readonly totals: TotalsByProtocol;
  readonly connections: number;
  readonly isCovered: boolean;
  /** Whether it sends what it reads. */
  readonly isLeading: boolean;
  /** Whether it is a standby that could take over without a gap. */
  readonly isLiveStandby: boolean;
  /** Epoch milliseconds of the last change of its role; 0 before the first one. */
  readonly roleChangedAtMs: number;
}

/** Reads the metrics of an ingester process. Returns undefined if it does not respond. */
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
  const received = byProtocol(text, 'events_received_total');
  const copies = byProtocol(text, 'events_copies_total');
  const protocols = [...received].map(([name, count]) => [
    name,
    { received: count, copies: copies.get(name) ?? 0, sequence: sequenceOf(text, name) },
  ]);
  return {
    totals: Object.fromEntries(protocols) as TotalsByProtocol,
    connections: Number(/^switchboard_connections (\S+)$/m.exec(text)?.[1] ?? 0),
    isCovered: /^switchboard_covered 1$/m.test(text),
    isLeading: /^switchboard_leading 1$/m.test(text),
    isLiveStandby: /^switchboard_standby_live 1$/m.test(text),
    roleChangedAtMs:
      MS_PER_SECOND * Number(/^switchboard_role_changed_timestamp_seconds (\S+)$/m.exec(text)?.[1] ?? 0),
  };
}

function byProtocol(text: string, name: string): Map<string, number> {
  const lines = text.matchAll(new RegExp(`^switchboard_${name}\\{protocol="([^"]+)"\\} (\\S+)$`, 'gm'));
  return new Map([...lines].map(([, protocol = '', value]) => [protocol, Number(value)]));
}

function sequenceOf(text: string, protocol: string): Record<string, number> {
  const lines = text.matchAll(/^switchboard_sequence_outcomes_total\{(.+)\} (\S+)$/gm);
  const own = [...lines].filter(([, labels = '']) => labels.includes(`protocol="${protocol}"`));
  return Object.fromEntries(
    own.map(([, labels = '', value]) => [/outcome="(\w+)"/.exec(labels)?.[1] ?? '', Number(value)]),
  );
}
