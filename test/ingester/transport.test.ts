import { once } from 'node:events';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import {
  type ConnectionTimes,
  connectionSettings,
  SOCKET_LIMITS,
} from '../../functions/ingester/connection-settings.ts';
import type { EndCause } from '../../functions/ingester/protocols/end-table.ts';
import {
  CLOSE_TIMEOUT_MS,
  openWebSocket,
  TCP_KEEP_ALIVE_MS,
  Transport,
} from '../../functions/ingester/transport.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { eventually } from './eventually.ts';
import { FakeSockets } from './fake-socket.ts';
import { rawFrame, SocketServer } from './socket-server.ts';

const PING_MESSAGE = '{"message":"ping"}';
const PROTOCOL = {
  liveness: { silenceMs: 5_000, ping: { everyMs: 5_000, message: PING_MESSAGE } },
  limits: { openMs: 5_000, readyMs: 5_000 },
};

/** A transport and what it reported. */
class Client {
  readonly frames: { text: string; isBinary: boolean }[] = [];
  readonly closes: EndCause[] = [];
  readonly opened = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<EndCause>();
  /** Frames after the end; there must be none. */
  lateFrames = 0;
  readonly transport: Transport;

  constructor(url: string, times: Partial<ConnectionTimes> = {}, headers: Record<string, string> = {}) {
    this.transport = new Transport({ url, headers }, connectionSettings(PROTOCOL, times), {
      onOpen: () => this.opened.resolve(),
      onFrame: (data, isBinary) => {
        if (this.closes.length > 0) this.lateFrames++;
        this.frames.push({ text: data.toString('latin1'), isBinary });
      },
      onClose: (cause) => {
        this.closes.push(cause);
        this.closed.resolve(cause);
      },
    });
  }

  get texts(): string[] {
    return this.frames.map(({ text }) => text);
  }
}

/** The server's side of a connection. */
interface Peer {
  socket: WebSocket;
  raw: Socket;
  headers: Record<string, unknown>;
}

let server: SocketServer;
let url: string;

beforeEach(async () => {
  server = new SocketServer();
  url = await server.listen();
});
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

async function connect(times: Partial<ConnectionTimes> = {}, headers: Record<string, string> = {}) {
  const arrived = Promise.withResolvers<Peer>();
  server.onSocket = (socket, raw, request) => arrived.resolve({ socket, raw, headers: request.headers });
  const client = new Client(url, times, headers);
  const peer = await arrived.promise;
  await client.opened.promise;
  return { client, ...peer };
}

describe('opening', () => {
  test('The upgrade request has the headers of the session', async () => {
    const { headers } = await connect({}, { authorization: 'Bearer one' });
    expect(headers.authorization).toBe('Bearer one');
  });

  test('A socket that does not open in time ends', async () => {
    server.onUpgrade = () => {};
    const client = new Client(url, { openMs: 50 });
    expect(await client.closed.promise).toMatchObject({
      code: 1006,
      reason: 'not open within 50 ms',
    });
  });

  test('A socket to a port without a server ends', async () => {
    await server.close();
    const client = new Client(url);
    expect(await client.closed.promise).toMatchObject({
      code: 1006,
      reason: expect.stringMatching(/ECONNREFUSED/),
    });
    server = new SocketServer();
    await server.listen();
  });

  test.each([
    [401, '', {}],
    [503, 'Retry-After: 7\r\n', { retryAfterMs: 7_000 }],
    [429, 'Retry-After: 0.5\r\n', { retryAfterMs: 500 }],
    [302, 'Location: /elsewhere\r\n', {}],
  ])('An upgrade that is refused with %i ends with that status', async (status, headers, more) => {
    server.onUpgrade = (_request, raw) =>
      raw.end(`HTTP/1.1 ${status} No\r\n${headers}Content-Length: 2\r\n\r\nno`);
    const client = new Client(url);
    expect(await client.closed.promise).toEqual({
      code: 1006,
      reason: `upgrade refused with HTTP ${status}`,
      upgradeStatus: status,
      ...more,
    });
  });

  test('A socket can be closed while it opens', async () => {
    server.onUpgrade = () => {};
    const client = new Client(url);
    client.transport.close('no longer wanted');
    expect(await client.closed.promise).toMatchObject({ code: 1006 });
  });

  test('The default socket factory opens a socket of ws', () => {
    expect(() => openWebSocket('http://127.0.0.1:1/#fragment', {})).toThrow(/fragment/);
  });
});

