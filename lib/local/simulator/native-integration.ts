import { Random } from '../random.ts';
import { type EqualEvents, RecentContents } from './equal-events.ts';
import type { Ledger } from './ledger.ts';
import type { Delivery, LedgerEntry } from './ledger-entry.ts';
import { NATIVE_FAULT_KINDS, type NativeFaultKind } from './native-fault-kinds.ts';
import { templateOf } from './topic-template-lookup.ts';

/** Entries per PutPartnerEvents; an EventBridge limit. */
const MAX_ENTRIES = 20;
/** Larger events are not sent. All entries of a call together must be smaller than 1 MB. */
const MAX_EVENT_CHARACTERS = 49_152;
const MAX_CONCURRENT_CALLS = 4;
const TICK_MS = 10;
/** Time until what was not accepted is put again. */
const RETRY_MS = 200;
const MAX_DELAY_MS = 2_000;
const MIN_OUTAGE_MS = 100;
const MAX_OUTAGE_MS = 500;

/** An entry of PutPartnerEvents. */
export interface PartnerEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  readonly Time: Date;
}

/** Calls PutPartnerEvents. Returns which entries were accepted; rejects if that is not known. */
export type PutPartnerEvents = (entries: readonly PartnerEntry[]) => Promise<readonly boolean[]>;

export interface NativeIntegrationOptions {
  readonly ledger: Ledger;
  readonly seed: number;
  /** Topic templates with `{id}`, as in the topic filter of the integration. */
  readonly topics: readonly string[];
  /** Probability of each fault per event. Default none. */
  readonly rates?: Partial<Record<NativeFaultKind, number>>;
}

interface Waiting {
  readonly entry: PartnerEntry;
  /** Undefined for an event that is sent again. */
  readonly proof?: Delivery;
  readonly dueMs: number;
}

/**
 * Genesys Cloud's own EventBridge integration: sends the events of its topics to the partner bus, in addition to the
 * sockets. It resends events that EventBridge does not accept. An accepted event counts as sent, regardless of its
 * sockets.
 */
export class NativeIntegration {
  /** Name of the partner event source and of its bus. */
  readonly eventSource = 'aws.partner/genesys.com/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/local';
  /** Faults that took effect, by kind. */
  readonly counts = Object.fromEntries(NATIVE_FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    NativeFaultKind,
    number
  >;
  private readonly options: NativeIntegrationOptions;
  private readonly topics: ReadonlySet<string>;
  private readonly random: Random;
  private readonly contents = new RecentContents();
  private put: PutPartnerEvents | undefined;
  private waiting: Waiting[] = [];
  private calls = 0;
  private timer: NodeJS.Timeout | undefined;
  private outageEndsMs = 0;
  private lastTimeMs = 0;
  private isFaulty = true;
  private onIdle: (() => void)[] = [];

  constructor(options: NativeIntegrationOptions) {
    this.options = options;
    this.topics = new Set(options.topics);
    this.random = new Random(options.seed).fork('native-integration');
  }

  /** Starts sending events. Earlier events have waited until now. */
  connect(put: PutPartnerEvents): void {
    this.put = put;
    this.timer = setInterval(() => this.pump(), TICK_MS);
  }

  /** The events with the same content. Undefined if the integration does not send this topic. */
  groupOf(topicName: string, bodyText: string): EqualEvents | undefined {
    return this.typeOf(topicName) === undefined ? undefined : this.contents.groupOf(topicName, bodyText);
  }

  /** Sends an event if the integration has its topic. */
  offer(entry: LedgerEntry, text: string): void {
    const DetailType = this.typeOf(entry.topicName);
    if (DetailType === undefined || text.length > MAX_EVENT_CHARACTERS || this.isDown()) return;
    const nowMs = Date.now();
    // Two occurrences of the same content never have the same time.
    this.lastTimeMs = Math.max(nowMs, this.lastTimeMs + 1);
    const timestamp = new Date(this.lastTimeMs).toISOString();
    const Detail = `${text.slice(0, -1)},"timestamp":"${timestamp}"}`;
    const event = { Source: this.eventSource, DetailType, Detail, Time: new Date(nowMs) };
    const delayMs = this.strikes('native_delay') ? this.random.int(MAX_DELAY_MS) : 0;
    const proof = this.options.ledger.deliver(entry, 'integration');
    this.waiting.push({ entry: event, proof, dueMs: nowMs + delayMs });
    if (this.strikes('native_repeat'))
      this.waiting.push({ entry: event, dueMs: nowMs + delayMs + this.random.int(MAX_DELAY_MS) });
  }

  /** Resolves when EventBridge has accepted all events. */
  async idle(): Promise<void> {
    if (this.calls + this.waiting.length === 0) return;
    await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** Stops injecting faults. */
  stop(): void {
    this.isFaulty = false;
  }

  close(): void {
    this.stop();
    clearInterval(this.timer);
  }

  private typeOf(topicName: string): string | undefined {
    const template = templateOf(topicName);
    return template !== undefined && this.topics.has(template) ? template : undefined;
  }

  private strikes(kind: NativeFaultKind): boolean {
    const drawn = this.random.chance(this.options.rates?.[kind] ?? 0) && this.isFaulty;
    if (drawn) this.counts[kind] += 1;
    return drawn;
  }

  private isDown(): boolean {
    const nowMs = Date.now();
    if (nowMs >= this.outageEndsMs && this.strikes('native_outage'))
      this.outageEndsMs = nowMs + MIN_OUTAGE_MS + this.random.int(MAX_OUTAGE_MS - MIN_OUTAGE_MS);
    return nowMs < this.outageEndsMs;
  }

  private pump(): void {
    const nowMs = Date.now();
    const due = this.waiting.filter(({ dueMs }) => dueMs <= nowMs);
    const batches: Waiting[][] = [];
    while (due.length > 0 && this.calls + batches.length < MAX_CONCURRENT_CALLS)
      batches.push(due.splice(0, MAX_ENTRIES));
    const taken = new Set(batches.flat());
    this.waiting = this.waiting.filter((one) => !taken.has(one));
    for (const batch of batches) void this.send(batch);
    if (this.calls + this.waiting.length > 0) return;
    for (const resolve of this.onIdle.splice(0)) resolve();
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    this.calls += 1;
    // An event that is not known to be accepted is sent again, which may repeat it.
    const accepted = (await this.put?.(batch.map(({ entry }) => entry)).catch(() => [])) ?? [];
    for (const [index, one] of batch.entries()) {
      if (accepted[index]) one.proof?.proven();
      else this.waiting.push({ ...one, dueMs: Date.now() + RETRY_MS });
    }
    this.calls -= 1;
  }
}
