import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import { gapsMessage } from '../../lib/events/gaps-message.ts';
import { recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';
import type { Frame } from '../../lib/events/schema.ts';
import {
  type CoverageProof,
  type CoverageStore,
  type CoveredSpan,
  DynamoDbCoverageStore,
  type Gap,
  gapIdOf,
} from './coverage-store.ts';
import { ReadFingerprints, type StoredReads } from './read-fingerprints.ts';

/** Events read this long before and after a gap are stored. Times in events differ less from their delivery. */
export const EDGE_MS = 20_000;
/** Gaps whose end is so recent that events read after them are still added. Others are announced at once. */
const MAX_WAITING_GAPS = 1_000;
/** Maximum concurrent announcements. The backfill finds further gaps without one, by their records. */
export const MAX_ANNOUNCEMENTS = 1_000;

/** Dependencies of a {@link GapAnnouncer}. */
export interface GapAnnouncerOptions {
  readonly store: CoverageStore;
  /** Stores the events that were read around a gap. */
  readonly putEdges: (gapId: string, reads: StoredReads) => Promise<void>;
  /** Wakes the backfill. */
  readonly send: (gapId: string) => Promise<unknown>;
  /** Epoch milliseconds of the oldest event that SQS has not accepted; undefined if there is none. */
  readonly oldestUnsentMs: () => number | undefined;
  /** Epoch milliseconds: what a subscription was sent until then has been read; undefined while it is not live. */
  readonly readUntilMs: (subscription: string) => number | undefined;
  readonly log: Log;
  /** @default EDGE_MS */
  readonly edgeMs?: number | undefined;
}

/**
 * A coverage store that tells the backfill about each gap that it stores. The gap record is what counts: if the message
 * or the edges are not stored, the backfill finds the gap later, and marks events that may have been delivered twice.
 */
export class GapAnnouncer implements CoverageStore {
  private readonly options: GapAnnouncerOptions & { readonly edgeMs: number };
  private reads = new ReadFingerprints();
  private isLeading = true;
  /** Timers of gaps that have ended, by id. */
  private readonly waiting = new Map<string, { readonly timer: NodeJS.Timeout; readonly gap: Gap }>();
  private readonly announcing = new Set<Promise<void>>();
  private isStopping = false;

  constructor(options: GapAnnouncerOptions) {
    this.options = { ...options, edgeMs: options.edgeMs ?? EDGE_MS };
  }

  /** Whether this task sends what it reads. Events read by a standby may not reach anyone, so they do not count as delivered. */
  setLeading(isLeading: boolean): void {
    this.isLeading = isLeading;
    this.reads = new ReadFingerprints();
  }

  /** An event with a recovery key was read. */
  onRead(frame: Frame, key: string): void {
    if (!this.isLeading) return;
    const fingerprint = recoveryFingerprint(frame, key);
    if (fingerprint) this.reads.add(fingerprint);
  }

  async putGap(gap: Gap, task: string): Promise<void> {
    await this.options.store.putGap(gap, task);
    const gapId = gapIdOf(gap, task);
    // A gap that is recorded again while it continues is announced once.
    clearTimeout(this.waiting.get(gapId)?.timer);
    this.waiting.delete(gapId);
    if (this.isStopping || this.waiting.size >= MAX_WAITING_GAPS) {
      this.announce(gapId, gap);
      return;
    }
    const timer = setTimeout(() => {
      this.waiting.delete(gapId);
      this.announce(gapId, gap);
    }, this.options.edgeMs);
    this.waiting.set(gapId, { timer, gap });
  }

  putTopics(id: string, topics: readonly string[]): Promise<void> {
    return this.options.store.putTopics(id, topics);
  }

  putProof(proof: CoverageProof): Promise<void> {
    return this.options.store.putProof(proof);
  }

  putSpan(span: CoveredSpan): Promise<void> {
    return this.options.store.putSpan(span);
  }

  deleteProof(proof: CoverageProof): Promise<void> {
    return this.options.store.deleteProof(proof);
  }

  proofs(): Promise<readonly CoverageProof[]> {
    return this.options.store.proofs();
  }

  /** The process stops: announce every gap without waiting. */
  stopping(): void {
    this.isStopping = true;
    for (const [gapId, { timer, gap }] of this.waiting) {
      clearTimeout(timer);
      this.announce(gapId, gap);
    }
    this.waiting.clear();
  }

  /** Settles when every announced gap is announced. */
  async settled(): Promise<void> {
    await Promise.all(this.announcing);
  }

  private announce(gapId: string, gap: Gap): void {
    if (this.announcing.size >= MAX_ANNOUNCEMENTS) {
      this.options.log.warn('too many gaps are being announced; the backfill finds this one later', {
        gapId,
      });
      return;
    }
    const done = this.store(gapId, gap)
      .catch((error: unknown) => {
        this.options.log.warn('a gap could not be announced; the backfill finds it later', { gapId, error });
      })
      .finally(() => this.announcing.delete(done));
    this.announcing.add(done);
  }

  private async store(gapId: string, { subscription, fromMs, toMs }: Gap): Promise<void> {
    const { edgeMs, oldestUnsentMs, readUntilMs, putEdges, send } = this.options;
    // At the end of the process, items that SQS has not accepted may never reach it. Until then, they are sent again.
    const unsentMs = this.isStopping ? oldestUnsentMs() : undefined;
    const sentMs = (unsentMs ?? Number.POSITIVE_INFINITY) - 1;
    const lastMs = Math.min(toMs + edgeMs, sentMs);
    // A process that is behind may still read what was sent before.
    const knownUntilMs = Math.min(lastMs, readUntilMs(subscription) ?? toMs);
    await putEdges(gapId, { ...this.reads.around(fromMs - edgeMs, lastMs), knownUntilMs });
    await send(gapId);
  }
}

/** The coverage store of a deployment, with a {@link GapAnnouncer} in front of it if there is a gaps queue. */
export function coverageStores(
  stateTable: { readonly client: DynamoDBClient; readonly name: string } | undefined,
  config: { readonly subscriptionSet: string; readonly gapsQueueUrl?: string | undefined },
  {
    sqs,
    ...options
  }: Pick<GapAnnouncerOptions, 'oldestUnsentMs' | 'readUntilMs' | 'log' | 'edgeMs'> & { sqs: SQSClient },
): { store?: CoverageStore | undefined; announcer?: GapAnnouncer } {
  const { subscriptionSet, gapsQueueUrl: QueueUrl } = config;
  const store = stateTable && new DynamoDbCoverageStore(stateTable.client, stateTable.name, subscriptionSet);
  if (!store || QueueUrl === undefined) return { store };
  const announcer = new GapAnnouncer({
    store,
    putEdges: (gapId, reads) => store.putEdges(gapId, reads),
    send: (gapId) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: gapsMessage(gapId) })),
    ...options,
  });
  return { store: announcer, announcer };
}
