import { hash } from 'node:crypto';
import { canonicalJson } from '../../lib/events/canonical-json.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import { eventItem, type Item } from '../../lib/events/item.ts';
import type { Frame } from '../../lib/events/schema.ts';

/** Name of the protocol of recovered events. */
export const BACKFILL_PROTOCOL = 'backfill';
const FRAME_VERSION = '2';

/** An event that a REST API knows after a gap. */
export interface RecoveredEvent {
  readonly topicName: string;
  readonly eventBody: Record<string, unknown>;
  /** Epoch milliseconds at which it happened; of a state, at which it was read. */
  readonly atMs: number;
  /**
   * `event`: its content names the occurrence. `state`: the state at present of `subject`, for example a conversation.
   * `last_state`: the last state of `subject`, made of a record, which can become more complete.
   */
  readonly kind: 'event' | 'state' | 'last_state';
  readonly subject?: string;
}

/**
 * The id of a recovered event. The same event has the same id in every attempt to recover it, so that the consumer drops
 * what was sent twice. If the body equals that of the live event, both have the same id.
 *
 * @param gap - id of the gap, and its end in epoch milliseconds
 */
export function recoveredId(
  event: RecoveredEvent,
  gap: { readonly id: string; readonly toMs: number },
): string {
  const { topicName, eventBody, kind, subject = '' } = event;
  if (kind === 'event') return contentIdentity({ topicName, eventBody });
  const content = kind === 'last_state' ? canonicalJson(eventBody) : '';
  return hash(
    'sha256',
    JSON.stringify(['backfill', gap.id, gap.toMs, topicName, subject, content]),
    'base64url',
  );
}

/**
 * The item of a recovered event.
 *
 * @param about - `id`: the id of the complete event; `isUncertain`: whether a connection delivered it too is not known;
 *   `redaction`: what is redacted
 * @returns undefined if it does not fit into a message
 */
export function recoveredItem(
  event: RecoveredEvent,
  about: {
    readonly id: string;
    readonly gapId: string;
    readonly isUncertain: boolean;
    readonly redaction: ContentRedaction | undefined;
  },
): Item | undefined {
  const { topicName, eventBody, atMs, kind } = event;
  const frame: Frame = {
    topicName,
    version: FRAME_VERSION,
    timestamp: new Date(atMs).toISOString(),
    eventBody,
  };
  return eventItem(
    { frame: about.redaction ? about.redaction.frame(frame) : frame },
    {
      identity: { id: about.id, isWeak: kind !== 'event' || about.isUncertain },
      protocol: BACKFILL_PROTOCOL,
      receivedAt: new Date().toISOString(),
      backfill: { gapId: about.gapId, ...(kind === 'last_state' ? { reconstructed: true } : {}) },
    },
  );
}
