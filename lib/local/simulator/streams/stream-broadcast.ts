import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../frame.ts';
import type { Ledger } from '../ledger.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { StreamEvent } from './stream-event.ts';
import type { StreamServer } from './stream-server.ts';

/** Events that are kept to be sent again. */
const MAX_KEPT_EVENTS = 100_000;
/** Time for a client to connect again after the last event. */
const MAX_RECONNECT_MS = 10_000;
/** Events at the end of a run that show clients that the ones before them are missing. */
const MAX_LAST_EVENTS = 100;
const POLL_MS = 20;

export interface StreamBroadcastOptions {
  readonly server: StreamServer;
  readonly ledger: Ledger;
  /** The clients that receive events. */
  readonly connections: () => readonly StreamConnection[];
  /** Whether the server forgets to send the next event. */
  readonly takeSkip: () => boolean;
  /** Called for each event when it happens, whether or not it is sent. */
  readonly onEvent?: (event: StreamEvent) => void;
}

/** Sends events to the clients of a stream, and sends them again as far as the server does. */
export class StreamBroadcast {
  private readonly options: StreamBroadcastOptions;
  /** The newest events, if the server can resend them. */
  private readonly kept: StreamEvent[] = [];
  /** Events that no client received, if the server sends them to the next client. */
  private missed: StreamEvent[] = [];
  /** Topics whose last event was not sent. */
  private readonly unseen = new Set<string>();

  constructor(options: StreamBroadcastOptions) {
    this.options = options;
  }

  /** Publishes an event to every client that is subscribed to its topic. */
  emit(frame: Frame): void {
    const { server, ledger, takeSkip } = this.options;
    const { topicName } = frame;
    const text = server.textBefore?.();
    const clients = this.options.connections();
    if (text !== undefined) for (const { socket } of clients) socket.control(text);
    const subscribed = clients.filter(({ topics }) => topics?.has(topicName));
    // A client that has received no event of a topic cannot detect a missing one: it does not know the numbers.
    const isSkipped =
      subscribed.length > 0 && subscribed.every(({ got }) => got.has(topicName)) && takeSkip();
    const event = { frame, entry: ledger.begin(topicName), stamp: server.stamp(frame, isSkipped) };
    this.options.onEvent?.(event);
    if (isSkipped) {
      this.unseen.add(topicName);
      ledger.offered(event.entry);
      return;
    }
    if (subscribed.length > 0) this.unseen.delete(topicName);
    for (const connection of subscribed) this.send(connection, event);
    if (server.replays) this.keep(this.kept, event);
    else if (subscribed.length === 0 && server.keepsMissed?.(topicName)) this.keep(this.missed, event);
    else ledger.offered(event.entry);
  }

  /** Resends everything after a serial number. */
  replay(connection: StreamConnection, afterSerial: number): void {
    for (const event of this.kept) {
      if (event.entry.serial > afterSerial && connection.topics?.has(event.frame.topicName))
        this.send(connection, event);
    }
  }

  /**
   * Sends the events that no client received, if the first one is not older than this. Otherwise they are never sent.
   */
  resend(connection: StreamConnection, withinMs: number): void {
    const isTheirs = ({ frame }: StreamEvent) => connection.topics?.has(frame.topicName) ?? false;
    const theirs = this.missed.filter(isTheirs);
    this.missed = this.missed.filter((event) => !isTheirs(event));
    const [first] = theirs;
    if (!first || Date.now() - first.entry.sentAtMs > withinMs) this.release(theirs);
    else for (const event of theirs) this.send(connection, event);
  }

  /** Discards the events that no client received. */
  forget(): void {
    this.release(this.missed.splice(0));
  }

  /**
   * Waits until every topic has a client. If the last events are missing, sends events from which clients can detect
   * it.
   */
  async finish(): Promise<void> {
    const deadlineMs = Date.now() + MAX_RECONNECT_MS;
    const isUnheard = (topicName: string) =>
      !this.options.connections().some(({ topics }) => topics?.has(topicName));
    const waiting = () => [...this.unseen, ...this.missed.map(({ frame }) => frame.topicName)];
    const isOver = () => this.options.connections().length > 0 && !waiting().some(isUnheard);
    while (!isOver() && Date.now() < deadlineMs) await delay(POLL_MS);
    for (let left = MAX_LAST_EVENTS; left > 0 && this.unseen.size > 0; left -= 1)
      this.emit(this.options.server.next());
    for (const connection of this.options.connections()) connection.flush();
    this.forget();
    this.release(this.kept.splice(0));
  }

  private send(connection: StreamConnection, event: StreamEvent): void {
    connection.got.add(event.frame.topicName);
    connection.collect(event, (events) => {
      // An event that is already on the bus is sent as a copy, without the ledger.
      const entries = events.flatMap(({ entry }) => this.options.ledger.find(entry.serial) ?? []);
      connection.socket.deliver(entries, this.options.server.encode(events, connection));
    });
  }

  private keep(list: StreamEvent[], event: StreamEvent): void {
    list.push(event);
    if (list.length > MAX_KEPT_EVENTS) this.release(list.splice(0, 1));
  }

  /** Gives up the events that were never sent. */
  private release(events: readonly StreamEvent[]): void {
    for (const { entry } of events)
      if (this.options.ledger.find(entry.serial)) this.options.ledger.offered(entry);
  }
}
