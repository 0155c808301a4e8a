import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { type Item, type Rejection, rejectedItem, withheldItem } from '../../lib/events/item.ts';
import type { LargeItems } from './large-items.ts';

/**
 * The item of a frame that is not a valid event, without redacted content. If no rule can be applied to the frame, the
 * item has its size and hash only.
 *
 * @returns a function if the frame is stored first, because it does not fit into a message; undefined if it is too large
 *   and cannot be stored
 */
export function rejectedFrameItem(
  frame: Buffer,
  about: Rejection,
  { redaction, large }: { redaction: ContentRedaction | undefined; large: LargeItems | undefined },
): Item | (() => Promise<Item>) | undefined {
  if (!redaction) return rejectedItem(frame, about) ?? (large && (() => large.rejectedItem(frame, about)));
  const redacted: Rejection = { ...about, redacted: true };
  const left = redaction.rejected(frame);
  if (!left) return withheldItem(frame, redacted);
  return rejectedItem(left, redacted) ?? (large && (() => large.rejectedItem(left, redacted)));
}
