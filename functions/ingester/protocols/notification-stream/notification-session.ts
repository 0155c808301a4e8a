import * as z from 'zod';
import { frameSchema } from '../../../../lib/events/schema.ts';
import { topicOf } from '../../../../lib/protocols/notification-stream-configuration.ts';
import { replaceBy } from '../connection-token.ts';
import { readJsonFrame } from '../json-frames.ts';
import type { Session, Signal } from '../stream-protocol.ts';
import type { StoredCursor } from './stored-cursor.ts';

const batchSchema = z.looseObject({
  events: z.array(z.unknown()),
  lastEventId: z.string().min(1).optional(),
});
const eventSchema = z.looseObject({
  id: z.string().min(1).max(1_000),
  event: z.string().min(1).max(64),
  resourceId: z.string().min(1).max(64),
  timestamp: z.string(),
  data: z.unknown(),
});

/** Reads batches. The upgrade request has already subscribed. */
export class NotificationSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly cursor: StoredCursor;

  constructor({ url, expiresAtMs }: { url: string; expiresAtMs: number }, cursor: StoredCursor) {
    this.url = url;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.cursor = cursor;
  }

  onOpen(): readonly Signal[] {
    return [{ kind: 'ready' }];
  }

  /** If an event of a batch is not valid, the frame is quarantined. The other events continue. */
  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const batch = batchSchema.safeParse(json.value);
    if (!batch.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const signals = batch.data.events.map(readEvent);
    const events = signals.filter(({ kind }) => kind === 'event');
    const { lastEventId } = batch.data;
    return [
      ...events,
      ...(events.length < signals.length ? [{ kind: 'rejected', reason: 'invalid_frame' } as const] : []),
      ...(lastEventId === undefined ? [] : [{ kind: 'cursor', value: lastEventId } as const]),
    ];
  }

  commit(cursor: string): Promise<void> {
    return this.cursor.write(cursor);
  }
}

function readEvent(value: unknown): Signal {
  const event = eventSchema.safeParse(value);
  if (!event.success) return { kind: 'rejected', reason: 'invalid_frame' };
  const { id, timestamp, data } = event.data;
  const frame = frameSchema.safeParse({ topicName: topicOf(event.data), timestamp, eventBody: data });
  return frame.success
    ? { kind: 'event', event: { id, frame: frame.data } }
    : { kind: 'rejected', reason: 'invalid_frame' };
}
