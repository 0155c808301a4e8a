import { eventTime } from './event-time.ts';
import type { EventDetail, QueuedEvent } from './schema.ts';

/** The `detail` of the published event. JSON omits its members that are undefined. */
export function toDetail(event: QueuedEvent): EventDetail {
  const {
    id,
    protocol,
    receivedAt,
    sequence,
    backfilled,
    gapId,
    reconstructed,
    late,
    weak,
    oversize,
    frame,
  } = event;
  const { topicName, version, timestamp: _, eventBody, metadata, ...unknown } = frame;
  // A frame must not set our fields, so those that we do not set are removed.
  const {
    sequence: _sequence,
    oversize: _oversize,
    gapId: _gapId,
    reconstructed: _reconstructed,
    ...theirs
  } = metadata ?? {};
  return {
    topicName,
    version,
    timestamp: eventTime(frame, receivedAt),
    eventBody,
    metadata: {
      ...theirs,
      eventId: id,
      protocol,
      sequence,
      receivedAt,
      backfilled: backfilled ?? false,
      gapId,
      reconstructed,
      late: late ?? false,
      identity: weak ? 'weak' : 'stable',
      oversize,
    },
    ...unknown,
  };
}
