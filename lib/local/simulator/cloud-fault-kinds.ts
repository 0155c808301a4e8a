import type { Random } from '../random.ts';
import type { Channels } from './channels.ts';
import type { Hooks } from './hooks.ts';
import { PERSONAL_GARBAGE } from './personal-data.ts';
import type { RequestFaults } from './request-faults.ts';

export const CLOUD_FAULT_KINDS = [
  'socket_drop',
  'half_open',
  'close_during_batch',
  'socket_closing',
  'eviction',
  'token_revoked',
  'rest_401',
  'rest_429',
  'rest_503',
  'slow_rest',
  'duplicate_frame',
  'reordered_frames',
  'garbage_frame',
  'large_event',
  'listing_shrinks',
  'listing_empty',
  'subscription_omits',
  'upgrade_refused',
] as const;
export type CloudFaultKind = (typeof CLOUD_FAULT_KINDS)[number];

/** What the faults act on. */
export interface FaultTarget {
  readonly channels: Channels;
  readonly hooks: Hooks;
  readonly requestFaults: RequestFaults;
  /** Emits an event with a body of about `bytes` bytes on a topic of this channel. @returns the number of events */
  readonly emitLarge: (channelId: string, bytes: number) => number;
}

/** One occurrence of a fault. */
export interface FaultHit {
  readonly target: FaultTarget;
  readonly random: Random;
  /** The channel to hit. Empty for faults of REST calls and upgrades. */
  readonly channelId: string;
  /** Must be called when the fault takes effect: at once, or with the request that it waits for. */
  readonly onHit: () => void;
}

interface CloudFault {
  /**
   * `socket`: takes a connection down, so the next such fault waits until the client has recovered. `frame`: the
   * connection survives. `request`: waits for the next REST call or upgrade.
   */
  readonly scope: 'socket' | 'frame' | 'request';
  /** @returns whether the fault found a target */
  readonly apply: (hit: FaultHit) => boolean;
}

const MIB = 1_048_576;
/** Sizes of the bodies of large events: above the limit of one SQS message, up to the limit of one frame. */
const LARGE_EVENT_BYTES = [1 * MIB, 3 * MIB, 12 * MIB] as const;
/** Most topics that an answer to a subscription omits. */
const MAX_OMITTED_TOPICS = 3;
const BURST_FRAMES = 20;
/** Close codes that servers use (RFC 6455, 7.4.1, and the IANA registry of close codes). */
const SERVER_CLOSE_CODES = [1000, 1001, 1011, 1012, 1013] as const;

/** Messages that are not events. */
const GARBAGE: readonly (string | Buffer)[] = [
  'this is not JSON',
  '{"topicName":"v2.users.',
  '',
  'null',
  '[]',
  '42',
  '{}',
  '{"topicName":7,"version":"2","eventBody":{},"metadata":{}}',
  '{"topicName":null,"eventBody":null}',
  '{"topicName":"v2.users.00000000-0000-4000-8000-000000000000.presence"}',
  '{"eventBody":{"source":"PURECLOUD"},"metadata":{"CorrelationId":"none"}}',
  '{"result":"500"}',
  Buffer.from([0xff, 0x00, 0xfe, 0xc1, 0x80, 0x7f]),
  Buffer.alloc(1_024, 0xa5),
  ...PERSONAL_GARBAGE,
];

const socketFault = (run: (hit: FaultHit) => number): CloudFault => ({
  scope: 'socket',
  apply: immediate(run),
});
const frameFault = (run: (hit: FaultHit) => number): CloudFault => ({
  scope: 'frame',
  apply: immediate(run),
});

/** A fault that takes effect at once; `run` returns how many channels it hit. */
function immediate(run: (hit: FaultHit) => number): (hit: FaultHit) => boolean {
  return (hit) => {
    const done = run(hit) > 0;
    if (done) hit.onHit();
    return done;
  };
}

function restFault(kind: 'rest_401' | 'rest_429' | 'rest_503' | 'slow_rest'): CloudFault {
  return {
    scope: 'request',
    apply: ({ target, onHit }) => target.requestFaults.arm('rest', kind, onHit),
  };
}

function listingFault(kind: 'listing_shrinks' | 'listing_empty'): CloudFault {
  return {
    scope: 'request',
    apply: ({ target, onHit }) => target.requestFaults.arm('listing', kind, onHit),
  };
}

/** One or a few of these topics. */
function someOf(topics: readonly string[], random: Random): ReadonlySet<string> {
  if (topics.length === 0) return new Set();
  const count = 1 + random.int(MAX_OMITTED_TOPICS);
  return new Set(Array.from({ length: count }, () => random.pick(topics)));
}

/** The implementation of each fault. */
export const CLOUD_FAULTS: Readonly<Record<CloudFaultKind, CloudFault>> = {
  socket_drop: socketFault(({ target, channelId }) => target.hooks.drop(channelId)),
  half_open: socketFault(({ target, channelId }) => target.hooks.silence(channelId)),
  close_during_batch: socketFault(({ target, channelId, random }) =>
    target.hooks.close(random.pick(SERVER_CLOSE_CODES), channelId, 1 + random.int(BURST_FRAMES)),
  ),
  socket_closing: socketFault(({ target, channelId }) => target.hooks.closingSoon(channelId)),
  eviction: socketFault(({ target, channelId }) => target.hooks.evict(channelId)),
  token_revoked: socketFault(({ target, channelId }) => {
    const token = target.channels.get(channelId)?.token;
    return token === undefined ? 0 : target.hooks.revoke(token);
  }),
  rest_401: restFault('rest_401'),
  rest_429: restFault('rest_429'),
  rest_503: restFault('rest_503'),
  slow_rest: restFault('slow_rest'),
  duplicate_frame: frameFault(({ target, channelId }) => target.hooks.duplicateNext(channelId)),
  reordered_frames: frameFault(({ target, channelId }) => target.hooks.reorderNext(channelId)),
  garbage_frame: frameFault(({ target, channelId, random }) =>
    target.hooks.garbage(random.pick(GARBAGE), channelId),
  ),
  large_event: frameFault(({ target, channelId, random }) =>
    target.emitLarge(channelId, random.pick(LARGE_EVENT_BYTES)),
  ),
  listing_shrinks: listingFault('listing_shrinks'),
  listing_empty: listingFault('listing_empty'),
  subscription_omits: {
    scope: 'request',
    apply: ({ target, random, onHit }) =>
      target.requestFaults.arm('subscription', (topics) => someOf(topics, random), onHit),
  },
  upgrade_refused: {
    scope: 'request',
    apply: ({ target, random, onHit }) =>
      target.requestFaults.arm('upgrade', random.chance(0.5) ? 401 : 503, onHit),
  },
};
