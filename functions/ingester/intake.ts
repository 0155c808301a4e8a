import { gzipSync } from 'node:zlib';
import type { Log } from '../../lib/aws/logger.ts';
import { TooDeepError } from '../../lib/events/canonical-json.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { encodeEvent, encodeRejectedFrame, MAX_ITEM_BYTES } from '../../lib/events/envelope.ts';
import { eventIdentity } from '../../lib/events/identity.ts';
import type { ProtocolName, RejectionReason } from '../../lib/events/schema.ts';
import type { Batcher } from './batcher.ts';
import type { Decoded } from './protocols/protocol.ts';
import { RecentIds } from './recent-ids.ts';

/** Numbers of what came in since the start. */
export interface IntakeTotals {
  /** Events read from sockets, copies included. */
  received: number;
  /** Copies that overlapping connections brought, dropped here. */
  copies: number;
  /** Frames that could not become events, by reason; they travel to the quarantine queue. */
  rejected: Record<RejectionReason, number>;
  /** Frames that did not fit into a message even compressed: the log names their size and digest. */
  unpreserved: number;
}

/**
 * What one frame becomes: an event with its identity, once, or a rejected frame carried whole. Every socket's frames
 * come through here on their way to the batcher.
 */
export class Intake {
  readonly totals: IntakeTotals = {
    received: 0,
    copies: 0,
    rejected: {
      not_json: 0,
      invalid_utf8: 0,
      invalid_frame: 0,
      too_deep: 0,
      too_large: 0,
      refused_by_queue: 0,
    },
    unpreserved: 0,
  };
  private readonly batcher: Pick<Batcher, 'add'>;
  private readonly log: Log;
  private readonly recent: RecentIds;

  constructor(batcher: Pick<Batcher, 'add'>, log: Log, recent = new RecentIds()) {
    this.batcher = batcher;
    this.log = log;
    this.recent = recent;
  }

  /** Take what a protocol made of a frame; `data` is the frame. */
  accept(protocol: ProtocolName, decoded: Decoded, data: Buffer): void {
    if (decoded.kind === 'notice') this.log.info(decoded.message, { protocol });
    if (decoded.kind === 'rejected') this.reject(protocol, decoded.reason, data);
    if (decoded.kind === 'event') this.acceptEvent(protocol, decoded, data);
  }

  /** Take back an item that SQS refuses for what it is: it travels on whole, in an encoding that SQS takes. */
  takeBack(item: string, why: string): void {
    const isSecondTime = item.startsWith('{"rejected":');
    this.log.error('SQS refused an item', { reason: why, bytes: item.length, isSecondTime });
    if (isSecondTime) this.totals.unpreserved++;
    else this.reject('notification-channels', 'refused_by_queue', gzipSync(item));
  }

  private acceptEvent(protocol: ProtocolName, event: Decoded & { kind: 'event' }, data: Buffer): void {
    this.totals.received++;
    const id = this.identify(event);
    if (id === undefined) {
      this.reject(protocol, 'too_deep', data);
      return;
    }
    if (!this.recent.add(id)) {
      this.totals.copies++;
      return;
    }
    const { frame, text, sequence, late } = event;
    const item = encodeEvent(
      {
        id,
        type: detailType(frame.topicName),
        protocol,
        receivedAt: new Date().toISOString(),
        ...(sequence === undefined ? {} : { sequence }),
        ...(late ? { late } : {}),
      },
      text,
    );
    const bytes = Buffer.byteLength(item);
    if (bytes > MAX_ITEM_BYTES) this.reject(protocol, 'too_large', data);
    else this.batcher.add(item, bytes);
  }

  private identify(event: Decoded & { kind: 'event' }): string | undefined {
    try {
      return eventIdentity(event.frame);
    } catch (error) {
      if (error instanceof TooDeepError) return undefined;
      throw error;
    }
  }

  private reject(protocol: ProtocolName, reason: RejectionReason, data: Buffer): void {
    this.totals.rejected[reason]++;
    const item = encodeRejectedFrame(data, { reason, protocol, receivedAt: new Date().toISOString() });
    if (item !== undefined) {
      this.batcher.add(item, Buffer.byteLength(item));
      return;
    }
    this.totals.unpreserved++;
    this.log.error('a frame is too large for the quarantine queue even when compressed; it is lost', {
      protocol,
      reason,
      bytes: data.length,
    });
  }
}
