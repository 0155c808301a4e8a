import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ConnectError,
  Connection,
  type ConnectionEnd,
  type Move,
} from '../../functions/ingester/connection.ts';
import { connectionSettings } from '../../functions/ingester/connection-settings.ts';
import type { DataSignal, Signal } from '../../functions/ingester/protocols/stream-protocol.ts';
import { CLOSE_TIMEOUT_MS, PROBE_INTERVAL_MS } from '../../functions/ingester/transport.ts';
import { FakeProtocol, FakeSession } from './fake-protocol.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';

let protocol: FakeProtocol;
let session: FakeSession;
let connection: Connection;
let socket: FakeSocket;
let taken: { signal: DataSignal; frame: string }[];
/** What the sink learned about the life of the connection, in order. */
let lives: unknown[];
let moves: Move[];
let ends: ConnectionEnd[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  protocol = new FakeProtocol();
  session = new FakeSession(protocol, 1, { topics: [] });
  const sockets = new FakeSockets();
  taken = [];
  lives = [];
  moves = [];
  ends = [];
  connection = new Connection({
    session,
    ends: protocol.ends,
    settings: connectionSettings(protocol),
    sink: {
      open: (of) => lives.push(['open', of]),
      end: (of, end) => lives.push(['end', of, end]),
      take: (of, signal, frame) => {
        expect(of).toBe(session);
        taken.push({ signal, frame: frame.toString() });
      },
    },
    handlers: { onMove: (_of, move) => moves.push(move), onEnd: (_of, ended) => ends.push(ended) },
    open: sockets.open,
  });
  connection.ready().catch(() => undefined);
  socket = sockets.last;
});
afterEach(() => vi.useRealTimers());

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const notices = () => taken.map(({ signal }) => (signal.kind === 'notice' ? signal.message : signal.kind));

describe('signals of a frame', () => {
  test('A send signal during the handshake sends its message', async () => {
    socket.open();
    socket.message('send subscribe');
    expect(socket.sent).toEqual(['hello', 'subscribe']);
    expect(connection.readyAtMs).toBe(0);
    socket.message('send confirm+ready');
    await connection.ready();
    expect(socket.sent).toEqual(['hello', 'subscribe', 'confirm']);
  });

  test('A send signal on a ready connection sends its message', () => {
    socket.open();
    socket.message('ready');
    socket.message('send acknowledge');
    expect(socket.sent).toEqual(['hello', 'acknowledge']);
  });

  test('Several signals of a frame are handled in order', async () => {
    socket.open();
    socket.message('first+ready+send answer+second+closing');
    await connection.ready();
    expect(notices()).toEqual(['first', 'second']);
    expect(socket.sent).toEqual(['hello', 'answer']);
    expect(moves).toEqual([{ kind: 'move', recovery: 'restart', reason: 'socket_closing' }]);
  });

  test('Data signals reach the sink together with their frame', () => {
    socket.open();
    socket.message('one+two');
    expect(taken).toEqual([
      { signal: { kind: 'notice', message: 'one' }, frame: 'one+two' },
      { signal: { kind: 'notice', message: 'two' }, frame: 'one+two' },
    ]);
  });

  test('Connection signals do not reach the sink', () => {
    socket.open();
    for (const word of ['alive', 'ready', 'send x', 'closing']) socket.message(word);
    expect(taken).toEqual([]);
  });

  test('A frame without signals has no effect', () => {
    session.onFrame = () => [];
    socket.open();
    socket.message('nothing');
    expect(taken).toEqual([]);
    expect(socket.sent).toEqual(['hello']);
  });

  test('A second ready signal does not change the time at which the connection became ready', async () => {
    socket.open();
    socket.message('ready');
    const { readyAtMs } = connection;
    await pass(1_000);
    socket.message('ready');
    expect(connection.readyAtMs).toBe(readyAtMs);
  });

  test('A move before the connection is ready is remembered and not reported', () => {
    socket.open();
    socket.message('closing');
    expect(moves).toEqual([]);
    expect(connection.move).toMatchObject({ reason: 'socket_closing' });
  });
});

describe('readiness', () => {
  test('A connection that ends before it is ready rejects with its end', async () => {
    const ready = connection.ready();
    socket.refuse(404);
    await expect(ready).rejects.toThrow(ConnectError);
    await expect(ready).rejects.toMatchObject({
      code: 'connect_failed',
      retriable: true,
      ended: { cause: { upgradeStatus: 404 }, end: protocol.ends.statuses[404] },
    });
    expect(ends).toEqual([]);
  });

  test('A connection that ends after it is ready reports its end', async () => {
    socket.open();
    socket.message('ready');
    socket.end(1008, 'policy');
    const expected = { cause: { code: 1008, reason: 'policy' }, end: protocol.ends.codes[1008] };
    expect(ends).toEqual([expected]);
    expect(connection.endedWith).toEqual(expected);
    expect(await connection.ended).toEqual(expected);
  });

  test('A connection has the time limit of its protocol to become ready', async () => {
    socket.open();
    await pass(protocol.limits.readyMs - 1);
    expect(socket.isClosed).toBe(false);
    await pass(1);
    await expect(connection.ready()).rejects.toThrow(/not ready in time/);
  });
});