describe('frames', () => {
  test('Text and binary frames are delivered as they were sent', async () => {
    const { client, socket } = await connect();
    socket.send('one');
    socket.send(Buffer.from([0, 255]));
    await eventually(() => client.frames).toEqual([
      { text: 'one', isBinary: false },
      { text: '\u0000\u00ff', isBinary: true },
    ]);
  });

  test('A text frame of invalid UTF-8 is delivered, and the connection stays open', async () => {
    const { client, socket, raw } = await connect();
    raw.write(rawFrame(1, Buffer.from([0xff, 0xfe])));
    socket.send('after');
    await eventually(() => client.texts).toEqual(['\u00ff\u00fe', 'after']);
    expect(client.closes).toEqual([]);
  });

  test('A frame above the size limit closes the connection with 1009', async () => {
    const { client, socket } = await connect();
    const seen = once(socket, 'close');
    socket.send(Buffer.alloc(SOCKET_LIMITS.maxFrameBytes + 1, 'x'));
    expect((await seen)[0]).toBe(1009);
    expect(await client.closed.promise).toEqual({
      code: 1009,
      reason: expect.stringMatching(/payload size/),
      isFrameTooLarge: true,
    });
    expect(client.frames).toEqual([]);
  });

  test('A close with 1009 by the server is not about its frames', async () => {
    const { client, socket } = await connect();
    socket.close(1009);
    expect(await client.closed.promise).toEqual({ code: 1009, reason: '' });
  });

  test('TCP checks an idle connection', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const { raw } = await connect();
    await eventually(() => keepAlive.mock.calls).toContainEqual([true, TCP_KEEP_ALIVE_MS]);
    const sockets = keepAlive.mock.contexts as Socket[];
    expect(sockets.map(({ localPort }) => localPort)).toContain(raw.remotePort);
    keepAlive.mockRestore();
  });

  test('A frame of the largest size is delivered', async () => {
    const { client, socket } = await connect();
    socket.send(Buffer.alloc(SOCKET_LIMITS.maxFrameBytes, 'x'));
    await eventually(() => client.frames.length).toBe(1);
  });

  test('Messages are sent while the socket is open, and ignored after that', async () => {
    const { client, socket } = await connect();
    const message = once(socket, 'message');
    client.transport.send('hello');
    expect(String((await message)[0])).toBe('hello');
    client.transport.close('enough');
    client.transport.send('too late');
    expect((await client.closed.promise).code).toBe(1000);
  });
});

describe('silence', () => {
  test('The transport sends the ping message of the protocol', async () => {
    const { socket } = await connect({ pingEveryMs: 10 });
    const pings: string[] = [];
    socket.on('message', (data) => pings.push(String(data)));
    await eventually(() => pings.slice(0, 3)).toEqual(Array(3).fill(PING_MESSAGE));
  });

  test('A connection without frames is terminated', async () => {
    const { client } = await connect({ silenceMs: 40 });
    const cause = await client.closed.promise;
    expect(cause).toEqual({ code: 1006, reason: 'nothing received for 40 ms' });
  });
});

describe('pausing', () => {
  test('Frames that arrive during a pause are delivered after it', async () => {
    const { client, socket } = await connect();
    client.transport.pause();
    const written = new Promise((resolve) => socket.send('one', resolve));
    await written;
    // Only a transport that reads answers a ping.
    let pongs = 0;
    socket.on('pong', () => pongs++);
    await new Promise<void>((resolve) => socket.ping('', false, () => resolve()));
    client.transport.send('proof that time has passed');
    await once(socket, 'message');
    expect(client.frames).toEqual([]);
    expect(pongs).toBe(0);
    client.transport.resume();
    await eventually(() => client.frames.length).toBe(1);
    await eventually(() => pongs).toBe(1);
  });

  test('A pause does not count as silence, and silence is watched again after it', async () => {
    const { client, socket } = await connect({ silenceMs: 30, pingEveryMs: 10 });
    client.transport.pause();
    let pings = 0;
    socket.on('message', () => pings++);
    await eventually(() => pings).toBeGreaterThan(8);
    expect(client.closes).toEqual([]);
    client.transport.resume();
    expect((await client.closed.promise).reason).toBe('nothing received for 30 ms');
  });

  test('A close ends a pause, so that everything in transit is read', async () => {
    const { client, socket } = await connect();
    client.transport.pause();
    for (let n = 0; n < 100; n++) socket.send(String(n));
    client.transport.close('stopping');
    client.transport.pause();
    expect((await client.closed.promise).code).toBe(1000);
    expect(client.texts).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  });
});

