import type { Ingester } from '../../functions/ingester/ingester.ts';

/** Counts of one protocol, as far as they are known. */
export interface ReceivedTotals {
  /** Events read from sockets, including copies. */
  readonly received: number;
  /** Copies that the ingester dropped. */
  readonly copies: number;
  /** What the sequence numbers revealed, by outcome. */
  readonly sequence?: Readonly<Record<string, number>>;
}

/** Counts by protocol. */
export type TotalsByProtocol = Readonly<Record<string, ReceivedTotals>>;

/** A receiver of events: an ingester in this process or in another one, a webhook, or several of these. */
export interface RunningIngester {
  readonly healthPort: number | undefined;
  /** URL of a webhook. */
  readonly address?: string | undefined;
  /** Whether every subscription has a live connection. */
  readonly isCovered: boolean;
  readonly connections: number;
  readonly totals: TotalsByProtocol;
  /** Rejects when the ingester fails permanently. */
  readonly failed: Promise<never>;
  /** Number of times its process was killed. */
  readonly kills?: number | undefined;
  start(): Promise<void>;
  /** Stops reading and sends everything that was read. */
  stop(): Promise<void>;
  /** Ends its process with SIGKILL and starts it again. Undefined if it does not have its own process. */
  kill?: (() => Promise<void>) | undefined;
}

/** Sums over the given protocols, by default all. */
export function sumOfTotals(
  totals: TotalsByProtocol,
  includes: (protocol: string) => boolean = () => true,
): ReceivedTotals {
  const chosen = Object.entries(totals).filter(([protocol]) => includes(protocol));
  return {
    received: chosen.reduce((sum, [, { received }]) => sum + received, 0),
    copies: chosen.reduce((sum, [, { copies }]) => sum + copies, 0),
    sequence: sumOfCounts(chosen.map(([, { sequence = {} }]) => sequence)),
  };
}

/** Sums by name. */
export function sumOfCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Several receivers as one. */
export function joined(receivers: readonly RunningIngester[]): RunningIngester {
  const [only] = receivers;
  if (only && receivers.length === 1) return only;
  const killable = receivers.find(({ kill }) => kill !== undefined);
  return {
    get healthPort() {
      return receivers.find(({ healthPort }) => healthPort !== undefined)?.healthPort;
    },
    get address() {
      return receivers.find(({ address }) => address !== undefined)?.address;
    },
    get isCovered() {
      return receivers.every(({ isCovered }) => isCovered);
    },
    get connections() {
      return receivers.reduce((sum, { connections }) => sum + connections, 0);
    },
    get totals() {
      return Object.assign({}, ...receivers.map(({ totals }) => totals)) as TotalsByProtocol;
    },
    get kills() {
      return killable?.kills;
    },
    failed: Promise.race(receivers.map(({ failed }) => failed)),
    start: async () => {
      await Promise.all(receivers.map((one) => one.start()));
    },
    stop: async () => {
      await Promise.all(receivers.map((one) => one.stop()));
    },
    kill: killable && (() => killable.kill?.() ?? Promise.resolve()),
  };
}

/** An ingester in this process. */
export function inProcess(ingester: Ingester): RunningIngester {
  return {
    get healthPort() {
      return ingester.healthPort;
    },
    get isCovered() {
      return ingester.isCovered;
    },
    get connections() {
      return ingester.connections;
    },
    get totals() {
      return ingester.intake.totals.protocols;
    },
    failed: ingester.failed,
    start: () => ingester.start(),
    stop: () => ingester.stop(),
  };
}
