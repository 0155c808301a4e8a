import type { EventGroup } from './ledger-entry.ts';
import { SerialMarks } from './serial-marks.ts';

/** Events with an allowed repeat that are remembered. */
const MAX_ALLOWANCES = 1_000_000;
/** Events that several sockets got, whose ids on the bus are remembered. A repeat of an older one counts as strict. */
const MAX_OVERLAPPED = 200_000;

/** The arrivals of an event that several sockets got. */
interface Overlapped {
  readonly ids: Set<string>;
  readonly group: EventGroup | undefined;
  hasWeak: boolean;
}

/** What the product says about an arrival: its id, and whether that is weak. */
interface ArrivalIdentity {
  readonly id?: string | undefined;
  readonly isWeak?: boolean | undefined;
}

/** Tells which repeats on the bus are explained: by an unknown outcome, or as the copy of another socket. */
export class Repeats {
  /** `strict`: repeats without an explanation. */
  readonly counts = { strict: 0, weak: 0, allowed: 0 };
  private readonly marks = new SerialMarks();
  private readonly allowances = new Map<number, number>();
  private readonly overlapped = new Map<number, Overlapped>();
  private readonly onCopy: (group: EventGroup | undefined, id: string) => void;

  /** @param onCopy - called for a copy with another id, with the events that have the same content */
  constructor(onCopy: (group: EventGroup | undefined, id: string) => void) {
    this.onCopy = onCopy;
  }

  /** Allows one repeat of an event. */
  allow(serial: number): void {
    dropOldest(this.allowances, MAX_ALLOWANCES);
    this.allowances.set(serial, (this.allowances.get(serial) ?? 0) + 1);
  }

  /** An event reached the bus for the first time. `sockets`: the number of sockets it was written to. */
  first(serial: number, sockets: number, { id, isWeak = false }: ArrivalIdentity, group?: EventGroup): void {
    this.marks.set(serial, sockets);
    if (sockets <= 1) return;
    dropOldest(this.overlapped, MAX_OVERLAPPED);
    const ids = new Set(id === undefined ? [] : [id]);
    this.overlapped.set(serial, { ids, group, hasWeak: isWeak });
  }

  /** Counts a repeat. @returns false if the event has never reached the bus */
  again(serial: number, arrival: ArrivalIdentity): boolean {
    if (!this.marks.has(serial)) return false;
    const allowed = this.allowances.get(serial) ?? 0;
    if (this.isWeakCopy(serial, arrival)) {
      this.counts.weak += 1;
    } else if (allowed > 0) {
      this.allowances.set(serial, allowed - 1);
      this.counts.allowed += 1;
    } else {
      this.counts.strict += 1;
    }
    return true;
  }

  /**
   * Whether an arrival is a copy from another socket that the product could not recognize. Each socket accounts for one
   * id, and one of the ids must be weak. A repeated id is never such a copy.
   */
  private isWeakCopy(serial: number, { id, isWeak = false }: ArrivalIdentity): boolean {
    const overlapped = this.overlapped.get(serial);
    if (overlapped === undefined || id === undefined || overlapped.ids.has(id)) return false;
    overlapped.ids.add(id);
    overlapped.hasWeak ||= isWeak;
    this.onCopy(overlapped.group, id);
    return overlapped.hasWeak && overlapped.ids.size <= this.marks.sockets(serial);
  }
}

/** Makes room for one more entry. */
function dropOldest<T>(entries: Map<number, T>, limit: number): void {
  const oldest = entries.keys().next();
  if (entries.size >= limit && oldest.done !== true) entries.delete(oldest.value);
}