describe('closing', () => {
  test('Our close delivers what the server sent before its close frame', async () => {
    const { client, socket } = await connect();
    socket.on('message', () => {});
    socket.once('close', () => {});
    const total = 2_000;
    for (let n = 0; n < total; n++) socket.send(`frame ${n}`);
    client.transport.close('stopping');
    client.transport.close('twice');
    expect(await client.closed.promise).toMatchObject({ code: 1000 });
    expect(client.frames).toHaveLength(total);
    expect(client.closes).toHaveLength(1);
    expect(client.lateFrames).toBe(0);
  });

  test('A close of the server is reported with its code and its reason without secrets', async () => {
    const { client, socket } = await connect();
    registerSecret('a-channel-of-ours');
    socket.close(4003, 'a-channel-of-ours is gone');
    expect(await client.closed.promise).toEqual({ code: 4003, reason: '[redacted] is gone' });
  });

  test('A close that the peer does not answer terminates the socket after a time limit', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, raw } = await connect();
    raw.removeAllListeners('data');
    raw.pause();
    client.transport.close('stopping');
    vi.advanceTimersByTime(CLOSE_TIMEOUT_MS - 1);
    await new Promise(setImmediate);
    expect(client.closes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await client.closed.promise).toEqual({ code: 1006, reason: 'stopping' });
  });
});

describe('the end of a connection', () => {
  type Step = (context: { client: Client; socket: WebSocket; raw: Socket }) => void;
  const STEPS: Record<string, Step> = {
    'our close': ({ client }) => client.transport.close('ours'),
    'a close of the server': ({ socket }) => socket.close(1011, 'theirs'),
    'a FIN': ({ raw }) => raw.end(),
    'a reset': ({ raw }) => raw.resetAndDestroy(),
    'an invalid frame': ({ raw }) => raw.write(Buffer.from([0xff, 0xff])),
    'an unexpected continuation frame': ({ raw }) => raw.write(rawFrame(0, Buffer.from('continuation'))),
    'a close frame of one byte': ({ raw }) => raw.write(rawFrame(8, Buffer.from([3]))),
    'a pause': ({ client }) => client.transport.pause(),
    'a resume': ({ client }) => client.transport.resume(),
    frames: ({ socket }) => {
      for (let n = 0; n < 10; n++) socket.send('frame');
    },
  };
  const FINAL = ['our close', 'a close of the server', 'a FIN', 'a reset'];

  test('The end is reported exactly once, regardless of what happens at the same time', async () => {
    const names = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(names, fc.constantFrom(...FINAL), async (steps, last) => {
        const context = await connect();
        for (const step of [...steps, last]) STEPS[step]?.(context);
        // A paused transport does not see an end that the server causes.
        context.client.transport.resume();
        await context.client.closed.promise;
        context.raw.destroy();
        // A closed socket can emit further events within a few turns of the event loop.
        for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
        expect(context.client.closes).toHaveLength(1);
        expect(context.client.lateFrames).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('The end is reported once when the library reports a refusal and a close', () => {
    const sockets = new FakeSockets();
    const closes: EndCause[] = [];
    const handlers = {
      onOpen: () => {},
      onFrame: () => {},
      onClose: (cause: EndCause) => closes.push(cause),
    };
    new Transport({ url: 'ws://fake' }, connectionSettings(PROTOCOL), handlers, sockets.open);
    sockets.last.refuse(503);
    sockets.last.end(1006);
    expect(closes).toMatchObject([{ upgradeStatus: 503 }]);
  });
});
