import { Random } from '../random.ts';
import type { Channels } from './channels.ts';
import { type Frame, frameText, SERIAL_FIELD } from './frame.ts';
import { largeEvent } from './large-event.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerEntry, RepeatGroup } from './ledger-entry.ts';
import type { NativeIntegration } from './native-integration.ts';
import { checkFrameText, textWithSerial } from './recorded-frame.ts';
import type { EventHistory } from './recovery/event-history.ts';
import type { RecoveryJudge } from './recovery/recovery-judge.ts';

/** Sends events to the channels that are subscribed to their topics, each with a new serial number. */
export class EventEmitter {
  private readonly ledger: Ledger;
  private readonly channels: Channels;
  private readonly everyTopic: boolean;
  private readonly integration: NativeIntegration | undefined;
  private readonly random: Random;
  private readonly history: EventHistory;
  private readonly judge: RecoveryJudge | undefined;

  /**
   * @param options.everyTopic sends every event to every channel, regardless of its topics
   * @param integration also receives every event
   */
  constructor(
    ledger: Ledger,
    channels: Channels,
    options: { seed: number; everyTopic: boolean; history: EventHistory; judge?: RecoveryJudge | undefined },
    integration?: NativeIntegration,
  ) {
    this.ledger = ledger;
    this.channels = channels;
    this.everyTopic = options.everyTopic;
    this.integration = integration;
    this.history = options.history;
    this.judge = options.judge;
    this.random = new Random(options.seed).fork('large-events');
  }

  emit(frame: Frame): void {
    const bodyText = JSON.stringify(frame.eventBody) ?? 'null';
    const group = this.integration?.groupOf(frame.topicName, bodyText);
    const entry = this.ledger.begin(frame.topicName, undefined, group);
    // The REST API compares with this clock. That of the ledger can be ahead of it.
    this.history.record(frame, Date.now());
    this.judge?.emitted(entry.serial, frame);
    const metadata = { ...frame.metadata, [SERIAL_FIELD]: entry.serial };
    const text = frameText({ ...frame, metadata }, bodyText);
    this.integration?.offer(entry, text);
    this.publish(entry, text);
  }

  /** @throws FrameTextError if the text is not a frame */
  emitText(topicName: string, text: string, group?: RepeatGroup): void {
    checkFrameText(text);
    const entry = this.ledger.begin(topicName, undefined, group);
    this.publish(entry, textWithSerial(text, entry.serial));
  }

  /** Emits an event of about `bytes` bytes on a topic of this channel. @returns the number of events */
  emitLarge(channelId: string, bytes: number): number {
    const topics = [...(this.channels.get(channelId)?.topics() ?? [])];
    const topic = topics.find((name) => name.endsWith('.conversations')) ?? topics[0];
    if (topic === undefined) return 0;
    this.emit(largeEvent(topic, bytes, this.random));
    return 1;
  }

  private publish(entry: LedgerEntry, text: string): void {
    let data: Buffer | undefined;
    const channels = this.everyTopic
      ? this.channels.all()
      : (this.channels.subscribersOf(entry.topicName) ?? []);
    for (const { socket } of channels) {
      if (socket?.live !== true) continue;
      data ??= Buffer.from(text);
      socket.deliver([entry], data);
    }
    this.ledger.offered(entry);
  }
}
