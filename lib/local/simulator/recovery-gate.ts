import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';

/**
 * Holds back the next socket fault until the client has recovered from the previous one, that is, until each affected
 * topic has as many working connections as before. Two faults therefore never take down both connections of a topic,
 * and a client with overlapping connections can be gapless. The wait is bounded.
 */
export class RecoveryGate {
  private readonly maxWaitMs: number;
  private needed = new Map<string, number>();
  private deadlineMs = 0;

  constructor(maxWaitMs: number) {
    this.maxWaitMs = maxWaitMs;
  }

  /** Call before a fault hits these channels. */
  remember(channels: Channels, hit: readonly Channel[]): void {
    const topics = new Set(hit.flatMap((channel) => [...channel.topics()]));
    this.needed = new Map([...topics].map((topic) => [topic, steadyOn(channels, topic)]));
    this.deadlineMs = Date.now() + this.maxWaitMs;
  }

  isOpen(channels: Channels): boolean {
    if (this.needed.size === 0) return true;
    const recovered = [...this.needed].every(([topic, needed]) => steadyOn(channels, topic) >= needed);
    if (!recovered && Date.now() < this.deadlineMs) return false;
    this.needed.clear();
    return true;
  }
}

function steadyOn(channels: Channels, topic: string): number {
  let count = 0;
  for (const channel of channels.subscribersOf(topic) ?? []) if (channel.steady) count += 1;
  return count;
}
