import type { ObjectStore } from '../../lib/aws/object-store.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import type { Item } from '../../lib/events/item.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { listIds } from '../../lib/genesys/listing.ts';
import {
  MAX_QUEUES_PER_QUERY,
  openConversation,
  queueObservations,
  userStates,
} from '../../lib/genesys/recovery/present-states.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';
import type { EventSender } from './event-sender.ts';
import { type Fill, type FillWindow, halvesOf, hashOf } from './fill.ts';
import type { LiveEdges } from './live-edges.ts';
import { type RecoveredEvent, recoveredId, sentEvent } from './recovered-event.ts';
import { queueStates, userStateEvents } from './recoverers/recovered-present-states.ts';
import { TOPIC_FAMILIES } from './topic-families.ts';
import type { WantedTopics } from './wanted-topics.ts';
import { type OpenConversation, WindowReader } from './window-reader.ts';

/** Conversations whose states are read before the progress is stored. */
const CONVERSATIONS_PER_STEP = 50;

/** Dependencies of a round. */
export interface RoundOptions {
  readonly rest: RestClient;
  readonly sender: Pick<EventSender, 'send'>;
  /** Stores events that do not fit into a message. */
  readonly objects: Pick<ObjectStore, 'bucket' | 'putJson'>;
  readonly wanted: WantedTopics;
  readonly edges: LiveEdges;
  /** Applied to every event after it is identified. */
  readonly redaction: ContentRedaction | undefined;
  /** Stores the progress. If a round dies, the next one continues from there. */
  readonly save: (fill: Fill) => Promise<Fill>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One round of filling a gap: reads its windows in order of time, then the present states. Each step sends the events that it
 * found and then stores the progress. A step that is repeated sends the same events with the same ids.
 */
export class FillRound {
  private readonly options: RoundOptions;
  private readonly reader: WindowReader;
  private fill: Fill;

  constructor(fill: Fill, options: RoundOptions) {
    this.fill = fill;
    this.options = options;
    this.reader = new WindowReader(options.rest, options.wanted);
  }

  /**
   * Takes the steps that are left.
   *
   * @returns the progress after the last step
   * @throws {@link GenesysError}, SendError, or the error of `save`; the progress up to then is stored
   */
  async run(): Promise<Fill> {
    while (this.fill.next.window < this.fill.windows.length) await this.takeWindow();
    if (this.fill.states === undefined) await this.takeStates();
    return this.fill;
  }

  private async takeWindow(): Promise<void> {
    const { windows, next } = this.fill;
    const window = windows[next.window];
    if (!window) return;
    const fromMs = windows[0]?.fromMs ?? window.fromMs;
    const toMs = windows.at(-1)?.toMs ?? window.toMs;
    const content = await this.reader.read(window, { fromMs, toMs }, this.options.signal);
    if (content === undefined) {
      await this.save({ windows: windows.toSpliced(next.window, 1, ...halvesOf(window)) });
      return;
    }
    const missingPermissions = { ...this.fill.missingPermissions, ...content.missingPermissions };
    const events = content.events.filter((event) => !this.options.edges.wasDelivered(event));
    const eventsHash = hashOf(events.map((event) => this.idOf(event)));
    let counts: Record<string, number> = { ...countsOf(events) };
    if (eventsHash !== window.eventsHash) await this.send(events);
    const statesHash = hashOf(
      content.open.flatMap(({ id, left }) => [id, ...left.map((one) => this.idOf(one))]),
    );
    if (statesHash !== window.statesHash)
      await this.takeOpen(content.open, { ...window, eventsHash, counts });
    for (const { topics } of content.open)
      for (const topic of topics) {
        const type = detailType(topic);
        counts = { ...counts, [type]: (counts[type] ?? 0) + 1 };
      }
    await this.save({
      windows: windows.with(next.window, { ...window, eventsHash, statesHash, counts }),
      next: { window: next.window + 1 },
      missingPermissions,
    });
  }

