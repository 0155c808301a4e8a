import type { Ingester } from '../../functions/ingester/ingester.ts';

/** Counts of an ingester, as far as they are known. */
export interface IngesterTotals {
  /** Events read from sockets, including copies. */
  readonly received: number;
  /** Copies that the ingester dropped. */
  readonly copies: number;
  readonly gaps: number;
  readonly gapSeconds: number;
}

/** An ingester in this process or in another one, or a webhook in its place. */
export interface RunningIngester {
  readonly healthPort: number | undefined;
  /** URL of a webhook. */
  readonly address?: string | undefined;
  /** Whether every subscription has a live connection. */
  readonly isCovered: boolean;
  readonly connections: number;
  readonly totals: IngesterTotals;
  /** Rejects when the ingester fails permanently. */
  readonly failed: Promise<never>;
  start(): Promise<void>;
  /** Stops reading and sends everything that was read. */
  stop(): Promise<void>;
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
      const { received, copies } = ingester.intake.totals;
      return { received, copies, ...ingester.coverage.totals };
    },
    failed: ingester.failed,
    start: () => ingester.start(),
    stop: () => ingester.stop(),
  };
}
