import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { HttpCaller, type HttpCallerOptions } from '../../functions/delivery/http-call.ts';
import { ReceivingServer } from './receiving-server.ts';
import { type Certificate, newCertificate, TestAuthority } from './test-certificates.ts';

const HOST = 'receiver.test';
const TIMEOUT_MS = 30_000;
const resolve = async () => [{ address: '127.0.0.1', family: 4 }];

let authority: TestAuthority;
let server: ReceivingServer | undefined;
let caller: HttpCaller | undefined;
beforeAll(async () => {
  authority = await TestAuthority.create();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  caller?.close();
  await server?.close();
  server = undefined;
});

async function post(certificate: Certificate, options: Partial<HttpCallerOptions> = {}, host = HOST) {
  server = await ReceivingServer.start(certificate);
  caller = new HttpCaller({
    addresses: 'any',
    timeoutMs: TIMEOUT_MS,
    ca: authority.ca.cert,
    resolve,
    ...options,
  });
  return caller.post({ url: server.url('/', { scheme: 'https', host }), headers: {}, body: '{}' });
}

test('A valid certificate of the given authority is accepted, and the connection is reused', async () => {
  expect(await post(await authority.issue(HOST))).toMatchObject({ kind: 'answer', status: 204 });
  const url = server?.url('/', { scheme: 'https', host: HOST }) as URL;
  expect(await caller?.post({ url, headers: {}, body: '{}' })).toMatchObject({ status: 204 });
  expect(server?.connections).toBe(1);
});

test('The address in a URL is compared with the certificate', async () => {
  expect(await post(await authority.issue(HOST), {}, '127.0.0.1')).toMatchObject({ status: 204 });
});

test.each([
  ['expired', 'certificate has expired', () => authority.issue(HOST, { isExpired: true })],
  ['for another host', "does not match certificate's altnames", () => authority.issue('other.test')],
  [
    'of an unknown authority',
    'unable to verify',
    async () => (await TestAuthority.create('Other CA')).issue(HOST),
  ],
  ['of itself', 'self-signed certificate', () => newCertificate(HOST)],
])('A certificate is refused before the request is sent: %s', async (_, reason, issue) => {
  expect(await post(await issue())).toMatchObject({
    kind: 'failed',
    reason: 'certificate',
    message: expect.stringContaining(reason),
    mayHaveArrived: false,
  });
  expect(server?.requests).toEqual([]);
});

test('A `host` header does not change which name is verified', async () => {
  server = await ReceivingServer.start(await authority.issue('other.test'));
  caller = new HttpCaller({ addresses: 'any', timeoutMs: TIMEOUT_MS, ca: authority.ca.cert, resolve });
  const url = server.url('/', { scheme: 'https', host: HOST });
  const result = await caller.post({ url, headers: { host: 'other.test' }, body: '{}' });
  expect(result).toMatchObject({ reason: 'certificate' });
});

test('Without the option, an authority that Node.js does not know is refused', async () => {
  server = await ReceivingServer.start(await authority.issue(HOST));
  caller = new HttpCaller({ addresses: 'any', timeoutMs: TIMEOUT_MS, resolve });
  const url = server.url('/', { scheme: 'https', host: HOST });
  expect(await caller.post({ url, headers: {}, body: '{}' })).toMatchObject({ reason: 'certificate' });
});

test('NODE_TLS_REJECT_UNAUTHORIZED does not turn the verification off', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const result = await post(await authority.issue(HOST, { isExpired: true }));
  expect(result).toMatchObject({ reason: 'certificate', mayHaveArrived: false });
});

test('A server without TLS is a failed connection to which nothing was sent', async () => {
  server = await ReceivingServer.start();
  caller = new HttpCaller({ addresses: 'any', timeoutMs: TIMEOUT_MS, resolve });
  const url = server.url('/', { scheme: 'https', host: HOST });
  const result = await caller.post({ url, headers: {}, body: '{}' });
  expect(result).toMatchObject({ reason: 'network', mayHaveArrived: false });
  expect(server.requests).toEqual([]);
});

test('A server that never completes the TLS handshake is a timeout, and nothing was sent', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const connected = once(silent, 'connection');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  caller = new HttpCaller({ addresses: 'any', timeoutMs: TIMEOUT_MS, resolve });
  const url = new URL(`https://${HOST}:${(silent.address() as AddressInfo).port}/`);
  const result = caller.post({ url, headers: {}, body: '{}' });
  const [socket] = (await connected) as [Socket];
  vi.advanceTimersByTime(TIMEOUT_MS);
  expect(await result).toMatchObject({ reason: 'timeout', mayHaveArrived: false });
  socket.destroy();
  silent.close();
  await once(silent, 'close');
});
