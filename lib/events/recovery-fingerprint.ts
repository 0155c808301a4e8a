import { hash } from 'node:crypto';
import { recoveryKey } from './identity.ts';
import type { Frame } from './schema.ts';

/**
 * Bytes of a fingerprint. Among a million events, the probability that two have the same fingerprint is 1 in 30
 * million.
 */
export const FINGERPRINT_BYTES = 8;

/** Fields that distinguish events in the same millisecond and that a REST API also returns, by the end of the topic. */
const DISTINCTIONS: readonly (readonly [topicEnd: string, field: string])[] = [
  ['.acd.start', 'queueId'],
  ['.wrapup', 'wrapupCode'],
];

/**
 * A short hash of what a live event and the same event from a REST API have in common: its {@link recoveryKey}.
 *
 * @param key - its recovery key, if that is known
 * @returns undefined for an event without a recovery key
 */
export function recoveryFingerprint(
  frame: Pick<Frame, 'topicName' | 'eventBody'>,
  key = recoveryKey(frame),
): Buffer | undefined {
  if (key === undefined) return undefined;
  const field = DISTINCTIONS.find(([topicEnd]) => frame.topicName.endsWith(topicEnd))?.[1];
  const distinction = field === undefined ? undefined : frame.eventBody[field];
  return hash('sha256', JSON.stringify([key, distinction]), 'buffer').subarray(0, FINGERPRINT_BYTES);
}
