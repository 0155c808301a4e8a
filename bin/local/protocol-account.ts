import type { Arrival, Ledger } from 'switchboard-local/simulator/ledger.ts';
import type { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';

const MS_PER_SECOND = 1_000;

/** The account of one protocol: the ledger of its cloud, and the events of it that reached the bus. */
export class ProtocolAccount {
  readonly ledger: Ledger;
  /** Checks what is recovered after gaps; undefined if the cloud does not store events. */
  readonly recovery: RecoveryJudge | undefined;
  /** Arrivals on the bus, including repeats. */
  published = 0;
  /** Arrivals of this cloud's events under the name of another protocol. */
  wrongProtocol = 0;
  /** Time of the first and the last arrival, on the clock of `performance.now()`. */
  firstAtMs = Number.POSITIVE_INFINITY;
  lastAtMs = 0;
  private readonly protocols: readonly string[] | undefined;

  /** @param protocols - names under which the product may publish these events. Default: any */
  constructor(ledger: Ledger, protocols?: readonly string[], recovery?: RecoveryJudge) {
    this.ledger = ledger;
    this.recovery = recovery;
    this.protocols = protocols;
  }

  /** Whether the product may publish its events under this name. */
  isNamed(protocol: string): boolean {
    return this.protocols?.includes(protocol) ?? true;
  }

  /** An event reached the bus. `serial` is undefined if no cloud has sent it. */
  arrived(serial: number | undefined, protocol: string, arrival: Arrival): void {
    this.lastAtMs = performance.now();
    this.firstAtMs = Math.min(this.firstAtMs, this.lastAtMs);
    this.published++;
    if (!this.isNamed(protocol)) this.wrongProtocol++;
    if (serial !== undefined) this.recovery?.published(serial);
    this.ledger.received(serial, arrival);
  }
}

/** Events of these accounts that reached the bus per second, from the first to the last. */
export function eventsPerSecond(accounts: readonly ProtocolAccount[]): number {
  const published = accounts.reduce((sum, one) => sum + one.published, 0);
  const fromMs = Math.min(...accounts.map(({ firstAtMs }) => firstAtMs));
  const ms = Math.max(...accounts.map(({ lastAtMs }) => lastAtMs)) - fromMs;
  return ms > 0 ? Math.round((published * MS_PER_SECOND) / ms) : 0;
}
