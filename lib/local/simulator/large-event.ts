import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';
import { FRAME_VERSION, type Frame } from './frame.ts';
import { seededUuid } from './identifiers.ts';

/** Bytes of random text per character of JSON: base64url has 6 bits per character, so that it compresses little. */
const BASE64_SHARE = 3 / 4;

/**
 * A conversation snapshot with an attribute as large as those that scripts and bots create. Its text does not compress
 * well.
 *
 * @param bytes size of the body, within 1 %
 */
export function largeEvent(topicName: string, bytes: number, random: Random): Frame {
  const outputLength = Math.ceil(bytes * BASE64_SHARE);
  const scriptData = createHash('shake256', { outputLength }).update(seededUuid(random)).digest('base64url');
  const connectedTime = new Date().toISOString();
  const customer = { id: seededUuid(random), purpose: 'customer', connectedTime, attributes: { scriptData } };
  return {
    topicName,
    version: FRAME_VERSION,
    eventBody: {
      id: seededUuid(random),
      participants: [customer, ...subjectOf(topicName, connectedTime, random)],
    },
    metadata: { CorrelationId: seededUuid(random) },
  };
}

/** The participant because of whom the topic has this conversation. */
function subjectOf(topicName: string, connectedTime: string, random: Random): object[] {
  const [, kind, id] = /^v2\.(users|routing\.queues)\.([^.]+)\.conversations$/.exec(topicName) ?? [];
  if (id === undefined) return [];
  const purpose = kind === 'users' ? { purpose: 'agent', userId: id } : { purpose: 'acd', queueId: id };
  return [{ id: seededUuid(random), connectedTime, ...purpose }];
}
