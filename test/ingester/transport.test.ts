import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { CloseCause, ConnectionLimits } from '../../functions/ingester/protocols/protocol.ts';
import {
  CLOSE_TIMEOUT_MS,
  MAX_FRAME_BYTES,
  openWebSocket,
  Transport,
} from '../../functions/ingester/transport.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { eventually } from './eventually.ts';
import { FakeSockets } from './fake-socket.ts';
import { rawFrame, SocketServer } from './socket-server.ts';

const PATIENT: ConnectionLimits = {
  openTimeoutMs: 5_000,
  readyTimeoutMs: 5_000,
  silenceMs: 5_000,
  pingIntervalMs: 5_000,
};

/** A transport and what it told its owner. */
class Client {
  readonly frames: { text: string; isBinary: boolean }[] = [];
  readonly closes: CloseCause[] = [];
  readonly opened = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<CloseCause>();
  /** Frames that came after the end; there must be none. */
  late = 0;
  readonly transport: Transport;

  constructor(url: string, limits: Partial<ConnectionLimits> = {}, headers: Record<string, string> = {}) {
    this.transport = new Transport(
      { url, headers },
      { limits: { ...PATIENT, ...limits }, pingMessage: '{"message":"ping"}' },
      {
        onOpen: () => this.opened.resolve(),
        onFrame: (data, isBinary) => {
          if (this.closes.length > 0) this.late++;
          this.frames.push({ text: data.toString('latin1'), isBinary });
        },
        onClose: (cause) => {
          this.closes.push(cause);
          this.closed.resolve(cause);
        },
      },
    );
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

async function connect(limits: Partial<ConnectionLimits> = {}, headers: Record<string, string> = {}) {
  const arrived = Promise.withResolvers<Peer>();
  server.onSocket = (socket, raw, request) => arrived.resolve({ socket, raw, headers: request.headers });
  const client = new Client(url, limits, headers);
  const peer = await arrived.promise;
  await client.opened.promise;
  return { client, ...peer };
}

describe('opening', () => {
  it('sends the headers of the plan', async () => {
    const { headers } = await connect({}, { authorization: 'Bearer one' });
    expect(headers.authorization).toBe('Bearer one');
  });

  it('ends when it takes too long', async () => {
    server.onUpgrade = () => {};
    const client = new Client(url, { openTimeoutMs: 50 });
    expect(await client.closed.promise).toMatchObject({
      code: 1006,
      reason: expect.stringMatching(/timed out/),
    });
  });

  it('ends when nobody listens', async () => {
    await server.close();
    const client = new Client(url);
    expect(await client.closed.promise).toMatchObject({
      code: 1006,
      reason: expect.stringMatching(/ECONNREFUSED/),
    });
    server = new SocketServer();
    await server.listen();
  });

  it.each([
    [401, '', {}],
    [503, 'Retry-After: 7\r\n', { retryAfterMs: 7_000 }],
    [429, 'Retry-After: 0.5\r\n', { retryAfterMs: 500 }],
    [302, 'Location: /elsewhere\r\n', {}],
  ])('that is refused with %i tells the status', async (status, headers, more) => {
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

  it('can be given up', async () => {
    server.onUpgrade = () => {};
    const client = new Client(url);
    client.transport.close('no longer wanted');
    expect(await client.closed.promise).toMatchObject({ code: 1006 });
  });
});

describe('frames', () => {
  it('come as they were sent, text and binary, and count as proof of life', async () => {
    const { client, socket } = await connect();
    const before = client.transport.lastFrameAtMs;
    socket.send('one');
    socket.send(Buffer.from([0, 255]));
    await eventually(() => client.frames).toEqual([
      { text: 'one', isBinary: false },
      { text: '\u0000\u00ff', isBinary: true },
    ]);
    expect(client.transport.lastFrameAtMs).toBeGreaterThanOrEqual(before);
  });

  it('of invalid UTF-8 are handed on, and the connection stays', async () => {
    const { client, socket, raw } = await connect();
    raw.write(rawFrame(1, Buffer.from([0xff, 0xfe])));
    socket.send('after');
    await eventually(() => client.frames.map(({ text }) => text)).toEqual(['\u00ff\u00fe', 'after']);
    expect(client.closes).toEqual([]);
  });

  it('above the limit end the connection with 1009', async () => {
    const { client, socket } = await connect();
    const seen = once(socket, 'close');
    socket.send(Buffer.alloc(MAX_FRAME_BYTES + 1, 'x'));
    expect((await seen)[0]).toBe(1009);
    expect(await client.closed.promise).toMatchObject({ reason: expect.stringMatching(/payload size/) });
    expect(client.frames).toEqual([]);
  });

  it('up to the limit are taken', async () => {
    const { client, socket } = await connect();
    socket.send(Buffer.alloc(MAX_FRAME_BYTES, 'x'));
    await eventually(() => client.frames.length).toBe(1);
  });

  it('are sent while the socket is open, and not after', async () => {
    const { client, socket } = await connect();
    const message = once(socket, 'message');
    client.transport.send('hello');
    expect(String((await message)[0])).toBe('hello');
    client.transport.close('enough');
    client.transport.send('too late');
    expect((await client.closed.promise).code).toBe(1000);
  });
});

describe('the watch over silence', () => {
  it('pings with the message of the protocol', async () => {
    const { socket } = await connect({ pingIntervalMs: 10 });
    const pings: string[] = [];
    socket.on('message', (data) => pings.push(String(data)));
    await eventually(() => pings.slice(0, 3)).toEqual(Array(3).fill('{"message":"ping"}'));
  });

  it('ends a connection on which nothing comes', async () => {
    const { client } = await connect({ silenceMs: 40 });
    const cause = await client.closed.promise;
    expect(cause).toEqual({ code: 1006, reason: 'no frame for 40 ms' });
    expect(Date.now() - client.transport.lastFrameAtMs).toBeGreaterThanOrEqual(40);
  });

  it('counts from the last frame', async () => {
    const { client, socket } = await connect({ silenceMs: 60 });
    const openedAtMs = client.transport.lastFrameAtMs;
    for (let n = 0; n < 6; n++) {
      socket.send('alive');
      await eventually(() => client.frames.length).toBe(n + 1);
      await eventually(() => Date.now() - client.transport.lastFrameAtMs).toBeGreaterThanOrEqual(20);
    }
    expect(client.transport.lastFrameAtMs - openedAtMs).toBeGreaterThanOrEqual(60);
    expect((await client.closed.promise).reason).toBe('no frame for 60 ms');
  });
});

describe('a pause', () => {
  it('leaves frames unread, and they come after it', async () => {
    const { client, socket } = await connect();
    client.transport.pause();
    const written = new Promise((resolve) => socket.send('one', resolve));
    await written;
    // What the other end does meanwhile is seen only by reading: a ping is not answered.
    let pongs = 0;
    socket.on('pong', () => pongs++);
    await new Promise<void>((resolve) => socket.ping('', false, () => resolve()));
    client.transport.send('a sign that time has passed');
    await once(socket, 'message');
    expect([client.frames.length, pongs]).toEqual([0, 0]);
    client.transport.resume();
    await eventually(() => client.frames.length).toBe(1);
    await eventually(() => pongs).toBe(1);
  });

  it('is not taken for silence, and silence is watched again after it', async () => {
    const { client, socket } = await connect({ silenceMs: 30, pingIntervalMs: 10 });
    client.transport.pause();
    let pings = 0;
    socket.on('message', () => pings++);
    await eventually(() => pings).toBeGreaterThan(8);
    expect(client.closes).toEqual([]);
    client.transport.resume();
    expect((await client.closed.promise).reason).toBe('no frame for 30 ms');
  });

  it('is no proof of life: what was written before it ended may be read after it', async () => {
    const { client, socket } = await connect();
    socket.send('before');
    await eventually(() => client.frames.length).toBe(1);
    const provenAtMs = client.transport.lastFrameAtMs;
    client.transport.pause();
    socket.send('in the pause');
    await eventually(() => Date.now()).toBeGreaterThan(provenAtMs + 5);
    client.transport.resume();
    await eventually(() => client.frames.length).toBe(2);
    expect(client.transport.lastFrameAtMs).toBe(provenAtMs);
  });

  it('ends with a close, so that all that is under way is read', async () => {
    const { client, socket } = await connect();
    client.transport.pause();
    for (let n = 0; n < 100; n++) socket.send(String(n));
    client.transport.close('stopping');
    client.transport.pause();
    expect((await client.closed.promise).code).toBe(1000);
    expect(client.frames.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  });
});

describe('a close', () => {
  it('of ours hands on what the server sent before its own', async () => {
    const { client, socket } = await connect();
    socket.on('message', () => {});
    socket.once('close', () => {});
    const total = 2_000;
    for (let n = 0; n < total; n++) socket.send(`frame ${n}`);
    client.transport.close('stopping');
    client.transport.close('twice');
    expect(await client.closed.promise).toMatchObject({ code: 1000 });
    expect([client.frames.length, client.closes.length, client.late]).toEqual([total, 1, 0]);
  });

  it('of the server tells its code and reason, without secrets', async () => {
    const { client, socket } = await connect();
    registerSecret('a-channel-of-ours');
    socket.close(4003, 'a-channel-of-ours is gone');
    expect(await client.closed.promise).toEqual({ code: 4003, reason: '[redacted] is gone' });
  });

  it('that the peer does not answer is cut', async () => {
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

describe('the end', () => {
  type End = (context: { client: Client; socket: WebSocket; raw: Socket }) => void;
  const ENDS: Record<string, End> = {
    'our close': ({ client }) => client.transport.close('ours'),
    'a close of the server': ({ socket }) => socket.close(1011, 'theirs'),
    'a FIN': ({ raw }) => raw.end(),
    'a reset': ({ raw }) => raw.resetAndDestroy(),
    'an invalid frame': ({ raw }) => raw.write(Buffer.from([0xff, 0xff])),
    'a frame from nowhere': ({ raw }) => raw.write(rawFrame(0, Buffer.from('continuation'))),
    'a close frame of one byte': ({ raw }) => raw.write(rawFrame(8, Buffer.from([3]))),
    'a pause': ({ client }) => client.transport.pause(),
    'a resume': ({ client }) => client.transport.resume(),
    frames: ({ socket }) => {
      for (let n = 0; n < 10; n++) socket.send('frame');
    },
  };
  const FINAL = ['our close', 'a close of the server', 'a FIN', 'a reset'];

  it('is told exactly once, whatever ends come together', async () => {
    const names = fc.array(fc.constantFrom(...Object.keys(ENDS)), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(names, fc.constantFrom(...FINAL), async (steps, last) => {
        const context = await connect();
        for (const step of [...steps, last]) ENDS[step]?.(context);
        // A pause would hide the end that the server makes, as it should.
        context.client.transport.resume();
        await context.client.closed.promise;
        context.raw.destroy();
        // What a closed socket could still tell comes within a turn of the event loop or two.
        for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
        expect([context.client.closes.length, context.client.late]).toEqual([1, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('is told once by a library that tells of it twice', () => {
    const sockets = new FakeSockets();
    const closes: CloseCause[] = [];
    const handlers = {
      onOpen: () => {},
      onFrame: () => {},
      onClose: (cause: CloseCause) => closes.push(cause),
    };
    new Transport({ url: 'ws://fake' }, { limits: PATIENT, pingMessage: '', open: sockets.open }, handlers);
    sockets.last.refuse(503);
    sockets.last.end(1006);
    expect(closes).toMatchObject([{ upgradeStatus: 503 }]);
  });

  it('comes from the default socket too', () => {
    expect(() => openWebSocket('http://127.0.0.1:1/#fragment', {})).toThrow(/fragment/);
  });
});
