import type { Log } from '../../lib/aws/logger.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';
import type { TokenSource } from '../../lib/genesys/token-source.ts';
import type { BackoffLimits } from './backoff.ts';
import type { ChannelStore } from './channel-store.ts';
import type { Coverage } from './coverage.ts';
import type { Intake } from './intake.ts';
import { NotificationChannels } from './protocols/notification-channels.ts';
import type { ConnectionLimits } from './protocols/protocol.ts';
import { Supervisor } from './supervisor.ts';
import type { SocketFactory } from './transport.ts';

/** What the slots share. */
export interface SlotsOptions {
  rest: RestClient;
  tokens: TokenSource;
  channels: ChannelStore;
  intake: Intake;
  coverage: Coverage;
  log: Log;
  /** Aborted when the process stops. */
  signal: AbortSignal;
  /** One of them is beyond help. */
  onFailed: (error: Error) => void;
  openSocket?: SocketFactory;
  limits?: { connection?: Partial<ConnectionLimits>; backoff?: Partial<BackoffLimits> };
}

/** One channel's worth of topics and what keeps it live. */
interface Slot {
  readonly protocol: NotificationChannels;
  readonly supervisor: Supervisor;
  topics: readonly string[];
}

/** The parts of a subscription set: each has a channel's worth of topics, which a supervisor of its own keeps live. */
export class Slots {
  /** Connections opened since the start, by reason. */
  readonly connects = new Map<string, number>();
  private readonly options: SlotsOptions;
  private readonly slots = new Map<number, Slot>();
  /** Slots that are no longer wanted, until their connections are closed. */
  private readonly ending = new Set<Promise<void>>();
  private paused = false;

  constructor(options: SlotsOptions) {
    this.options = options;
  }

  /** Numbers of the slots that have topics. */
  get numbers(): readonly number[] {
    return [...this.slots.keys()];
  }

  /** Open sockets. */
  get connections(): number {
    let count = 0;
    for (const { supervisor } of this.slots.values()) count += supervisor.openConnections;
    return count;
  }

  /** Topics that Genesys Cloud does not let us have. */
  get rejectedTopics(): number {
    let count = 0;
    for (const { protocol } of this.slots.values()) count += protocol.rejectedTopics.size;
    return count;
  }

  /** Why the last attempts failed, of those slots whose last attempt did. */
  get errors(): readonly string[] {
    return [...this.slots.values()].flatMap(({ supervisor }) => supervisor.lastError ?? []);
  }

  /** The slots for people: number, state, topics. */
  describe(): object[] {
    return [...this.slots].map(([number, { protocol, supervisor, topics }]) => ({
      number,
      state: supervisor.state,
      topics: topics.length,
      rejectedTopics: Object.fromEntries(protocol.rejectedTopics),
    }));
  }

  /** Every slot gets its topics: new ones are started, changed ones told, empty ones stopped. */
  assign(topicsBySlot: readonly (readonly string[])[]): void {
    if (this.options.signal.aborted) return;
    for (const [number, topics] of topicsBySlot.entries()) {
      const slot = this.slots.get(number);
      if (!slot && topics.length > 0) this.slots.set(number, this.start(number, topics));
      else if (slot && topics.length === 0) this.remove(number, slot);
      else if (slot) this.update(slot, topics);
    }
  }

  /** Stop reading from all sockets, or read again. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    for (const { supervisor } of this.slots.values()) {
      if (paused) supervisor.pause();
      else supervisor.resume();
    }
  }

  /** End all connections in good order; what they still deliver is taken in before this settles. */
  async stop(): Promise<void> {
    await Promise.all([...this.ending, ...[...this.slots.values()].map(end)]);
  }

  private start(number: number, topics: readonly string[]): Slot {
    const { intake, coverage, log, limits, openSocket, onFailed, rest, tokens, channels } = this.options;
    const protocol = new NotificationChannels({
      rest,
      tokens,
      channels,
      log,
      topics,
      ...(limits?.connection ? { limits: limits.connection } : {}),
    });
    const supervisor = new Supervisor(
      protocol,
      {
        onDecoded: (decoded, data) => intake.accept(protocol.name, decoded, data),
        onCovered: (atMs) => coverage.onCovered(number, atMs),
        onUncovered: (fromMs, reason) => coverage.onUncovered(number, fromMs, reason),
        onGap: (fromMs, toMs, reason) => coverage.add({ slot: number, fromMs, toMs, reason }),
        onConnected: (reason) => this.countConnect(number, reason),
        onFailed,
      },
      log,
      {
        ...(openSocket ? { open: openSocket } : {}),
        ...(limits?.backoff ? { backoff: limits.backoff } : {}),
      },
    );
    supervisor.start();
    if (this.paused) supervisor.pause();
    return { protocol, supervisor, topics };
  }

  private update(slot: Slot, topics: readonly string[]): void {
    const { signal, log } = this.options;
    slot.topics = topics;
    slot.protocol.updateTopics(topics, signal).catch((error: unknown) => {
      if (signal.aborted) return;
      log.warn('the topics of a channel could not be changed; its connection is replaced', { error });
      slot.supervisor.replace('topics');
    });
  }

  private remove(number: number, slot: Slot): void {
    this.slots.delete(number);
    this.options.coverage.forget(number);
    const ending: Promise<void> = end(slot).finally(() => this.ending.delete(ending));
    this.ending.add(ending);
  }

  private countConnect(slot: number, reason: string): void {
    // The reason of an end may quote the server; its first word is one of a few.
    const word = reason.split(' ')[0] ?? reason;
    this.connects.set(word, (this.connects.get(word) ?? 0) + 1);
    this.options.log.info('connected', { slot, reason });
  }
}

async function end({ protocol, supervisor }: Slot): Promise<void> {
  await supervisor.stop();
  await protocol.end();
}
