import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChannelBody, ClientSocket, CloudClient, eventually, frameNumber } from './cloud-client.ts';

let simulator: Simulator;
let client: CloudClient;
let topic: string;
let next = 0;

beforeEach(async () => {
  simulator = new Simulator({ closingGraceMs: 20 });
  client = new CloudClient(await simulator.listen());
  await client.login();
  topic = `v2.users.${simulator.userIds[0]}.presence`;
});
afterEach(() => simulator.close());

function emit(count: number): void {
  for (let left = count; left > 0; left -= 1) {
    next += 1;
    simulator.emit(frameNumber(topic, next));
  }
}

async function open(): Promise<{ channel: ChannelBody; socket: ClientSocket }> {
  const opened = await client.open([topic]);
  opened.socket.onFrame = (frame) => simulator.ledger.received(simulator.ledger.keyOf(frame));
  return opened;
}

const counts = () => {
  const { sent, uncovered, unproven, published, lost, unexpected } = simulator.ledger.report();
  return { sent, uncovered, unproven, published, lost, unexpected };
};
const clean = { unproven: 0, lost: 0, unexpected: 0 };

describe('what counts as sent arrives', () => {
  const ends: [string, () => void][] = [
    ['a drop', () => simulator.dropSockets()],
    ['silence', () => simulator.silenceSockets()],
    ['a close', () => simulator.hooks.close(1011)],
    ['an eviction', () => simulator.evictChannel()],
  ];
  it.each(ends)('up to %s and not after it', async (_name, end) => {
    const { socket } = await open();
    emit(500);
    end();
    emit(50);
    await eventually(() => socket.events.length).toBe(500);
    expect(counts()).toEqual({ ...clean, sent: 500, published: 500, uncovered: 50 });
  });

  it('up to the middle of a burst', async () => {
    const { socket } = await open();
    simulator.hooks.close(1012, undefined, 7);
    emit(50);
    await eventually(() => socket.closed).toMatchObject({ code: 1012 });
    expect(counts()).toEqual({ ...clean, sent: 7, published: 7, uncovered: 43 });
  });

  it('when the client closes gracefully and reads on', async () => {
    const { socket } = await open();
    emit(100);
    socket.ws.close(1000);
    emit(100);
    await eventually(() => socket.closed).toMatchObject({ code: 1000 });
    await eventually(() => simulator.connections).toBe(0);
    emit(10);
    expect(counts()).toEqual({ ...clean, sent: 200, published: 200, uncovered: 10 });
  });

  it('when the simulator itself stops', async () => {
    const { socket } = await open();
    emit(100);
    await simulator.close();
    await eventually(() => socket.closed).toMatchObject({ code: 1001 });
    emit(1);
    expect(counts()).toEqual({ ...clean, sent: 100, published: 100, uncovered: 1 });
  });

  it('through one of two channels while the other is down', async () => {
    const a = await open();
    const b = await open();
    simulator.dropSockets(a.channel.id);
    emit(100);
    await eventually(() => b.socket.events.length).toBe(100);
    expect(a.socket.events).toHaveLength(0);
    expect(counts()).toEqual({ ...clean, sent: 100, published: 100, uncovered: 0 });
  });
});

