import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  DeliveryReceiver,
  type DeliveryReceiverOptions,
} from 'switchboard-local/receiver/delivery-receiver.ts';
import { createCertificates } from 'switchboard-local/receiver/receiver-certificates.ts';
import { type ReceiverFaultKind, ReceiverFaults } from 'switchboard-local/receiver/receiver-faults.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { HttpCaller } from '../../../functions/delivery/http-call.ts';

const KEY = Buffer.from('a signing key of the receiver').toString('base64');
const TIMEOUT_MS = 200;

let receiver: DeliveryReceiver | undefined;
let url: string;
let faults: ReceiverFaults;

afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

async function listen(options: DeliveryReceiverOptions = {}): Promise<DeliveryReceiver> {
  faults = new ReceiverFaults({ seed: 1, kinds: [], rate: 0 });
  receiver = new DeliveryReceiver({ faults, ...options });
  ({ url } = await receiver.listen());
  return receiver;
}

interface Parts {
  readonly id?: string;
  readonly key?: string;
  readonly body?: string;
  readonly atSeconds?: number;
  readonly signedBody?: string;
  readonly secret?: string;
}

function deliver(parts: Parts = {}): Promise<Response> {
  const { id = 'event-1', key = id, body = '{"id":"event-1"}', signedBody = body, secret = KEY } = parts;
  const timestamp = String(parts.atSeconds ?? Math.floor(Date.now() / 1_000));
  const digest = createHmac('sha256', Buffer.from(secret, 'base64')).update(
    `${id}.${timestamp}.${signedBody}`,
  );
  return fetch(url, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,AAAA v1,${digest.digest('base64')}`,
    },
  });
}

/** The only call of the ledger, once its response is settled. */
async function settledCall(of: DeliveryReceiver) {
  await expect.poll(() => of.ledger.calls.map(({ answer }) => answer)).not.toContain('open');
  expect(of.ledger.calls).toHaveLength(1);
  return of.ledger.calls[0]!;
}

test('A signed event is processed and answered with 200', async () => {
  const started = await listen({ secret: `whsec_${KEY}` });
  const answer = await deliver();
  expect(answer.status).toBe(200);
  expect(await settledCall(started)).toMatchObject({
    key: 'event-1',
    status: 200,
    answer: 'complete',
    processed: true,
    signatureProblem: undefined,
    problem: undefined,
  });
});

test.each<[string, Parts]>([
  ['another key', { secret: Buffer.from('another key').toString('base64') }],
  ['another body', { signedBody: '{}' }],
  ['a timestamp of ten minutes ago', { atSeconds: Math.floor(Date.now() / 1_000) - 600 }],
])('A signature with %s is answered with 401, and the event is not processed', async (_, parts) => {
  const started = await listen({ secret: KEY });
  expect((await deliver(parts)).status).toBe(401);
  expect(await settledCall(started)).toMatchObject({
    processed: false,
    signatureProblem: expect.stringMatching(/^webhook-/),
  });
});

test.each<[string, Parts, string]>([
  [
    'An Idempotency-Key that differs from webhook-id',
    { key: 'other' },
    'Idempotency-Key differs from webhook-id',
  ],
  ['A body that is not JSON', { body: '{' }, 'the body is not JSON'],
])('%s is answered with 400', async (_, parts, problem) => {
  const started = await listen({ secret: KEY });
  expect((await deliver(parts)).status).toBe(400);
  expect(await settledCall(started)).toMatchObject({ processed: false, problem });
});

test('A slow response is sent after the timeout, when the event has been processed', async () => {
  const started = await listen({ slowMs: 10_000 });
  faults.next('slow');
  await expect(deliver()).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(await settledCall(started)).toMatchObject({ processed: true, answer: 'lost' });
});

test('The response to a slow call counts as lost even if it is sent, because the sender may have given up', async () => {
  const started = await listen({ slowMs: 10 });
  faults.next('slow');
  expect((await deliver()).status).toBe(200);
  expect(await settledCall(started)).toMatchObject({ processed: true, answer: 'lost', status: 200 });
});

test('A response is lost if the sender closes the connection directly after it, because it may have given up before', async () => {
  const started = await listen();
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const headers = 'host: x\r\nidempotency-key: event-1\r\nwebhook-id: event-1\r\ncontent-length: 2';
  socket.write(`POST /events HTTP/1.1\r\n${headers}\r\n\r\n{}`);
  socket.once('data', () => socket.destroy());
  await expect.poll(() => started.ledger.calls[0]?.answer).toBe('lost');
  expect(started.ledger.calls).toMatchObject([{ processed: true, status: 200 }]);
});

test('A response is complete if the sender reuses the connection, and then closes it', async () => {
  const started = await listen();
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const request = (id: string) => {
    const headers = `host: x\r\nidempotency-key: ${id}\r\nwebhook-id: ${id}\r\ncontent-length: 2`;
    socket.write(`POST /events HTTP/1.1\r\n${headers}\r\n\r\n{}`);
  };
  request('event-1');
  await once(socket, 'data');
  request('event-2');
  await once(socket, 'data');
  socket.destroy();
  await expect.poll(() => started.ledger.calls[1]?.answer).toBe('lost');
  expect(started.ledger.calls[0]?.answer).toBe('complete');
});

test('429 has Retry-After in seconds, as an HTTP date and not at all, in rotation', async () => {
  const started = await listen({ retryAfterSeconds: 1 });
  const headers: (string | null)[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    faults.next('answer_429');
    const answer = await deliver();
    expect(answer.status).toBe(429);
    headers.push(answer.headers.get('retry-after'));
    await expect.poll(() => Date.now() >= (started.ledger.holds.at(-1)?.untilMs ?? 0)).toBe(true);
  }
  expect(headers).toEqual(['1', expect.stringMatching(/ GMT$/), null]);
  const [seconds, date] = started.ledger.holds;
  expect(started.ledger.holds).toHaveLength(2);
  expect(seconds!.untilMs - seconds!.fromMs).toBe(1_000);
  expect(new Date(headers[1]!).getTime()).toBe(date!.untilMs);
  expect(date!.untilMs - date!.fromMs).toBeGreaterThanOrEqual(1_000);
});

test('Until Retry-After is over, every call is answered with 429', async () => {
  await listen({ retryAfterSeconds: 60 });
  faults.next('answer_429');
  await deliver();
  const answer = await deliver({ id: 'event-2' });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
});

test('A burst of server errors ends after its duration', async () => {
  const started = await listen({ burstMs: 300 });
  faults.next('burst_500');
  const answers = [(await deliver()).status, (await deliver()).status];
  expect(answers.filter((status) => [500, 502, 503].includes(status))).toHaveLength(2);
  await expect.poll(async () => (await deliver()).status).toBe(200);
  expect(started.ledger.callsOf('event-1').filter(({ processed }) => processed)).toHaveLength(1);
});

test('A connection that ends before the response ends alternately after and before the event is processed', async () => {
  const started = await listen();
  for (let turn = 0; turn < 4; turn += 1) {
    faults.next('half_closed');
    await expect(deliver({ id: `event-${turn}` })).rejects.toMatchObject({ message: 'fetch failed' });
  }
  await expect.poll(() => started.ledger.calls.map(({ answer }) => answer)).not.toContain('open');
  expect(started.ledger.calls.map(({ processed, answer }) => [processed, answer])).toEqual([
    [true, 'lost'],
    [false, 'lost'],
    [true, 'lost'],
    [false, 'lost'],
  ]);
});

test('A response that is not HTTP is lost, and the event is not processed', async () => {
  const started = await listen();
  faults.next('garbage_answer');
  await expect(deliver()).rejects.toMatchObject({ message: 'fetch failed' });
  expect(await settledCall(started)).toMatchObject({ processed: false, answer: 'lost' });
});

test('A refused event is refused again, and others are not', async () => {
  await listen();
  faults.next('refused_4xx');
  const first = (await deliver()).status;
  expect([400, 422]).toContain(first);
  expect((await deliver()).status).toBe(first);
  expect((await deliver({ id: 'event-2' })).status).toBe(200);
});

test('An event that was sent before is not refused permanently', async () => {
  await listen();
  await deliver();
  faults.next('refused_4xx');
  expect((await deliver()).status).toBe(200);
  expect([400, 422]).toContain((await deliver({ id: 'event-2' })).status);
});

test('With TLS, it presents a certificate that the sender does not trust for some time, and then the trusted one', async () => {
  const certificates = await createCertificates();
  const started = await listen({ certificates, burstMs: 300 });
  const caller = new HttpCaller({ addresses: 'any', timeoutMs: 5_000, ca: certificates.trusted.cert });
  const send = (id: string) =>
    caller.post({ url: new URL(url), headers: { 'idempotency-key': id, 'webhook-id': id }, body: '{}' });
  faults.next('wrong_certificate');
  expect(await send('event-1')).toMatchObject({ status: 200 });
  await expect.poll(() => send('event-2')).toMatchObject({ kind: 'failed', reason: 'certificate' });
  await expect.poll(() => send('event-3')).toMatchObject({ status: 200 });
  caller.close();
  expect(started.ledger.callsOf('event-1')).toMatchObject([{ processed: true }]);
});

test('While it is down, it refuses connections, and afterwards it responds on the same port', async () => {
  await listen({ downMs: 300 });
  faults.next('down');
  expect((await deliver()).status).toBe(200);
  await vi.waitFor(async () => {
    await expect(deliver()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });
  const isUp = async () =>
    deliver().then(
      ({ status }) => status,
      () => undefined,
    );
  await expect.poll(isUp).toBe(200);
});

test('It can be closed while it is down', async () => {
  const started = await listen({ downMs: 600_000 });
  faults.next('down');
  await deliver();
  await vi.waitFor(async () => {
    await expect(deliver()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });
  await started.close();
  receiver = undefined;
});

test('After 410, every call is answered with 410 until the destination is restored', async () => {
  const started = await listen();
  faults.next('gone_410');
  expect([(await deliver()).status, (await deliver({ id: 'event-2' })).status]).toEqual([410, 410]);
  started.restore();
  expect((await deliver()).status).toBe(200);
});

test('The bodies can be searched for planted strings', async () => {
  const started = await listen();
  await deliver({ body: '{"name":"Jane Planted"}' });
  await deliver({ id: 'event-2', body: '{"name":"***"}' });
  const found = started.ledger.containing(['+49 30 1234', 'Jane Planted']);
  expect(found.map(({ call, found }) => [call.key, found])).toEqual([['event-1', 'Jane Planted']]);
});

const KINDS: readonly ReceiverFaultKind[] = ['slow', 'burst_500', 'half_closed', 'down'];

function drawn(seed: number, rate = 0.3): (string | undefined)[] {
  const seeded = new ReceiverFaults({ seed, kinds: KINDS, rate });
  return Array.from({ length: 100 }, () => JSON.stringify(seeded.draw(true)));
}

test('The same seed has the same faults', () => {
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
});

test('Every kind happens once before one happens again', () => {
  const seeded = new ReceiverFaults({ seed: 3, kinds: KINDS, rate: 1 });
  const first = KINDS.map(() => seeded.draw(true)?.kind);
  expect(first.toSorted()).toEqual(KINDS.toSorted());
});

test('An unknown kind and a rate that is not a probability are refused', () => {
  expect(() => new ReceiverFaults({ seed: 1, kinds: ['tired' as ReceiverFaultKind] })).toThrow(/tired/);
  expect(() => new ReceiverFaults({ seed: 1, kinds: [], rate: 2 })).toThrow(/0 to 1/);
});
