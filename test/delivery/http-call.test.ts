import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HttpCaller, type HttpCallerOptions } from '../../functions/delivery/http-call.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { ReceivingServer } from './receiving-server.ts';

const TIMEOUT_MS = 30_000;

let server: ReceivingServer;
const callers: HttpCaller[] = [];
const newCaller = (options: Partial<HttpCallerOptions> = {}) => {
  const caller = new HttpCaller({ addresses: 'any', timeoutMs: TIMEOUT_MS, ...options });
  callers.push(caller);
  return caller;
};
const call = (path?: string) => ({ url: server.url(path), headers: {}, body: '{"a":"ü"}' });

beforeEach(async () => {
  server = await ReceivingServer.start();
});
afterEach(async () => {
  vi.useRealTimers();
  for (const caller of callers.splice(0)) caller.close();
  await server.close();
});

test('A call is a POST with the given headers, body, path and query', async () => {
  const headers = { 'content-type': 'application/json', 'webhook-id': 'id-1' };
  const result = await newCaller().post({ ...call('/events?source=a%20b'), headers });
  expect(result).toEqual({ kind: 'answer', status: 204, text: '' });
  expect(server.requests).toMatchObject([
    {
      method: 'POST',
      path: '/events?source=a%20b',
      body: '{"a":"ü"}',
      headers: { ...headers, 'content-length': '10', host: `127.0.0.1:${server.port}` },
    },
  ]);
});

test.each([200, 201, 400, 401, 410, 429, 500, 503])(
  'Status %i is a response with its text',
  async (status) => {
    server.respond = (response) => response.writeHead(status, { 'retry-after': '120' }).end('the answer');
    expect(await newCaller().post(call())).toEqual({
      kind: 'answer',
      status,
      retryAfter: '120',
      text: 'the answer',
    });
  },
);

test.each([301, 302, 303, 307, 308])(
  'A redirect with %i is the response and is not followed',
  async (status) => {
    const target = await ReceivingServer.start();
    server.respond = (response) => response.writeHead(status, { location: target.url('/inside').href }).end();
    expect(await newCaller().post(call())).toMatchObject({ kind: 'answer', status });
    expect(target.connections).toBe(0);
    expect(server.requests).toHaveLength(1);
    await target.close();
  },
);

describe('Connections', () => {
  test('A connection is reused', async () => {
    const caller = newCaller();
    for (let count = 0; count < 5; count++) await caller.post(call());
    expect(server.requests).toHaveLength(5);
    expect(server.connections).toBe(1);
  });

  test('A connection that was idle for more than four seconds is not reused', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const caller = newCaller();
    await caller.post(call());
    vi.setSystemTime(Date.now() + 3_000);
    await caller.post(call());
    expect(server.connections).toBe(1);
    vi.setSystemTime(Date.now() + 5_000);
    await caller.post(call());
    expect(server.connections).toBe(2);
  });

  test('There are at most eight connections to a host', async () => {
    const caller = newCaller();
    const results = await Promise.all(Array.from({ length: 40 }, () => caller.post(call())));
    expect(results.every((result) => result.kind === 'answer')).toBe(true);
    expect(server.connections).toBe(8);
  });

  test('A response of exactly 1,024 bytes keeps the connection', async () => {
    server.respond = (response) => response.end('x'.repeat(1_024));
    const caller = newCaller();
    const first = await caller.post(call());
    expect(first).toMatchObject({ text: 'x'.repeat(1_024) });
    await caller.post(call());
    expect(server.connections).toBe(1);
  });

  test('Only 1,024 bytes of a longer response are read, and the connection is not reused', async () => {
    server.respond = (response) => response.end('x'.repeat(1_025));
    const caller = newCaller();
    expect(await caller.post(call())).toMatchObject({ status: 200, text: 'x'.repeat(1_024) });
    await caller.post(call());
    expect(server.connections).toBe(2);
  });

  test('An endless response ends after 1,024 bytes', async () => {
    server.respond = (response) => {
      const write = () => {
        while (!response.destroyed && response.write('y'.repeat(65_536)));
      };
      response.on('drain', write);
      write();
    };
    expect(await newCaller().post(call())).toMatchObject({ status: 200, text: 'y'.repeat(1_024) });
  });

  test('An incomplete character at the end of the text is dropped', async () => {
    server.respond = (response) => response.end(`x${'ü'.repeat(600)}`);
    expect(await newCaller().post(call())).toMatchObject({ text: `x${'ü'.repeat(511)}` });
  });

  test('A call can read more of the response', async () => {
    server.respond = (response) => response.end('x'.repeat(5_000));
    const result = await newCaller().post({ ...call(), maxAnswerBytes: 4_096 });
    expect(result).toMatchObject({ text: 'x'.repeat(4_096) });
  });
});

