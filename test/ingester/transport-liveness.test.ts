import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EndCause } from '../../functions/ingester/protocols/end-table.ts';
import type { Liveness, SocketLimits } from '../../functions/ingester/protocols/stream-protocol.ts';
import { connectionSettings, SOCKET_LIMITS, Transport } from '../../functions/ingester/transport.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';

const SILENCE_MS = 60_000;
const EVERY_MS = 10_000;
const WITHIN_MS = 4_000;

let sockets: FakeSockets;
let transport: Transport;
let closes: EndCause[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  sockets = new FakeSockets();
  closes = [];
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

function open(liveness: Liveness, limits?: SocketLimits): FakeSocket {
  const protocol = limits ? { liveness, limits } : { liveness };
  transport = new Transport(
    { url: 'ws://fake' },
    connectionSettings(protocol),
    { onOpen: () => {}, onFrame: () => {}, onClose: (cause) => closes.push(cause) },
    sockets.open,
  );
  sockets.last.open();
  return sockets.last;
}

/** Liveness by WebSocket pings; a connection is dead after `maxMisses` missed pongs in a row. */
const byPongs = (maxMisses: number, silenceMs = 10 * SILENCE_MS): Liveness => ({
  silenceMs,
  ping: { everyMs: EVERY_MS, pong: { withinMs: WITHIN_MS, maxMisses } },
});

describe('pings', () => {
  test('A protocol with a ping message sends text messages and no WebSocket pings', async () => {
    const socket = open({ silenceMs: SILENCE_MS, ping: { everyMs: EVERY_MS, message: 'ping' } });
    await pass(3 * EVERY_MS);
    expect(socket.sent).toEqual(['ping', 'ping', 'ping']);
    expect(socket.pings).toBe(0);
  });

  test('A protocol without a ping message sends WebSocket pings', async () => {
    const socket = open({ silenceMs: SILENCE_MS, ping: { everyMs: EVERY_MS } });
    await pass(3 * EVERY_MS);
    expect(socket.pings).toBe(3);
    expect(socket.sent).toEqual([]);
  });

  test('A protocol without pings sends nothing', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    await pass(SILENCE_MS - 1);
    expect(socket.pings).toBe(0);
    expect(socket.sent).toEqual([]);
  });

  test('No ping is sent on a socket that is closing', async () => {
    const socket = open(byPongs(1));
    socket.answersClose = false;
    transport.close('stopping');
    await pass(EVERY_MS);
    expect(socket.pings).toBe(0);
    expect(closes).toEqual([{ code: 1006, reason: 'stopping' }]);
  });
});

