/** Events beyond this number are counted without their topic and time, and nothing can explain them. */
const DEFAULT_MAX_EVENTS = 2_000_000;

/** An event that no connection provably received. */
export interface MissingEvent {
  /** Its serial number. Not a number for events beyond the limit. */
  readonly serial: number;
  readonly topicName: string;
  /** Epoch milliseconds by the clock of the cloud. Not a number for events beyond the limit. */
  readonly atMs: number;
}

/** Topic and time of events, in three numbers per event. */
export class MissingEvents {
  private readonly maxEvents: number;
  private readonly topics: string[] = [];
  private readonly topicIndexes = new Map<string, number>();
  private readonly indexes: number[] = [];
  private readonly times: number[] = [];
  private readonly serials: number[] = [];
  private untold = 0;

  constructor(maxEvents = DEFAULT_MAX_EVENTS) {
    this.maxEvents = maxEvents;
  }

  add({ serial, topicName, sentAtMs }: Omit<MissingEvent, 'atMs'> & { readonly sentAtMs: number }): void {
    if (this.times.length >= this.maxEvents) {
      this.untold += 1;
      return;
    }
    let index = this.topicIndexes.get(topicName);
    if (index === undefined) {
      index = this.topics.push(topicName) - 1;
      this.topicIndexes.set(topicName, index);
    }
    this.indexes.push(index);
    this.times.push(sentAtMs);
    this.serials.push(serial);
  }

  *list(): Generator<MissingEvent> {
    for (const [position, atMs] of this.times.entries())
      yield {
        serial: this.serials[position] ?? Number.NaN,
        topicName: this.topics[this.indexes[position] ?? 0] ?? '',
        atMs,
      };
    for (let left = this.untold; left > 0; left -= 1)
      yield { serial: Number.NaN, topicName: '', atMs: Number.NaN };
  }
}