describe('A failed call', () => {
  test('is not sent if the connection is refused', async () => {
    const closed = await ReceivingServer.start();
    const url = closed.url();
    await closed.close();
    const result = await newCaller().post({ ...call(), url });
    expect(result).toMatchObject({ kind: 'failed', reason: 'network', mayHaveArrived: false });
    expect(result).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  });

  test('is not sent if there is no route to the address', async () => {
    // Nobody has this address: its range is not assigned.
    const url = new URL('http://[3000::1]/');
    const result = await newCaller({ timeoutMs: 200 }).post({ ...call(), url });
    expect(result).toMatchObject({ kind: 'failed', mayHaveArrived: false });
  });

  test('is not sent if the connections to all addresses are refused', async () => {
    const closed = await ReceivingServer.start();
    const url = closed.url('/', { host: 'several.test' });
    await closed.close();
    const resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ];
    const result = await newCaller({ resolve }).post({ ...call(), url });
    expect(result).toMatchObject({ reason: 'network', mayHaveArrived: false });
    expect(result).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  });

  test('is not sent if the host is unknown', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND unknown.test'), { code: 'ENOTFOUND' });
    };
    const url = new URL('http://unknown.test/');
    const result = await newCaller({ resolve }).post({ ...call(), url });
    expect(result).toMatchObject({ reason: 'network', mayHaveArrived: false });
    expect(result).toMatchObject({ message: expect.stringContaining('ENOTFOUND') });
  });

  test('is not sent if DNS takes too long', async () => {
    const resolve = () => new Promise<never>(() => {});
    const url = server.url('/', { host: 'slow.test' });
    const result = await newCaller({ resolve, timeoutMs: 20 }).post({ ...call(), url });
    expect(result).toMatchObject({ reason: 'timeout', mayHaveArrived: false });
  });

  test('is not sent if Node.js refuses a header, and the value is not in the message', async () => {
    const headers = { 'x-api-key': 'one\r\nx-other: two' };
    const result = await newCaller().post({ ...call(), headers });
    expect(result).toMatchObject({ reason: 'network', mayHaveArrived: false });
    expect(JSON.stringify(result)).not.toContain('x-other');
    expect(server.requests).toEqual([]);
  });

  test('may have arrived if the server never responds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const arrived = new Promise<void>((resolve) => {
      server.respond = () => resolve();
    });
    const result = newCaller().post(call());
    await arrived;
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(await result).toMatchObject({ reason: 'timeout', mayHaveArrived: true });
  });

  test('may have arrived if the connection breaks before the response', async () => {
    server.respond = (_response, _request, socket) => socket.destroy();
    expect(await newCaller().post(call())).toMatchObject({ reason: 'network', mayHaveArrived: true });
  });

  test('may have arrived if a reused connection breaks', async () => {
    const caller = newCaller();
    await caller.post(call());
    server.respond = (_response, _request, socket) => socket.destroy();
    expect(await caller.post(call())).toMatchObject({ reason: 'network', mayHaveArrived: true });
    expect(server.connections).toBe(1);
  });

  test('names the host, but neither the path nor a secret', async () => {
    registerSecret('s3cret-host');
    const resolve = async () => {
      throw new Error('no address of s3cret-host');
    };
    const url = new URL('http://unknown.test/hooks/token-in-path');
    const result = await newCaller({ resolve }).post({ ...call(), url });
    expect(result).toMatchObject({ message: expect.stringContaining('unknown.test') });
    expect(JSON.stringify(result)).not.toMatch(/s3cret-host|token-in-path/);
  });
});

describe('Once the status has arrived, it is the response', () => {
  const begin = (response: ServerResponse, then = () => {}) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begun', then);
  };

  test('even if the connection breaks before the rest', async () => {
    server.respond = (response, _request, socket) => begin(response, () => socket.end());
    expect(await newCaller().post(call())).toEqual({ kind: 'answer', status: 200, text: 'begun' });
  });

  test('even if the rest does not arrive within the timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.respond = (response) => begin(response);
    const received = new Promise<void>((resolve) => {
      const channel = 'http.client.response.finish';
      const onResponse = () => {
        unsubscribe(channel, onResponse);
        resolve();
      };
      subscribe(channel, onResponse);
    });
    const result = newCaller().post(call());
    await received;
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(await result).toMatchObject({ kind: 'answer', status: 200 });
  });
});

describe('Responses that are not HTTP', () => {
  let raw: Server;
  let answer: string;
  beforeEach(async () => {
    raw = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
  });
  afterEach(async () => {
    raw.close();
    await once(raw, 'close');
  });

  test.each([
    ['text', 'SSH-2.0-OpenSSH\r\n'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['nothing', ''],
  ])('are a failed call: %s', async (_, text) => {
    answer = text;
    const { port } = raw.address() as { port: number };
    const result = await newCaller().post({ ...call(), url: new URL(`http://127.0.0.1:${port}/`) });
    expect(result).toMatchObject({ kind: 'failed', reason: 'network', mayHaveArrived: true });
  });
});
