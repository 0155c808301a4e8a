import type { MessageState, StoredMessage } from './sqs-queue-types.ts';

interface Group {
  /** In the order of sending. */
  readonly messages: StoredMessage[];
  inFlight: number;
}

/**
 * The messages of a FIFO queue by group. A group is blocked while one of its messages is in flight, or while its oldest
 * message is delayed. One receive returns several messages of a group, in order.
 */
export class FifoGroups {
  /** A group is removed with its last message. */
  private readonly groups = new Map<string, Group>();

  add(message: StoredMessage): void {
    const id = groupOf(message);
    const group = this.groups.get(id);
    if (group) group.messages.push(message);
    else this.groups.set(id, { messages: [message], inFlight: 0 });
  }

  remove(message: StoredMessage): void {
    const id = groupOf(message);
    const group = this.groups.get(id);
    const index = group?.messages.indexOf(message) ?? -1;
    if (group === undefined || index < 0) return;
    group.messages.splice(index, 1);
    if (group.messages.length === 0) this.groups.delete(id);
  }

  /** Must be called with every change of a message's state. */
  changed(message: StoredMessage, from: MessageState, to: MessageState): void {
    const group = this.groups.get(groupOf(message));
    if (group === undefined) return;
    if (from === 'in_flight') group.inFlight -= 1;
    if (to === 'in_flight') group.inFlight += 1;
  }

  /**
   * The next message of a receive.
   *
   * @param received - the groups of the receive so far, to which the group of the message is added
   */
  next(received: Set<string>): StoredMessage | undefined {
    for (const [id, { messages, inFlight }] of this.groups) {
      if (inFlight > 0 && !received.has(id)) continue;
      const first = messages.find(({ state }) => state !== 'in_flight');
      if (first?.state !== 'ready') continue;
      received.add(id);
      return first;
    }
    return undefined;
  }
}

function groupOf({ groupId = '' }: StoredMessage): string {
  return groupId;
}
