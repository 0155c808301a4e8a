import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Channel } from './channel.ts';
import { ChannelSocket } from './channel-socket.ts';
import { Channels, CLOSE_GOING_AWAY } from './channels.ts';
import type { FaultTarget } from './cloud-fault-kinds.ts';
import type { CloudFaults } from './cloud-faults.ts';
import { Directory } from './directory.ts';
import { EventEmitter } from './event-emitter.ts';
import type { Frame } from './frame.ts';
import { Hooks } from './hooks.ts';
import { replyTo } from './in-band-messages.ts';
import { Ledger } from './ledger.ts';
import type { RepeatGroup } from './ledger-entry.ts';
import { NotificationsResource } from './notifications-resource.ts';
import { loopbackUrl, type PlatformPart, PlatformServer } from './platform-server.ts';
import { EventHistory } from './recovery/event-history.ts';
import { RecoveryResource } from './recovery/recovery-resource.ts';
import { RequestFaults } from './request-faults.ts';
import { RequestQuota } from './request-quota.ts';
import { RestApi } from './rest-api.ts';
import { checkedOptions, type SimulatorOptions } from './simulator-options.ts';
import { StreamsResource } from './streams-resource.ts';
import { Tokens } from './tokens.ts';
import { Upgrades } from './upgrade.ts';

/** A channel has one socket. A newer one closes the older one normally (RFC 6455, 7.4.1). */
const CLOSE_REPLACED = 1000;
/** Time that clients have to answer the close frame when the simulator stops. */
const CLOSE_TIMEOUT_MS = 1_000;
const LOOPBACK = '127.0.0.1';

export type { SimulatorOptions } from './simulator-options.ts';

export interface Listening {
  /** Base URL of the REST API and of the token endpoint. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A simulated Genesys Cloud: OAuth, REST API and notification service on one port, for any client. */
export class Simulator implements PlatformPart {
  /** As a part of a platform, it handles the requests that no other part handles. */
  readonly path = '/';
  readonly ledger: Ledger;
  /** All actions of the cloud on its channels. The most common ones are also methods of this class. */
  readonly hooks: Hooks;
  /** Called when a socket opens while another one is live for one of its topics. */
  onOverlap: () => void = () => {};
  /** Streams to webhooks. A `WebhookSender` delivers their events. */
  readonly streams = new StreamsResource();
  /** The past data that the REST API returns. */
  readonly history: EventHistory;
  private readonly requestFaults = new RequestFaults();
  private readonly options: ReturnType<typeof checkedOptions>;
  private readonly faults: CloudFaults | undefined;
  private readonly directory: Directory;
  private readonly channels: Channels;
  private readonly emitter: EventEmitter;
  private readonly notifications: NotificationsResource;
  private readonly sockets = new Set<ChannelSocket>();
  private readonly restApi: RestApi;
  private readonly upgrades: Upgrades;
  private readonly server = new PlatformServer([this]);

  /** @throws SimulatorOptionsError */
  constructor(options: SimulatorOptions = {}) {
    const checked = checkedOptions(options);
    this.options = checked;
    this.ledger = options.ledger ?? new Ledger();
    this.faults = options.faults;
    this.directory = new Directory(checked.seed, checked.users, checked.queues);
    this.channels = new Channels(checked);
    this.history =
      options.history ?? new EventHistory({ seed: checked.seed, maxDelayMs: checked.historyDelayMs });
    const emitting = { ...checked, history: this.history, judge: options.recoveryJudge };
    this.emitter = new EventEmitter(this.ledger, this.channels, emitting, options.integration);
    const tokens = options.tokens ?? new Tokens(checked.tokenLifeSeconds);
    this.hooks = new Hooks(this.channels, tokens, checked.closingGraceMs);
    this.notifications = new NotificationsResource(
      this.channels,
      new Set(checked.deniedTopics),
      this.requestFaults,
      (channelId, host) => `ws://${host ?? LOOPBACK}/channels/${channelId}`,
    );
    this.restApi = new RestApi({
      clients: [checked, ...checked.otherClients],
      tokens,
      quota: new RequestQuota(checked.requestsPerMinute),
      directory: this.directory,
      notifications: this.notifications,
      streams: this.streams,
      recovery: new RecoveryResource(this.history, new Set(checked.deniedPermissions)),
      requestFaults: this.requestFaults,
    });
    this.upgrades = new Upgrades(this.channels, this.requestFaults, (channel, socket, raw) =>
      this.connected(channel, socket, raw),
    );
  }

  /** Listens on the loopback interface, by default on a free port, and starts the faults, if any. */
  async listen({ port = 0 }: { port?: number } = {}): Promise<Listening> {
    const actualPort = await this.server.listen(port);
    return { url: loopbackUrl(actualPort), port: actualPort, close: () => this.close() };
  }