  /** Reads the states of conversations, some at a time, because each takes a request. */
  private async takeOpen(open: readonly OpenConversation[], window: FillWindow): Promise<void> {
    const { afterConversation = '' } = this.fill.next;
    const left = open.filter(({ id }) => id > afterConversation);
    for (let first = 0; first < left.length; first += CONVERSATIONS_PER_STEP) {
      const step = left.slice(first, first + CONVERSATIONS_PER_STEP);
      const events: RecoveredEvent[] = [];
      for (const one of step) events.push(...(await this.stateEvents(one)));
      await this.send(events);
      const { next, windows } = this.fill;
      await this.save({
        windows: windows.with(next.window, window),
        next: { ...next, afterConversation: step.at(-1)?.id ?? '' },
      });
    }
  }

  /** The present state of a conversation, or its last states for those who left it, if it has ended since the gap. */
  private async stateEvents({ id, topics, left }: OpenConversation): Promise<readonly RecoveredEvent[]> {
    const { rest, signal } = this.options;
    const eventBody = await this.unlessDenied('states of conversations', () =>
      openConversation(rest, id, signal),
    );
    if (eventBody === undefined) return left;
    const atMs = Date.now();
    return topics.map((topicName) => ({ topicName, eventBody, atMs, kind: 'state', subject: id }));
  }

  /** The present states of users and queues. They are read once: later changes are delivered live. */
  private async takeStates(): Promise<void> {
    const { rest, wanted, signal } = this.options;
    const events: RecoveredEvent[] = [];
    if (wanted.wants('queueCounts'))
      await this.unlessDenied('counts of queues', async () => {
        for (const ids of chunksOf(await this.queueIds(), MAX_QUEUES_PER_QUERY)) {
          const about = { sinceMs: this.fill.toMs, nowMs: Date.now() };
          for (const one of await queueObservations(rest, ids, signal))
            events.push(...queueStates(one, about));
        }
      });
    if (wanted.wants('userStates'))
      await this.unlessDenied('states of users', async () => {
        for await (const users of userStates(rest, signal))
          events.push(...users.flatMap((user) => userStateEvents(user, Date.now())));
      });
    const own = events.filter(({ topicName }) => wanted.has(topicName));
    await this.send(own);
    await this.save({ states: countsOf(own) });
  }

  private async queueIds(): Promise<string[]> {
    const { rest, wanted, signal } = this.options;
    const ids = TOPIC_FAMILIES.queueCounts.topics.map((template) => wanted.idsOf(template));
    if (ids.includes(undefined)) return listIds(rest, 'queues', signal);
    return [...new Set(ids.flatMap((own) => own ?? []))];
  }

  private async send(events: readonly RecoveredEvent[]): Promise<void> {
    const { edges, sender, objects, redaction, signal } = this.options;
    const { gapId } = this.fill;
    const { bucket } = objects;
    const items: Item[] = [];
    for (const event of events) {
      const isUncertain = edges.isUncertain(event.atMs);
      const sent = sentEvent(event, { id: this.idOf(event), gapId, isUncertain, redaction, bucket });
      // A round that fails here is repeated, and replaces the object.
      if (sent.stored) await objects.putJson(sent.stored.key, sent.stored.json, signal);
      items.push(sent.item);
    }
    if (items.length > 0) await sender.send(items, signal);
  }

  private idOf(event: RecoveredEvent): string {
    const { gapId, toMs } = this.fill;
    return recoveredId(event, { id: gapId, toMs });
  }

  /** Notes a missing permission instead of failing. */
  private async unlessDenied<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof GenesysError && error.code === 'missing_permission')) throw error;
      const missingPermissions = { ...this.fill.missingPermissions, [what]: error.message };
      this.fill = { ...this.fill, missingPermissions };
      return undefined;
    }
  }

  private async save(change: Partial<Fill>): Promise<void> {
    this.fill = await this.options.save({ ...this.fill, ...change });
  }
}

function countsOf(events: readonly RecoveredEvent[]): Record<string, number> {
  const types = Map.groupBy(events, ({ topicName }) => detailType(topicName));
  return Object.fromEntries([...types].map(([type, own]) => [type, own.length]));
}

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
