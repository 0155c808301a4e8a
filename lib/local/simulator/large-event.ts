import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';
import { FRAME_VERSION, type Frame } from './frame.ts';
import { seededUuid } from './identifiers.ts';

/** Bytes of random text per character of JSON: base64url has 6 bits per character, so that it compresses little. */
const BASE64_SHARE = 3 / 4;

/**
 * A conversation snapshot with an attribute as large as scripts and bots can make it. Its text does not compress well.
 *
 * @param bytes size of the body, within 1 %
 */
export function largeEvent(topicName: string, bytes: number, random: Random): Frame {
  const outputLength = Math.ceil(bytes * BASE64_SHARE);
  const scriptData = createHash('shake256', { outputLength }).update(seededUuid(random)).digest('base64url');
  return {
    topicName,
    version: FRAME_VERSION,
    eventBody: {
      id: seededUuid(random),
      participants: [{ purpose: 'customer', attributes: { scriptData } }],
    },
    metadata: { CorrelationId: seededUuid(random) },
  };
}
