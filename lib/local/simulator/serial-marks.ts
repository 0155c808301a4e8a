const CHUNK_SERIALS = 65_536;
/** With more chunks, the oldest one is dropped: 64 MiB, and as many serials. */
const MAX_CHUNKS = 1_024;
const MAX_NIBBLE = 15;
const NIBBLE_BITS = 4;

/** What is kept of an event that was published. */
export interface SerialMark {
  /** Arrivals on the bus, at most 15. */
  readonly published: number;
  /** Sockets that the event was written to, at most 15. */
  readonly sockets: number;
}

const NO_MARK: SerialMark = { published: 0, sockets: 0 };

/** One byte per serial number, so that a repeat is recognized however late it comes. */
export class SerialMarks {
  private readonly chunks = new Map<number, Uint8Array>();

  get(serial: number): SerialMark {
    const byte = this.chunks.get(Math.floor(serial / CHUNK_SERIALS))?.[serial % CHUNK_SERIALS];
    if (byte === undefined || byte === 0) return NO_MARK;
    return { published: byte & MAX_NIBBLE, sockets: byte >> NIBBLE_BITS };
  }

  set(serial: number, { published, sockets }: SerialMark): void {
    const index = Math.floor(serial / CHUNK_SERIALS);
    let chunk = this.chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_SERIALS);
      this.chunks.set(index, chunk);
      const oldest = this.chunks.keys().next();
      if (this.chunks.size > MAX_CHUNKS && oldest.done !== true) this.chunks.delete(oldest.value);
    }
    chunk[serial % CHUNK_SERIALS] =
      Math.min(MAX_NIBBLE, published) | (Math.min(MAX_NIBBLE, sockets) << NIBBLE_BITS);
  }
}
