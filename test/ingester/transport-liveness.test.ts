import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionSettings, SOCKET_LIMITS } from '../../functions/ingester/connection-settings.ts';
import type { EndCause } from '../../functions/ingester/protocols/end-table.ts';
import type { Liveness, SocketLimits } from '../../functions/ingester/protocols/stream-protocol.ts';
import { BACKLOG_MS, UNPROVEN_MS } from '../../functions/ingester/read-progress.ts';
import { PROBE_INTERVAL_MS, Transport } from '../../functions/ingester/transport.ts';
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
  connect(liveness, limits);
  sockets.last.open();
  return sockets.last;
}

/** A connection that is not open yet. */
function connect(liveness: Liveness, limits?: SocketLimits): void {
  const protocol = limits ? { liveness, limits } : { liveness };
  transport = new Transport(
    { url: 'ws://fake' },
    connectionSettings(protocol),
    { onOpen: () => {}, onFrame: () => {}, onClose: (cause) => closes.push(cause) },
    sockets.open,
  );
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
  });

  test('A connection without pongs and frames ends by silence when no pong is expected', async () => {
    open({ silenceMs: SILENCE_MS, ping: { everyMs: EVERY_MS } });
    await pass(SILENCE_MS);
    expect(closes).toEqual([{ code: 1006, reason: 'nothing received for 60000 ms' }]);
  });

  test('Silence is measured from the last frame', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    for (let round = 0; round < 5; round++) {
      await pass(SILENCE_MS - 1);
      socket.message('alive');
    }
    await pass(SILENCE_MS - 1);
    expect(closes).toEqual([]);
    await pass(1);
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

  test('An ended connection leaves no timer', async () => {
    const socket = open(byPongs(2));
    await pass(EVERY_MS);
    socket.end(1001);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('how far a connection was read', () => {
  const moment = () => ({ atMs: Date.now(), tick: performance.now() });

  test('A pong proves that everything before its ping was read, however late the pong is read', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    await pass(PROBE_INTERVAL_MS);
    const sent = moment();
    const [, payload] = socket.probes;
    await pass(10_000);
    socket.message('a frame that waited in a buffer');
    socket.pong(payload);
    await pass(500);
    socket.message('another one');
    expect(transport.readUntil).toEqual(sent);
  });

  test('A probe is sent at the open, at every interval, and just before the close frame', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    expect(socket.probes).toHaveLength(1);
    await pass(3 * PROBE_INTERVAL_MS);
    expect(socket.probes).toHaveLength(4);
    socket.answersClose = false;
    await pass(1);
    const closing = moment();
    transport.close('replaced');
    expect(socket.probes).toHaveLength(5);
    socket.answerProbe();
    socket.end(1000);
    expect(transport.readUntil).toEqual(closing);
  });

  test('The response to a probe does not count as a sign of life', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    for (let ms = 0; ms < SILENCE_MS; ms += 500) {
      socket.answerProbe();
      await pass(500);
    }
    expect(closes).toEqual([{ code: 1006, reason: 'nothing received for 60000 ms' }]);
  });

  test.each([
    '',
    'x',
    '{}',
    '{"atMs":1}',
    '{"tick":1}',
    'null',
    '{"atMs":1,"tick":"1"}',
    '{"atMs":1,"tick":1e18}',
  ])(
    'A pong with the payload %j that is not of a probe proves nothing about what was read',
    async (payload) => {
      const socket = open({ silenceMs: SILENCE_MS });
      const opened = moment();
      await pass(500);
      socket.pong(payload);
      expect(transport.readUntil).toEqual(opened);
    },
  );

  test('A close of the server that crosses ours does not prove that it has sent everything until ours', async () => {
    const socket = open({ silenceMs: SILENCE_MS });
    socket.answerProbe();
    const proven = moment();
    await pass(500);
    socket.answersClose = false;
    transport.close('replaced');
    socket.end(1000);
    expect(transport.readUntil).toEqual(proven);
  });

  describe('from a server that does not answer pings', () => {
    test('The time until the open counts as read, because nothing is sent before it', async () => {
      connect({ silenceMs: SILENCE_MS });
      await pass(3_000);
      sockets.last.open();
      const opened = moment();
      await pass(500);
      expect(transport.readUntil).toEqual(opened);
    });

    test('Everything until shortly before the last frame counts as read, but nothing before the open', async () => {
      const socket = open({ silenceMs: SILENCE_MS });
      const opened = moment();
      await pass(UNPROVEN_MS - 1);
      socket.message('a frame');
      expect(transport.readUntil).toEqual(opened);
      await pass(5_000);
      socket.message('a frame');
      const { atMs, tick } = moment();
      expect(transport.readUntil).toEqual({ atMs: atMs - UNPROVEN_MS, tick: tick - UNPROVEN_MS });
    });

    test.each([1000, 1005])(
      'A close with code %i acknowledges ours: everything before ours was read',
      async (code) => {
        const socket = open({ silenceMs: SILENCE_MS });
        await pass(5_000);
        socket.answersClose = false;
        const closing = moment();
        transport.close('replaced');
        await pass(100);
        socket.message('in transit');
        socket.end(code);
        expect(transport.readUntil).toEqual(closing);
      },
    );

    test.each([1001, 1006, 1011, 1012])('A close with code %i does not acknowledge ours', async (code) => {
      const socket = open({ silenceMs: SILENCE_MS });
      const opened = moment();
      await pass(5_000);
      socket.answersClose = false;
      transport.close('replaced');
      socket.end(code);
      expect(transport.readUntil).toEqual(opened);
    });

    test('A close with code 1000 that we did not ask for proves nothing', async () => {
      const socket = open({ silenceMs: SILENCE_MS });
      const opened = moment();
      await pass(5_000);
      socket.end(1000);
      expect(transport.readUntil).toEqual(opened);
    });

    test('Frames and pongs soon after a pause prove nothing, because they can have waited', async () => {
      const socket = open({ silenceMs: SILENCE_MS });
      const opened = moment();
      transport.pause();
      await pass(20_000);
      transport.resume();
      await pass(BACKLOG_MS - 1);
      socket.message('it waited');
      socket.pong();
      expect(transport.readUntil).toEqual(opened);
      await pass(1);
      socket.message('it did not wait');
      expect(transport.readUntil.atMs).toBe(Date.now() - UNPROVEN_MS);
    });
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
    const times = { openMs: 1, readyMs: 2, silenceMs: 3, pingEveryMs: 4, pongWithinMs: 5 };
    const protocol = { liveness: byPongs(2), limits: { openMs: 100, maxFrameBytes: 456 } };
    expect(connectionSettings(protocol, times)).toEqual({
      limits: { openMs: 1, readyMs: 2, maxFrameBytes: 456, deflate: false },
      liveness: { silenceMs: 3, ping: { everyMs: 4, pong: { withinMs: 5, maxMisses: 2 } } },
    });
  });

  test("The deployment's configuration takes precedence over the limits of a protocol", () => {
    const protocol = { liveness: byPongs(2), limits: { readyMs: 100, maxFrameBytes: 456 } };
    const configured = { maxFrameBytes: 789, deflate: true };
    const { limits } = connectionSettings(protocol, {}, configured);
    expect(limits).toEqual({ ...SOCKET_LIMITS, readyMs: 100, ...configured });
  });

  test('A ping interval does not add pings to a protocol without pings', () => {
    expect(connectionSettings({ liveness: { silenceMs: 1 } }, { pingEveryMs: 4 }).liveness).toEqual({
      silenceMs: 1,
    });
  });
});
