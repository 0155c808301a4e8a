import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../random.ts';
import { type Frame, SERIAL_FIELD } from './frame.ts';
import { seededUuid } from './identifiers.ts';
import type { Ledger } from './ledger.ts';
import type { Delivery } from './ledger-entry.ts';
import type { StreamDefinition, StreamsResource } from './streams-resource.ts';
import { signatureOf, WebhookClient } from './webhook-client.ts';
import { WEBHOOK_FAULT_KINDS, type WebhookFaultKind } from './webhook-fault-kinds.ts';

/** Concurrent deliveries. */
const MAX_CONCURRENT = 20;
/** With more events that wait for a delivery, {@link WebhookSender.isFull} is true. */
const MAX_WAITING = 200;
const MAX_ATTEMPTS = 12;
const BACKOFF_BASE_MS = 50;
const BACKOFF_CAP_MS = 2_000;
/** Longest time after the request at which the sender hangs up. */
const MAX_HANG_UP_MS = 10;
const TOO_MANY_REQUESTS = 429;
const FIRST_SERVER_ERROR = 500;

export interface WebhookSenderOptions {
  readonly ledger: Ledger;
  readonly streams: StreamsResource;
  readonly seed: number;
  /** Probability of each fault per event. Default none. */
  readonly rates?: Partial<Record<WebhookFaultKind, number>>;
}

/** A delivery that must reach the bus once. */
interface Good {
  readonly stream: StreamDefinition;
  readonly body: Buffer;
  readonly proof: Delivery;
  readonly faults: ReadonlySet<WebhookFaultKind>;
}

/**
 * Delivers events to the webhooks of registered streams: signed, and resent after a server error or without a response,
 * always with the same event id. Every event counts as sent, regardless of the webhook's response.
 */
export class WebhookSender {
  /** Faults that took effect, by kind. */
  readonly counts = Object.fromEntries(WEBHOOK_FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    WebhookFaultKind,
    number
  >;
  private readonly options: WebhookSenderOptions;
  private readonly random: Random;
  private readonly client = new WebhookClient(MAX_CONCURRENT);
  private readonly waiting: Good[] = [];
  private readonly abort = new AbortController();
  private inFlight = 0;
  private onIdle: (() => void)[] = [];

  constructor(options: WebhookSenderOptions) {
    this.options = options;
    this.random = new Random(options.seed).fork('webhook');
  }

  /** Whether too many events are waiting, so that no more should be emitted. */
  get isFull(): boolean {
    return this.waiting.length >= MAX_WAITING || this.options.ledger.isFull;
  }

  /** Delivers an event to every stream with a matching rule. Its metadata has a new serial number. */
  emit(frame: Frame): void {
    const { ledger, streams } = this.options;
    const entry = ledger.begin(frame.topicName);
    const event = this.eventOf(frame, entry.serial);
    const body = Buffer.from(JSON.stringify(event));
    const faults = this.draw();
    for (const stream of streams.matching(event)) {
      const proof = ledger.deliver(entry);
      proof.flushed();
      this.waiting.push({ stream, body, proof, faults });
      this.sendBad(stream, frame, faults);
    }
    ledger.offered(entry);
    this.pump();
  }

  /** Resolves when no deliveries are waiting or in progress. */
  async idle(): Promise<void> {
    if (this.inFlight + this.waiting.length === 0) return;
    await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** Stops injecting faults. */
  stop(): void {
    this.abort.abort();
  }

  close(): void {
    this.stop();
    this.waiting.length = 0;
    this.client.close();
  }

  private eventOf({ topicName, version, eventBody, metadata }: Frame, serial: number) {
    return {
      eventBridgeEventId: seededUuid(this.random),
      eventType: topicName,
      eventTimestamp: new Date().toISOString(),
      version,
      eventBody,
      metadata: { ...metadata, [SERIAL_FIELD]: serial },
    };
  }

  private draw(): ReadonlySet<WebhookFaultKind> {
    const { rates = {} } = this.options;
    const drawn = WEBHOOK_FAULT_KINDS.filter((kind) => this.random.chance(rates[kind] ?? 0));
    return new Set(this.abort.signal.aborted ? [] : drawn);
  }

  private pump(): void {
    while (this.inFlight < MAX_CONCURRENT) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.run(this.deliver(next));
    }
    if (this.inFlight + this.waiting.length > 0) return;
    for (const resolve of this.onIdle.splice(0)) resolve();
  }

  private run(sending: Promise<unknown>): void {
    this.inFlight += 1;
    void sending.finally(() => {
      this.inFlight -= 1;
      this.pump();
    });
  }

  private async deliver({ stream, body, proof, faults }: Good): Promise<void> {
    const { url, secret } = stream.destination;
    const signature = signatureOf(body, secret);
    if (faults.has('webhook_hang_up')) {
      this.counts.webhook_hang_up += 1;
      await this.client.post(url, body, signature, this.random.int(MAX_HANG_UP_MS));
    }
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const status = await this.client.post(url, body, signature);
      if (status === 202) {
        proof.proven();
        if (!faults.has('webhook_repeat')) return;
        this.counts.webhook_repeat += 1;
        await this.client.post(url, body, signature);
        return;
      }
      const isRetried = status === undefined || status === TOO_MANY_REQUESTS || status >= FIRST_SERVER_ERROR;
      if (!isRetried) return;
      await delay(Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt));
    }
  }

  /** Sends deliveries that must be refused. Each contains an event that must not reach the bus. */
  private sendBad(stream: StreamDefinition, frame: Frame, faults: ReadonlySet<WebhookFaultKind>): void {
    const { url, secret } = stream.destination;
    const send = (kind: WebhookFaultKind, make: (body: Buffer) => readonly [Buffer, string]) => {
      if (!faults.has(kind)) return;
      this.counts[kind] += 1;
      const event = this.eventOf(frame, this.options.ledger.badSerial());
      const [body, signature] = make(Buffer.from(JSON.stringify(event)));
      this.run(this.client.post(url, body, signature));
    };
    send('webhook_forged', (body) => [body, signatureOf(body, randomBytes(32).toString('hex'))]);
    send('webhook_altered', (body) => [this.altered(body), signatureOf(body, secret)]);
    send('webhook_wrong_length', (body) => {
      const signature = signatureOf(body, secret);
      return [body, this.random.chance(0.5) ? signature.slice(0, -this.random.int(44)) : `${signature}AAAA`];
    });
  }

  /** Changes the last digit of the serial number, which is before the last two braces. The JSON stays valid. */
  private altered(body: Buffer): Buffer {
    const altered = Buffer.from(body);
    const digit = altered.length - 3;
    altered[digit] =
      0x30 + ((Number(String.fromCharCode(altered[digit] ?? 0)) + 1 + this.random.int(9)) % 10);
    return altered;
  }
}