describe('pongs', () => {
  test('A pong proves that the peer is alive', async () => {
    const socket = open({ silenceMs: SILENCE_MS, ping: { everyMs: EVERY_MS } });
    socket.answersPings = true;
    await pass(10 * SILENCE_MS);
    expect(closes).toEqual([]);
    expect(transport.lastFrameAtMs).toBe(Date.now());
  });

  test('A connection without pongs and frames ends by silence when no pong is expected', async () => {
    open({ silenceMs: SILENCE_MS, ping: { everyMs: EVERY_MS } });
    await pass(SILENCE_MS);
    expect(closes).toEqual([{ code: 1006, reason: 'nothing received for 60000 ms' }]);
  });

  test('The first missed pong ends a connection that may miss none', async () => {
    open(byPongs(1));
    await pass(EVERY_MS + WITHIN_MS - 1);
    expect(closes).toEqual([]);
    await pass(1);
    expect(closes).toEqual([{ code: 1006, reason: 'missed pongs in a row: 1' }]);
  });

  test('A connection ends after the maximum of missed pongs in a row', async () => {
    open(byPongs(3));
    await pass(3 * EVERY_MS + WITHIN_MS - 1);
    expect(closes).toEqual([]);
    await pass(1);
    expect(closes).toEqual([{ code: 1006, reason: 'missed pongs in a row: 3' }]);
  });

  test('A pong resets the count of missed pongs', async () => {
    const socket = open(byPongs(2));
    for (let round = 0; round < 5; round++) {
      await pass(EVERY_MS + WITHIN_MS);
      await pass(EVERY_MS - WITHIN_MS);
      socket.pong();
    }
    expect(closes).toEqual([]);
    await pass(2 * EVERY_MS + WITHIN_MS);
    expect(closes).toHaveLength(1);
  });

  test('A frame is not a substitute for a pong', async () => {
    const socket = open(byPongs(2));
    for (let ms = 0; ms < 2 * EVERY_MS + WITHIN_MS; ms += 1_000) {
      await pass(1_000);
      socket.message('frame');
    }
    expect(closes).toHaveLength(1);
  });

  test('A pong in time keeps the connection', async () => {
    const socket = open(byPongs(1));
    await pass(EVERY_MS);
    for (let round = 0; round < 5; round++) {
      await pass(WITHIN_MS - 1);
      socket.pong();
      await pass(EVERY_MS - WITHIN_MS + 1);
    }
    expect(closes).toEqual([]);
  });

  test('No pong is expected while reading is paused', async () => {
    const socket = open(byPongs(1));
    transport.pause();
    await pass(20 * EVERY_MS);
    expect(socket.pings).toBe(20);
    expect(closes).toEqual([]);
  });

  test('A pong that was expected before a pause is not expected during it', async () => {
    open(byPongs(1));
    await pass(EVERY_MS);
    transport.pause();
    await pass(20 * EVERY_MS);
    expect(closes).toEqual([]);
  });

  test('Pongs are expected again after a pause', async () => {
    open(byPongs(1));
    transport.pause();
    await pass(EVERY_MS + 1);
    transport.resume();
    await pass(EVERY_MS - 1 + WITHIN_MS);
    expect(closes).toEqual([{ code: 1006, reason: 'missed pongs in a row: 1' }]);
  });

  test('A pong soon after a pause does not move the last proof of life', async () => {
    const socket = open(byPongs(1));
    socket.pong();
    const provenAtMs = transport.lastFrameAtMs;
    transport.pause();
    await pass(1_000);
    transport.resume();
    socket.pong();
    expect(transport.lastFrameAtMs).toBe(provenAtMs);
  });

  test('An ended connection leaves no timer', async () => {
    const socket = open(byPongs(2));
    await pass(EVERY_MS);
    socket.end(1001);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('limits of a connection', () => {
  test('The limits of the protocol reach the socket', () => {
    const { options } = open({ silenceMs: SILENCE_MS }, { maxFrameBytes: 456, deflate: true });
    expect(options.maxPayload).toBe(456);
    expect(options.perMessageDeflate).toBe(true);
  });

  test('A protocol without limits has the default limits', () => {
    const { options } = open({ silenceMs: SILENCE_MS });
    expect(options.maxPayload).toBe(SOCKET_LIMITS.maxFrameBytes);
    expect(options.perMessageDeflate).toBe(false);
  });

  test('The settings of a connection can be overridden by times', () => {
    const times = { openMs: 1, readyMs: 2, silenceMs: 3, pingEveryMs: 4 };
    const protocol = { liveness: byPongs(2), limits: { openMs: 100, maxFrameBytes: 456 } };
    expect(connectionSettings(protocol, times)).toEqual({
      limits: { openMs: 1, readyMs: 2, maxFrameBytes: 456, deflate: false },
      liveness: { silenceMs: 3, ping: { everyMs: 4, pong: { withinMs: WITHIN_MS, maxMisses: 2 } } },
    });
  });

  test('A ping interval does not add pings to a protocol without pings', () => {
    expect(connectionSettings({ liveness: { silenceMs: 1 } }, { pingEveryMs: 4 }).liveness).toEqual({
      silenceMs: 1,
    });
  });
});
