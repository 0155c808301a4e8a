import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';

/**
 * Holds the next fault of a connection back until the client has recovered from the last: each topic it concerned
 * has as many sound connections as before. So two faults never take both connections of a topic, and a client
 * that overlaps its connections can be gapless. The wait is bounded.
 */
export class RecoveryGate {
  private readonly limitMs: number;
  private needed = new Map<string, number>();
  private deadlineMs = 0;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** Call before a fault hits these channels. */
  remember(channels: Channels, hit: readonly Channel[]): void {
    const topics = new Set(hit.flatMap((channel) => [...channel.topics()]));
    this.needed = new Map([...topics].map((topic) => [topic, steadyOn(channels, topic)]));
    this.deadlineMs = Date.now() + this.limitMs;
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
