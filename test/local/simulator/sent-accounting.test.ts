import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

const onFrame = (frame: Frame) => simulator.ledger.received(simulator.ledger.keyOf(frame));

async function open(): Promise<{ channel: ChannelBody; socket: ClientSocket }> {
  return client.open([topic], { onFrame });
}

const counts = () => {
  const { sent, uncovered, unproven, published, lost, unexpected } = simulator.ledger.report();
  return { sent, uncovered, unproven, published, lost, unexpected };
};
const clean = { unproven: 0, lost: 0, unexpected: 0 };

describe('events that count as sent', () => {
  const ends: [string, () => void][] = [
    ['a dropped connection', () => simulator.dropSockets()],
    ['a silenced connection', () => simulator.silenceSockets()],
    ['a closed connection', () => simulator.hooks.close(1011)],
    ['an evicted channel', () => simulator.evictChannel()],
  ];
  test.each(ends)(
    'With %s, all events before its end arrive and later ones are uncovered',
    async (_name, end) => {
      const { socket } = await open();
      emit(500);
      end();
      emit(50);
      await eventually(() => socket.events.length).toBe(500);
      expect(counts()).toEqual({ ...clean, sent: 500, published: 500, uncovered: 50 });
    },
  );

  test('A close during a burst delivers exactly the events before it', async () => {
    const { socket } = await open();
    simulator.hooks.close(1012, undefined, 7);
    emit(50);
    await eventually(() => socket.closed).toMatchObject({ code: 1012 });
    expect(counts()).toEqual({ ...clean, sent: 7, published: 7, uncovered: 43 });
  });

  test('Events that are sent while the client closes gracefully arrive', async () => {
    const { socket } = await open();
    emit(100);
    socket.ws.close(1000);
    emit(100);
    await eventually(() => socket.closed).toMatchObject({ code: 1000 });
    await eventually(() => simulator.connections).toBe(0);
    emit(10);
    expect(counts()).toEqual({ ...clean, sent: 200, published: 200, uncovered: 10 });
  });

  test('Events that were sent before the simulator stops arrive', async () => {
    const { socket } = await open();
    emit(100);
    await simulator.close();
    await eventually(() => socket.closed).toMatchObject({ code: 1001 });
    emit(1);
    expect(counts()).toEqual({ ...clean, sent: 100, published: 100, uncovered: 1 });
  });

  test('Events arrive through one of two channels while the other one is down', async () => {
    const a = await open();
    const b = await open();
    simulator.dropSockets(a.channel.id);
    emit(100);
    await eventually(() => b.socket.events.length).toBe(100);
    expect(a.socket.events).toHaveLength(0);
    expect(counts()).toEqual({ ...clean, sent: 100, published: 100, uncovered: 0 });
  });
});

describe('events that no client can have read', () => {
  test('An event is uncovered if its topic has no channel, or its channel no socket', async () => {
    emit(1);
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    emit(2);
    const socket = await ClientSocket.connect(channel.connectUri);
    emit(3);
    await eventually(() => socket.events.length).toBe(3);
    const report = simulator.ledger.report();
    expect(report.sent).toBe(3);
    expect(report.uncovered).toBe(3);
    expect(report.uncoveredSpans.reduce((sum, { events }) => sum + events, 0)).toBe(3);
  });

  test('Events are unproven, not lost, if the client disconnects with unread data', async () => {
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
  });

  test('A pong proves that events were read, even if the client disconnects later', async () => {
    const { socket } = await client.open([topic]);
    const pinged = new Promise((resolve) => socket.ws.once('ping', resolve));
    emit(10);
    await pinged;
    const pong = new Promise((resolve) => socket.ws.once('pong', resolve));
    // The server answers this ping after it has read the client's pong.
    socket.ws.ping();
    await pong;
    socket.ws.terminate();
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toMatchObject({ sent: 10, unproven: 0, lost: 10 });
  });

  test('Events are unproven if the client stops reading at an oversized frame', async () => {
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    const socket = await ClientSocket.connect(channel.connectUri, { maxPayload: 1_000 });
    simulator.hooks.garbage('x'.repeat(2_000));
    emit(10);
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toMatchObject({ sent: 0, unproven: 10 });
    expect(socket.events).toHaveLength(0);
  });

  test('Events from a large event on are unproven if it ends the connection', async () => {
    const channel = await client.createChannel();
    await client.subscribe(channel, [topic]);
    const socket = await ClientSocket.connect(channel.connectUri, { maxPayload: 100_000, onFrame });
    emit(3);
    await eventually(() => socket.events.length).toBe(3);
    expect(simulator.faultTarget.emitLarge(channel.id, 1_000_000)).toBe(1);
    emit(5);
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toEqual({ ...clean, sent: 3, published: 3, uncovered: 0, unproven: 6 });
  });
});

describe('a large event', () => {
  test.each([1_048_576, 3_145_728, 12_582_912])(
    'A large event with a body of %i bytes is sent as a whole, and events before and after it',
    async (bytes) => {
      const { channel, socket } = await open();
      emit(1);
      expect(simulator.faultTarget.emitLarge(channel.id, bytes)).toBe(1);
      emit(1);
      await eventually(() => socket.events.length).toBe(3);
      expect(counts()).toEqual({ ...clean, sent: 3, published: 3, uncovered: 0 });
      const size = JSON.stringify(socket.events[1]?.eventBody).length;
      expect(Math.abs(size - bytes) / bytes).toBeLessThan(0.01);
      expect(socket.events[1]?.topicName).toBe(topic);
    },
  );
});

describe('faults of frames', () => {
  test('A frame that is sent twice counts once', async () => {
    const { socket } = await client.open([topic]);
    simulator.hooks.duplicateNext();
    emit(2);
    await eventually(() => socket.events.length).toBe(3);
    expect(new Set(socket.keys).size).toBe(2);
    expect(socket.keys[0]).toBe(socket.keys[1]);
    expect(counts()).toMatchObject({ sent: 2 });
  });

  test('A frame is overtaken by the next one, and is sent on its own if none follows', async () => {
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

  test('A frame that is held back when the connection ends is never sent', async () => {
    await open();
    simulator.hooks.reorderNext();
    emit(1);
    simulator.dropSockets();
    await eventually(() => simulator.connections).toBe(0);
    expect(counts()).toEqual({ ...clean, sent: 0, published: 0, uncovered: 1 });
  });
});

test('A silenced connection stays open, but the simulator neither sends nor answers on it', async () => {
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
  expect(simulator.connections).toBe(2);
  expect(simulator.liveConnections).toBe(1);
  socket.ws.terminate();
  await eventually(() => simulator.connections).toBe(1);
  expect(simulator.channelIds).toContain(channel.id);
});
