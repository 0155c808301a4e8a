import { randomUUID } from 'node:crypto';
import type { Delivered } from './local-consumer.ts';

export const USER = '278522be-1683-4877-8257-4164a177be89';
export const PRESENCE = `v2.users.${USER}.presence`;

/** The body of a presence event. Different messages of one `modifiedDate` are different states with the same key. */
export function presence(message = '', modifiedDate = '2026-11-20T08:00:00.000Z'): string {
  return JSON.stringify({
    source: 'PURECLOUD',
    presenceDefinition: { id: '6a3af858-942f-489d-9700-5f9bcdcdae9b', systemPresence: 'AVAILABLE' },
    message,
    modifiedDate,
  });
}

/** Parts of a native event that a test changes. */
export interface NativeParts {
  id?: string;
  messageId?: string;
  topicName?: string;
  detailType?: string;
  source?: string;
  time?: string;
  /** JSON text. */
  eventBody?: string;
  /** Without it, the detail has no time. */
  timestamp?: string;
}

/** A message as EventBridge sends it to the events queue. */
export function nativeMessage(parts: NativeParts = {}): Delivered & { id: string } {
  const { id = randomUUID(), topicName = PRESENCE, eventBody = presence(), timestamp } = parts;
  const head = {
    version: '0',
    id,
    'detail-type': parts.detailType ?? topicName.replace(USER, '{id}'),
    source: parts.source ?? 'aws.partner/genesys.com/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/main',
    account: '123456789012',
    time: parts.time ?? '2026-11-20T08:00:01Z',
    region: 'us-east-1',
    resources: [],
  };
  const rest = JSON.stringify({
    metadata: { CorrelationId: randomUUID() },
    ...(timestamp === undefined ? {} : { timestamp }),
  });
  const detail = `{"topicName":${JSON.stringify(topicName)},"version":"2","eventBody":${eventBody},${rest.slice(1)}`;
  const body = `${JSON.stringify(head).slice(0, -1)},"detail":${detail}}`;
  return { id, messageId: parts.messageId ?? randomUUID(), body };
}