describe('what nobody can have read', () => {
  it('is uncovered without a channel, without a socket, and in between', async () => {
    emit(1);
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    emit(2);
    const socket = await ClientSocket.connect(channel.connectUri);
    emit(3);
    await eventually(() => socket.events.length).toBe(3);
    const report = simulator.ledger.report();
    expect([report.sent, report.uncovered]).toEqual([3, 3]);
    expect(report.uncoveredSpans.reduce((sum, { events }) => sum + events, 0)).toBe(3);
  });

  it('is unproven when the client breaks off with data unread, and apart from lost', async () => {
    const { socket } = await client.open([topic]);
    emit(10);
    await eventually(() => socket.events.length).toBe(10);
    for (const key of socket.keys) simulator.ledger.received(key);
    socket.ws.pause();
    emit(20);
    await eventually(() => simulator.bufferedBytes).toBe(0);
    socket.ws.terminate();
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toEqual({ ...clean, sent: 10, published: 10, uncovered: 0, unproven: 20 });
    const unproven = simulator.ledger.openEvents('unproven');
    expect(unproven).toHaveLength(20);
    expect(unproven[0]).toMatchObject({ topicName: topic, sockets: 1, sentAtMs: expect.any(Number) });
  });

  it('is proven by a pong even if the client breaks off later', async () => {
    const { socket } = await client.open([topic]);
    const pinged = new Promise((resolve) => socket.ws.once('ping', resolve));
    emit(10);
    await pinged;
    const pong = new Promise((resolve) => socket.ws.once('pong', resolve));
    // The answer to this ping comes after the server has read the pong before it.
    socket.ws.ping();
    await pong;
    socket.ws.terminate();
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toMatchObject({ sent: 10, unproven: 0, lost: 10 });
  });

  it('is unproven when the client gives up reading over a frame', async () => {
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    const socket = await ClientSocket.connect(channel.connectUri, { maxPayload: 1_000 });
    simulator.hooks.garbage('x'.repeat(2_000));
    emit(10);
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toMatchObject({ sent: 0, unproven: 10 });
    expect(socket.events).toHaveLength(0);
  });

  it('is uncovered behind a huge frame until the client has got over it', async () => {
    const { socket } = await open();
    emit(1);
    expect(simulator.hooks.huge(1_000_000)).toBe(1);
    emit(5);
    await eventually(() => simulator.liveConnections).toBe(1);
    emit(1);
    await eventually(() => socket.events.length).toBe(2);
    expect(counts()).toEqual({ ...clean, sent: 2, published: 2, uncovered: 5 });
  });

  it('is uncovered behind a huge frame that ends the connection', async () => {
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    const socket = await ClientSocket.connect(channel.connectUri, { maxPayload: 100_000 });
    socket.onFrame = (frame) => simulator.ledger.received(simulator.ledger.keyOf(frame));
    emit(3);
    simulator.hooks.huge(1_000_000);
    emit(5);
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toEqual({ ...clean, sent: 3, published: 3, uncovered: 5 });
  });
});

describe('tricks with frames', () => {
  it('send one frame twice and count it once', async () => {
    const { socket } = await client.open([topic]);
    simulator.hooks.duplicateNext();
    emit(2);
    await eventually(() => socket.events.length).toBe(3);
    expect(new Set(socket.keys).size).toBe(2);
    expect(socket.keys[0]).toBe(socket.keys[1]);
    expect(counts()).toMatchObject({ sent: 2 });
  });

  it('let one frame overtake another, or send it alone when none follows', async () => {
    const { socket } = await open();
    simulator.hooks.reorderNext();
    emit(3);
    await eventually(() => socket.events.length).toBe(3);
    const order = socket.events.map(({ eventBody }) => (eventBody as { n: number }).n - next);
    expect(order).toEqual([-1, -2, 0]);
    simulator.hooks.reorderNext();
    emit(1);
    await eventually(() => socket.events.length).toBe(4);
    expect(counts()).toEqual({ ...clean, sent: 4, published: 4, uncovered: 0 });
  });

  it('never send a frame that was held back when the connection ended', async () => {
    await open();
    simulator.hooks.reorderNext();
    emit(1);
    simulator.dropSockets();
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toEqual({ ...clean, sent: 0, published: 0, uncovered: 1 });
  });
});

it('sends nothing on, and answers nothing from, a silent connection, which stays up', async () => {
  const { socket } = await open();
  simulator.silenceSockets();
  emit(1);
  await eventually(() => simulator.ledger.report().uncovered).toBe(1);
  const { channel, socket: other } = await open();
  socket.ws.send('{"message":"ping"}');
  socket.ws.ping();
  other.ws.send('{"message":"ping"}');
  await eventually(() => other.messages.length).toBe(1);
  expect(socket.texts).toEqual([]);
  expect(socket.closed).toBeUndefined();
  expect([simulator.connections, simulator.liveConnections]).toEqual([2, 1]);
  socket.ws.terminate();
  await eventually(() => simulator.connections).toBe(1);
  expect(simulator.channelIds).toContain(channel.id);
});
