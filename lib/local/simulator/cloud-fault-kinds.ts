import type { Random } from '../random.ts';
import type { Channels } from './channels.ts';
import type { Disturbances } from './disturbances.ts';
import type { Hooks } from './hooks.ts';

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
  'huge_frame',
  'upgrade_refused',
] as const;
export type CloudFaultKind = (typeof CLOUD_FAULT_KINDS)[number];

/** What faults act on. */
export interface FaultTarget {
  readonly channels: Channels;
  readonly hooks: Hooks;
  readonly disturbances: Disturbances;
}

/** One hit of a fault. */
export interface FaultHit {
  readonly target: FaultTarget;
  readonly random: Random;
  /** The channel to hit; empty for faults of REST calls and upgrades. */
  readonly channelId: string;
  /** To be called once the fault takes effect, at once or with the request that it waited for. */
  readonly onHit: () => void;
}

interface CloudFault {
  /**
   * `socket`: takes a connection down, so the next one waits until the client is back; `frame`: the connection
   * survives; `request`: waits for the next REST call or upgrade.
   */
  readonly scope: 'socket' | 'frame' | 'request';
  /** @returns whether there was something to hit */
  readonly apply: (hit: FaultHit) => boolean;
}

const HUGE_FRAME_BYTES = 10_000_000;
const BURST_FRAMES = 20;
/** What servers close with (RFC 6455, 7.4.1, and the registry of close codes). */
const SERVER_CLOSE_CODES = [1000, 1001, 1011, 1012, 1013] as const;

/** None of these is an event. */
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
];

const socketFault = (run: (hit: FaultHit) => number): CloudFault => ({ scope: 'socket', apply: atOnce(run) });
const frameFault = (run: (hit: FaultHit) => number): CloudFault => ({ scope: 'frame', apply: atOnce(run) });

function atOnce(run: (hit: FaultHit) => number): (hit: FaultHit) => boolean {
  return (hit) => {
    const done = run(hit) > 0;
    if (done) hit.onHit();
    return done;
  };
}

function restFault(kind: 'rest_401' | 'rest_429' | 'rest_503' | 'slow_rest'): CloudFault {
  return {
    scope: 'request',
    apply: ({ target, onHit }) => target.disturbances.armRest(kind, onHit),
  };
}

/** What each fault does. */
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
  // The client may close on it (1009), so it counts among those that take a connection down.
  huge_frame: socketFault(({ target, channelId }) => target.hooks.huge(HUGE_FRAME_BYTES, channelId)),
  upgrade_refused: {
    scope: 'request',
    apply: ({ target, random, onHit }) =>
      target.disturbances.armUpgrade(random.chance(0.5) ? 401 : 503, onHit),
  },
};
