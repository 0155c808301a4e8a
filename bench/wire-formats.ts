import { pack } from 'msgpackr';
import { type Frame, frameText } from 'switchboard-local/simulator/frame.ts';

/** How a server writes the same events in one protocol. */
export interface WireFormat {
  /** Text frames before the first event, which complete the handshake. */
  readonly first: readonly object[];
  readonly eventsPerFrame: number;
  /** One frame. `number` counts events, from 1. A string is sent as a text frame. */
  encode(frames: readonly Frame[], number: number): string | Buffer;
}

const now = () => new Date().toISOString();
const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

function interaction([frame]: readonly Frame[], number: number): object {
  return {
    eventType: 'interaction:updated',
    sequenceId: number,
    timestamp: now(),
    data: frame?.eventBody,
  };
}

function notification({ eventBody }: Frame, number: number): object {
  return {
    id: idOf(number),
    event: 'routing.queueEvents',
    resourceId: 'bench',
    timestamp: now(),
    data: eventBody,
  };
}

/** By name. The bodies of the events are those of notification channels. */
export const WIRE_FORMATS = {
  'notification-channels': {
    first: [{ topicName: 'channel.metadata', eventBody: { message: 'pong' } }],
    eventsPerFrame: 1,
    encode: ([frame]) => (frame ? frameText(frame, JSON.stringify(frame.eventBody)) : ''),
  },
  'analytics-events': {
    first: [{ type: 'auth_ack' }, { type: 'subscribe_ack' }],
    eventsPerFrame: 1,
    encode: ([frame], number) => {
      const metadata = { consumer_group: 'bench', sequence_number: number };
      const event = {
        type: 'conversation',
        id: idOf(number),
        timestamp: now(),
        data: frame?.eventBody,
        metadata,
      };
      return JSON.stringify({ type: 'event', data: event });
    },
  },
  'interaction-events (msgpack)': {
    first: [],
    eventsPerFrame: 1,
    encode: (frames, number) => pack(interaction(frames, number)),
  },
  'interaction-events (JSON)': {
    first: [],
    eventsPerFrame: 1,
    encode: (frames, number) => JSON.stringify(interaction(frames, number)),
  },
  'conversation-stream': {
    first: [],
    eventsPerFrame: 1,
    encode: ([frame], number) => {
      const head = {
        type: 'conversation.state',
        state: 'completed',
        sequence: number,
        conversationId: idOf(number),
      };
      return JSON.stringify({ ...head, timestamp: now(), body: frame?.eventBody });
    },
  },
  'notification-stream': {
    first: [],
    eventsPerFrame: 100,
    encode: (frames, number) => {
      const events = frames.map((frame, index) => notification(frame, number + index));
      const lastEventId = idOf(number + frames.length - 1);
      return JSON.stringify({ events, lastEventId, timestamp: now() });
    },
  },
} as const satisfies Record<string, WireFormat>;
/** Name of a wire format. */
export type FormatName = keyof typeof WIRE_FORMATS;

/** Frames that carry so many events, with those of the handshake. */
export function frameCount(name: FormatName, events: number): number {
  const { first, eventsPerFrame } = WIRE_FORMATS[name];
  return first.length + Math.ceil(events / eventsPerFrame);
}
