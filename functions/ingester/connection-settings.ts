import { FRAME_BYTES } from '../../lib/protocols/socket-limits.ts';
import type { Liveness, SocketLimits } from './protocols/stream-protocol.ts';

/**
 * Default limits of a connection, unless its protocol sets its own. The frame limit bounds the memory of one socket.
 */
export const SOCKET_LIMITS = {
  openMs: 10_000,
  readyMs: 10_000,
  maxFrameBytes: FRAME_BYTES.fallback,
  deflate: false,
} as const satisfies Required<SocketLimits>;

/** Timings of a connection that a test or simulation can shorten, in milliseconds. */
export interface ConnectionTimes {
  readonly openMs: number;
  readonly readyMs: number;
  readonly silenceMs: number;
  readonly pingEveryMs: number;
  /** For protocols that count missed pongs. */
  readonly pongWithinMs: number;
}

/** How one socket is opened and monitored. */
export interface ConnectionSettings {
  readonly limits: Required<SocketLimits>;
  readonly liveness: Liveness;
}

/** The settings of a protocol's connections: configured limits, its own, and defaults for the others. */
export function connectionSettings(
  protocol: { readonly liveness: Liveness; readonly limits?: SocketLimits },
  times: Partial<ConnectionTimes> = {},
  configured: SocketLimits = {},
): ConnectionSettings {
  const { pingEveryMs, pongWithinMs, silenceMs, openMs, readyMs } = times;
  const limits = { ...SOCKET_LIMITS, ...protocol.limits, ...configured };
  const { ping } = protocol.liveness;
  return {
    limits: { ...limits, openMs: openMs ?? limits.openMs, readyMs: readyMs ?? limits.readyMs },
    liveness: {
      silenceMs: silenceMs ?? protocol.liveness.silenceMs,
      ...(ping
        ? {
            ping: {
              ...ping,
              everyMs: pingEveryMs ?? ping.everyMs,
              ...(ping.pong ? { pong: { ...ping.pong, withinMs: pongWithinMs ?? ping.pong.withinMs } } : {}),
            },
          }
        : {}),
    },
  };
}
