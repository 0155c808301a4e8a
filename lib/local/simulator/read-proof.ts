import type { Delivery } from './ledger-entry.ts';

interface Probe {
  readonly id: number;
  readonly deliveries: readonly Delivery[];
}

/**
 * What one peer has shown that it read. TCP acknowledges bytes that a program may never read, so the server pings
 * (RFC 6455, 5.5.2) now and then: a pong can only come from a peer that has read all that was sent before the ping.
 */
export class ReadProof {
  private unaskedDeliveries: Delivery[] = [];
  private probes: Probe[] = [];
  private lastId = 0;

  add(delivery: Delivery): void {
    this.unaskedDeliveries.push(delivery);
  }

  /** Deliveries after the last ping. */
  get unasked(): number {
    return this.unaskedDeliveries.length;
  }

  /** Pings without an answer. */
  get waiting(): number {
    return this.probes.length;
  }

  /** A ping is about to be written: its payload. */
  ask(): number {
    this.lastId += 1;
    this.probes.push({ id: this.lastId, deliveries: this.unaskedDeliveries });
    this.unaskedDeliveries = [];
    return this.lastId;
  }

  /** A pong came. A peer may answer only the latest of several pings; pongs that answer none are ignored. */
  answer(id: number): void {
    if (!this.probes.some((probe) => probe.id === id)) return;
    while (this.probes[0] !== undefined && this.probes[0].id <= id) {
      for (const delivery of this.probes.shift()?.deliveries ?? []) delivery.proven();
    }
  }

  /** The connection is over, and the peer has read all of it or what it has not answered for is in doubt. */
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
