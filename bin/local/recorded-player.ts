import { setTimeout as delay } from 'node:timers/promises';
import { RepeatGroup } from 'switchboard-local/simulator/ledger-entry.ts';
import type { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { contentKey, type RecordedLine } from './capture-line.ts';

/** A replay pauses while the ingester has more unread data than this. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;
/** A line can end the connection, for example if it is too large. The next lines wait for a new connection. */
const MAX_RECONNECT_MS = 60_000;
const POLL_MS = 5;
/** Maximum number of contents remembered, to recognize lines that repeat one. */
const MAX_CONTENTS = 1_000_000;

/**
 * Plays recorded lines. Lines with the same content form a group. At least one line of each group must reach the bus.
 */
export class RecordedPlayer {
  private readonly simulator: Simulator;
  private readonly groups = new Map<string, RepeatGroup>();

  constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  /** @throws FrameTextError if the line cannot be sent as a frame */
  async play(recorded: RecordedLine, signal: AbortSignal): Promise<void> {
    const { simulator } = this;
    const isFull = () => simulator.isFull || simulator.bufferedBytes > MAX_UNREAD_BYTES;
    while (isFull() && !signal.aborted) await delay(POLL_MS);
    const deadlineMs = Date.now() + MAX_RECONNECT_MS;
    while (simulator.liveConnections === 0 && Date.now() < deadlineMs && !signal.aborted)
      await delay(POLL_MS);
    if (recorded.kind === 'frame')
      simulator.emitText(recorded.topicName, recorded.text, this.groupOf(recorded));
    else simulator.hooks.garbage(recorded.text);
  }

  private groupOf(recorded: RecordedLine): RepeatGroup {
    const key = contentKey(recorded);
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    const oldest = this.groups.keys().next();
    if (this.groups.size >= MAX_CONTENTS && oldest.done !== true) this.groups.delete(oldest.value);
    const group = new RepeatGroup();
    this.groups.set(key, group);
    return group;
  }
}
