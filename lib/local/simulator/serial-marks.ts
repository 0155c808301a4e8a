const CHUNK_SERIALS = 65_536;
/** With more chunks, the oldest one is dropped: 64 MiB, and as many serials. */
const MAX_CHUNKS = 1_024;
const MAX_BYTE = 255;

/** The published serial numbers, one byte each, so that a repeat is recognized however late it comes. */
export class SerialMarks {
  /** Number of sockets that the event was written to, plus one. Zero means that the serial number was not published. */
  private readonly chunks = new Map<number, Uint8Array>();

  has(serial: number): boolean {
    return this.byte(serial) > 0;
  }

  /** Number of sockets that a published event was written to, at most 254. */
  sockets(serial: number): number {
    return Math.max(0, this.byte(serial) - 1);
  }

  set(serial: number, sockets: number): void {
    const index = Math.floor(serial / CHUNK_SERIALS);
    let chunk = this.chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_SERIALS);
      this.chunks.set(index, chunk);
      const oldest = this.chunks.keys().next();
      if (this.chunks.size > MAX_CHUNKS && oldest.done !== true) this.chunks.delete(oldest.value);
    }
    chunk[serial % CHUNK_SERIALS] = Math.min(MAX_BYTE, sockets + 1);
  }

  private byte(serial: number): number {
    return this.chunks.get(Math.floor(serial / CHUNK_SERIALS))?.[serial % CHUNK_SERIALS] ?? 0;
  }
}
