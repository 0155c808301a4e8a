/** Events on the bus that are references to objects, of which the oldest are forgotten. */
const MAX_REFERENCES = 10_000;

/**
 * References to events that are too large for the bus. A request that publishes one does not contain the serial number of
 * the event: it is known once the reference is on the bus.
 */
export class References {
  private readonly serials = new Map<string, number>();
  /** How often an event may be repeated whose serial number is not known yet. */
  private readonly early = new Map<string, number>();
  private readonly allow: (serial: number) => void;

  /** @param allow - allows one repeat of an event */
  constructor(allow: (serial: number) => void) {
    this.allow = allow;
  }

  /** A reference reached the bus. */
  published(eventId: string, serial: number): void {
    this.serials.set(eventId, serial);
    for (let left = this.early.get(eventId) ?? 0; left > 0; left--) this.allow(serial);
    this.early.delete(eventId);
    for (const map of [this.serials, this.early]) {
      const oldest = map.keys().next();
      if (map.size > MAX_REFERENCES && oldest.done !== true) map.delete(oldest.value);
    }
  }

  /** The publish of a reference had an unknown outcome. */
  allowRepeat(eventId: string): void {
    const serial = this.serials.get(eventId);
    if (serial === undefined) this.early.set(eventId, (this.early.get(eventId) ?? 0) + 1);
    else this.allow(serial);
  }
}