describe('closing', () => {
  test('The closing signals of a session are sent before the close frame', async () => {
    session.closing = [
      { kind: 'send', message: 'unsubscribe' },
      { kind: 'notice', message: 'bye' },
    ];
    socket.open();
    socket.message('ready');
    const states: number[] = [];
    const send = socket.send.bind(socket);
    socket.send = (text) => {
      states.push(socket.readyState);
      send(text);
    };
    await connection.close('stopping');
    expect(socket.sent).toEqual(['hello', 'unsubscribe']);
    expect(states).toEqual([1]);
    expect(taken).toEqual([{ signal: { kind: 'notice', message: 'bye' }, frame: '' }]);
  });

  test('The closing signals are sent once', async () => {
    session.closing = [{ kind: 'send', message: 'unsubscribe' }];
    socket.open();
    socket.message('ready');
    await Promise.all([connection.close('first'), connection.close('second')]);
    expect(socket.sent).toEqual(['hello', 'unsubscribe']);
  });

  test('A connection that is not ready sends no closing signals', async () => {
    session.closing = [{ kind: 'send', message: 'unsubscribe' }];
    socket.open();
    await connection.close('stopping');
    expect(socket.sent).toEqual(['hello']);
  });

  test('Frames that arrive during a close reach the sink, and a move is not reported', async () => {
    socket.answersClose = false;
    socket.open();
    socket.message('ready');
    const closing = connection.close('stopping');
    socket.message('late+closing');
    socket.end(1000);
    await closing;
    expect(notices()).toEqual(['late']);
    expect(moves).toEqual([]);
  });
});

describe('what a sink learns about the life of a connection', () => {
  test('A sink learns when the connection is open, and at its end how far it was read', async () => {
    expect(lives).toEqual([]);
    socket.open();
    expect(lives).toEqual([['open', session]]);
    socket.message('ready');
    await pass(PROBE_INTERVAL_MS);
    socket.answerProbe();
    const readUntil = { atMs: Date.now(), tick: performance.now() };
    await pass(500);
    socket.end(1006);
    expect(lives.slice(1)).toEqual([['end', session, readUntil]]);
  });

  test('A sink is told that the connection is open before it receives signals from the session', () => {
    const order: string[] = [];
    session.onOpen = () => {
      order.push(...lives.map(String));
      return [{ kind: 'notice', message: 'opened' }];
    };
    socket.open();
    expect(order).toHaveLength(1);
    expect(taken).toHaveLength(1);
  });

  test('Frames that arrive during a close are taken before the end', () => {
    socket.answersClose = false;
    socket.open();
    socket.message('ready');
    void connection.close('replaced');
    socket.message('late');
    expect(notices()).toEqual(['late']);
    expect(lives).toHaveLength(1);
    socket.end(1000);
    expect(lives).toHaveLength(2);
  });

  test('The end of a connection that never opened is reported, without an opening', () => {
    socket.refuse(503);
    expect(lives).toMatchObject([['end', session, {}]]);
  });
});

describe('the remainder of a session', () => {
  type Phase = 'opening' | 'handshake' | 'ready' | 'moved' | 'closing' | 'moved and closing';
  const steps: Record<Phase, () => void> = {
    opening: () => {},
    handshake: () => socket.open(),
    ready: () => {
      socket.open();
      socket.message('ready');
    },
    moved: () => {
      steps.ready();
      socket.message('closing');
    },
    closing: () => {
      steps.ready();
      socket.answersClose = false;
      void connection.close('replaced');
    },
    'moved and closing': () => {
      steps.moved();
      socket.answersClose = false;
      void connection.close('replaced');
    },
  };

  test.each([
    ['opening', 1006, 'reusable'],
    ['opening', 1008, 'gone'],
    ['handshake', 1006, 'reusable'],
    ['handshake', 4711, 'gone'],
    ['ready', 1001, 'resumable'],
    ['ready', 1006, 'resumable'],
    ['ready', 1008, 'gone'],
    ['ready', 4711, 'gone'],
    ['ready', 4999, 'gone'],
    ['moved', 1001, 'gone'],
    ['closing', 1000, 'reusable'],
    ['closing', 1006, 'reusable'],
    ['closing', 1008, 'gone'],
    ['moved and closing', 1000, 'gone'],
  ] as const)('A session whose connection is %s when it ends with %i is %s', (phase, code, remainder) => {
    steps[phase]();
    socket.end(code);
    expect(protocol.released).toEqual([[1, remainder]]);
  });

  test.each([
    [401, 'gone'],
    [404, 'gone'],
    [429, 'reusable'],
    [500, 'reusable'],
    [503, 'reusable'],
  ] as const)('A session whose upgrade is refused with %i is %s', (status, remainder) => {
    socket.refuse(status);
    expect(protocol.released).toEqual([[1, remainder]]);
  });
});

describe('a session that is refused in a message', () => {
  const refusal: Signal = {
    kind: 'refused',
    end: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
    reason: '401 Invalid token',
  };

  test('The connection is closed, and its end is that of the refusal', async () => {
    session.onFrame = () => [refusal];
    socket.open();
    socket.message('an error');
    await pass(CLOSE_TIMEOUT_MS);
    await expect(connection.ready()).rejects.toMatchObject({
      ended: { end: refusal.end, cause: { reason: '401 Invalid token' } },
    });
  });

  test('A ready connection reports the refusal as its end', async () => {
    socket.open();
    socket.message('ready');
    session.onFrame = () => [refusal, refusal];
    socket.message('an error');
    await pass(CLOSE_TIMEOUT_MS);
    expect(ends).toMatchObject([{ end: refusal.end }]);
  });
});

describe('a server that acknowledges nothing', () => {
  test('The connection is ready when a pong shows that the server has read what was sent', async () => {
    session.onFrame = () => [{ kind: 'ready', after: 'pong' }];
    let isReady = false;
    void connection.ready().then(() => {
      isReady = true;
    });
    socket.open();
    const earlier = socket.probes.at(-1);
    await pass(10);
    socket.message('subscribed');
    socket.pong(earlier);
    await pass();
    expect(isReady).toBe(false);
    socket.answerProbe();
    await pass();
    expect(isReady).toBe(true);
  });
});
