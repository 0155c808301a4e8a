import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { StreamsResource } from 'switchboard-local/simulator/streams-resource.ts';
import { signatureOf } from 'switchboard-local/simulator/webhook-client.ts';
import {
  WEBHOOK_FAULT_KINDS,
  type WebhookFaultKind,
} from 'switchboard-local/simulator/webhook-fault-kinds.ts';
import { WebhookSender } from 'switchboard-local/simulator/webhook-sender.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const SECRET = '0123456789abcdef'.repeat(4);
const TOPIC = 'v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.presence';

interface Received {
  id: string;
  serial: number;
  isSigned: boolean;
  signature: string;
}

let server: Server;
let url: string;
let received: Received[];
/** Answers a request with a status code; undefined closes the connection. */
let answer: (request: Received) => number | undefined;

beforeEach(async () => {
  received = [];
  answer = ({ isSigned }) => (isSigned ? 202 : 401);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { eventBridgeEventId, metadata } = JSON.parse(body.toString());
      const signature = String(request.headers['x-genesys-cloud-signature']);
      const isSigned = signature === signatureOf(body, SECRET);
      const one = { id: eventBridgeEventId, serial: metadata.SimulatorSerial, isSigned, signature };
      received.push(one);
      const status = answer(one);
      if (status === undefined) request.socket.destroy();
      else response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

function streamsWith(condition: string): StreamsResource {
  const streams = new StreamsResource();
  const body = JSON.stringify({
    name: 'test',
    destination: { type: 'webhook', url, secret: SECRET },
    routingRules: [{ name: 'rule', condition, enabled: true }],
  });
  streams.create({ method: 'POST', path: '', query: new URLSearchParams(), headers: {}, body });
  return streams;
}

async function play(
  events: number,
  {
    condition = 'eventType contains .presence',
    fault,
  }: { condition?: string; fault?: WebhookFaultKind } = {},
) {
  const ledger = new Ledger();
  const rates = fault ? { [fault]: 1 } : {};
  const sender = new WebhookSender({ ledger, streams: streamsWith(condition), seed: 1, rates });
  for (let count = 0; count < events; count++)
    sender.emit({ topicName: TOPIC, version: '2', eventBody: { count }, metadata: {} });
  await sender.idle();
  sender.close();
  return { ledger, sender };
}

test('Every event is delivered once, signed, with its own id and serial number', async () => {
  const { ledger } = await play(50);
  expect(received).toHaveLength(50);
  expect(received.every(({ isSigned }) => isSigned)).toBe(true);
  expect(new Set(received.map(({ id }) => id)).size).toBe(50);
  for (const { serial } of received) ledger.received(serial);
  expect(ledger.report()).toMatchObject({ sent: 50, published: 50, lost: 0, unexpected: 0 });
});

test('After a server error, a refusal for too many requests or no response, the same delivery is sent again', async () => {
  const answers = [503, 429, undefined, 500];
  answer = () => (answers.length > 0 ? answers.shift() : 202);
  await play(1);
  expect(received).toHaveLength(5);
  expect(new Set(received.map(({ id, signature }) => `${id} ${signature}`)).size).toBe(1);
});

test('A delivery that is refused for good is not sent again, and counts as lost', async () => {
  answer = () => 401;
  const { ledger } = await play(1);
  expect(received).toHaveLength(1);
  expect(ledger.report()).toMatchObject({ sent: 1, lost: 1 });
});

test('An event that no rule selects is not delivered, and counts as uncovered', async () => {
  const { ledger } = await play(3, { condition: `eventType eq ${TOPIC} and eventBody.count gt 1` });
  expect(received).toHaveLength(1);
  expect(ledger.report()).toMatchObject({ sent: 1, uncovered: 2 });
});

describe('faults', () => {
  test.each<WebhookFaultKind>(['webhook_forged', 'webhook_altered', 'webhook_wrong_length'])(
    'With %s, each event has a bad delivery, whose serial number the ledger does not know',
    async (fault) => {
      const { ledger, sender } = await play(20, { fault });
      const [good, bad] = [true, false].map((signed) =>
        received.filter(({ isSigned }) => isSigned === signed),
      );
      expect([good?.length, bad?.length]).toEqual([20, 20]);
      expect(sender.counts[fault]).toBe(20);
      for (const { serial } of [...good!, ...bad!]) ledger.received(serial);
      expect(ledger.report()).toMatchObject({ published: 20, unexpected: 20 });
      const lengths = new Set(bad!.map(({ signature }) => signature.length));
      if (fault === 'webhook_wrong_length') expect(lengths).not.toContain(44);
      else expect(lengths).toEqual(new Set([44]));
    },
  );

  test.each<WebhookFaultKind>(['webhook_repeat', 'webhook_hang_up'])(
    'With %s, each event is delivered twice with the same id',
    async (fault) => {
      await play(20, { fault });
      expect(new Set(received.map(({ id }) => id)).size).toBe(20);
      expect(received.length).toBeGreaterThan(20);
    },
  );

  test('Faults end with stop()', async () => {
    const rates = Object.fromEntries(WEBHOOK_FAULT_KINDS.map((kind) => [kind, 1]));
    const ledger = new Ledger();
    const sender = new WebhookSender({
      ledger,
      streams: streamsWith('eventType contains v2'),
      seed: 1,
      rates,
    });
    sender.stop();
    sender.emit({ topicName: TOPIC, version: '2', eventBody: {}, metadata: {} });
    await sender.idle();
    sender.close();
    expect(received).toHaveLength(1);
  });
});