  /** Starts the faults, if any. */
  start(): void {
    this.faults?.start(this.faultTarget);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    void this.restApi.handle(request, response);
  }

  upgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    this.upgrades.handle(request, raw, head);
  }

  /**
   * Publishes an event to every channel that is subscribed to its topic and has a live socket. Its metadata has a new
   * serial number.
   */
  emit(frame: Frame): void {
    this.emitter.emit(frame);
  }

  /**
   * Publishes a recorded frame. Only the serial number is added to its text.
   *
   * @param group recorded frames with the same content
   * @throws FrameTextError if the text is not a frame
   */
  emitText(topicName: string, text: string, group?: RepeatGroup): void {
    this.emitter.emitText(topicName, text, group);
  }

  get userIds(): readonly string[] {
    return this.directory.userIds;
  }

  get queueIds(): readonly string[] {
    return this.directory.queueIds;
  }

  addUser(): string {
    return this.directory.addUser();
  }

  removeUser(id: string): boolean {
    return this.directory.removeUser(id);
  }

  addQueue(): string {
    return this.directory.addQueue();
  }

  removeQueue(id: string): boolean {
    return this.directory.removeQueue(id);
  }

  /** Number of open sockets, including those that are closing. */
  get connections(): number {
    return this.sockets.size;
  }

  /** Number of sockets that accept events. */
  get liveConnections(): number {
    return this.channels.live().length;
  }

  /** Ids of the channels, least recently used first. An id is a secret: it grants access to its channel. */
  get channelIds(): readonly string[] {
    return this.channels
      .all()
      .toSorted((a, b) => a.lastUse - b.lastUse)
      .map(({ id }) => id);
  }

  /** Bytes that the clients have not read yet, across all sockets. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const socket of this.sockets) bytes += socket.bufferedBytes;
    return bytes;
  }

  /** Whether too many events have not reached the bus, so that no more should be emitted. */
  get isFull(): boolean {
    return this.ledger.isFull;
  }

  /** Number of live sockets that are subscribed to this topic. */
  coverageOf(topicName: string): number {
    return [...(this.channels.subscribersOf(topicName) ?? [])].filter((channel) => channel.live).length;
  }

  /** Target for a `CloudFaults` that is started after the simulator. */
  get faultTarget(): FaultTarget {
    const { channels, hooks, requestFaults, emitter } = this;
    return { channels, hooks, requestFaults, emitLarge: (id, bytes) => emitter.emitLarge(id, bytes) };
  }

  dropSockets(channelId?: string): number {
    return this.hooks.drop(channelId);
  }

  silenceSockets(channelId?: string): number {
    return this.hooks.silence(channelId);
  }

  closingSoon(channelId?: string): number {
    return this.hooks.closingSoon(channelId);
  }

  evictChannel(channelId?: string): number {
    return this.hooks.evict(channelId);
  }

  revokeTokens(): number {
    return this.hooks.revoke();
  }

  /** Stops listening and ends. */
  close(): Promise<void> {
    return this.server.close();
  }

  /** Closes all sockets. Data that was sent still arrives. Sockets that do not close are terminated. */
  async end(): Promise<void> {
    this.faults?.stop();
    this.hooks.stop();
    this.channels.clear();
    const ending = [...this.sockets].filter((socket) => socket.live);
    for (const socket of ending) socket.close(CLOSE_GOING_AWAY, 'server is stopping');
    await Promise.race([
      Promise.all(ending.map((socket) => socket.ended)),
      delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }),
    ]);
    for (const socket of [...this.sockets]) socket.terminate();
  }

  private connected(channel: Channel, socket: WebSocket, raw: Duplex): void {
    const { ledger } = this;
    const { heartbeatMs, maxSocketBufferBytes: maxBufferedBytes } = this.options;
    const opened: ChannelSocket = new ChannelSocket(socket, raw, {
      ledger,
      heartbeatMs,
      maxBufferedBytes,
      onText: (text) => {
        const exists = this.channels.get(channel.id) === channel;
        opened.control(replyTo(text, channel, exists, this.notifications));
      },
      onClosed: () => {
        this.sockets.delete(opened);
        if (channel.socket === opened) channel.socket = undefined;
      },
    });
    const replaced = channel.socket;
    channel.socket = opened;
    channel.leaving = false;
    this.channels.used(channel);
    this.sockets.add(opened);
    replaced?.close(CLOSE_REPLACED, 'another socket was opened for this channel');
    if ([...channel.topics()].some((topic) => this.coverageOf(topic) > 1)) this.onOverlap();
  }
}
