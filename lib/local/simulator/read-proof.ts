import type { Tracked } from './ledger-entry.ts';

interface Probe {
  readonly id: number;
  readonly deliveries: readonly Tracked[];
}

/**
 * Tracks how much a peer has provably read. TCP acknowledges bytes that the application may never read, so the server
 * sends pings (RFC 6455, 5.5.2): a pong proves that the peer has read everything that was sent before the ping.
 */
export class ReadProof {
  private unaskedDeliveries: Tracked[] = [];
  private probes: Probe[] = [];
  private lastId = 0;

  add(delivery: Tracked): void {
    this.unaskedDeliveries.push(delivery);
  }

  /** Number of deliveries after the last ping. */
  get unasked(): number {
    return this.unaskedDeliveries.length;
  }

  /** Number of pings without a pong. */
  get waiting(): number {
    return this.probes.length;
  }

  /** Starts a probe. Returns the payload of the ping to send. */
  ask(): number {
    this.lastId += 1;
    this.probes.push({ id: this.lastId, deliveries: this.unaskedDeliveries });
    this.unaskedDeliveries = [];
    return this.lastId;
  }

  /** Handles a pong. It also covers earlier pings, which a peer may skip. An unknown pong is ignored. */
  answer(id: number): void {
    if (!this.probes.some((probe) => probe.id === id)) return;
    while (this.probes[0] !== undefined && this.probes[0].id <= id) {
      for (const delivery of this.probes.shift()?.deliveries ?? []) delivery.proven();
    }
  }

  /**
   * Handles the end of the connection.
   *
   * @param readAll whether the peer has read everything; otherwise unacknowledged deliveries are doubted
   */
  end(readAll: boolean): void {
    const rest = [...this.probes.flatMap((probe) => probe.deliveries), ...this.unaskedDeliveries];
    this.probes = [];
    this.unaskedDeliveries = [];
    for (const delivery of rest) {
      if (readAll) delivery.proven();
      else delivery.doubted();
    }
  }
}
