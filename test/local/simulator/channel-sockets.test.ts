import { type Frame, SERIAL_FIELD } from 'switchboard-local/simulator/frame.ts';
import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientSocket, CloudClient, eventually, frameNumber } from './cloud-client.ts';

let simulator: Simulator;
let cloud: Listening;
let client: CloudClient;

async function start(options: ConstructorParameters<typeof Simulator>[0] = {}): Promise<void> {
  simulator = new Simulator(options);
  cloud = await simulator.listen();
  client = new CloudClient(cloud);
  await client.login();
}

const topicOf = (index: number, suffix = 'presence'): string =>
  `v2.users.${simulator.userIds[index]}.${suffix}`;
const closed = (socket: ClientSocket) => eventually(() => socket.closed);

afterEach(() => simulator.close());

describe('delivery', () => {
  /** The frame as sent: with the serial number of the cloud. */
  const sent = (frame: Frame, serial: number) =>
    JSON.stringify({ ...frame, metadata: { ...frame.metadata, [SERIAL_FIELD]: serial } });

  test('An event is sent to every channel that is subscribed to its topic, with one serial number', async () => {
    await start();
    const a = await client.open([topicOf(0)]);
    const b = await client.open([topicOf(0), topicOf(1)]);
    const frames = [frameNumber(topicOf(0), 1), frameNumber(topicOf(1), 2), frameNumber(topicOf(2), 3)];
    for (const frame of frames) simulator.emit(frame);
    await eventually(() => b.socket.texts).toEqual([sent(frames[0]!, 1), sent(frames[1]!, 2)]);
    expect(a.socket.texts).toEqual([sent(frames[0]!, 1)]);
    expect(simulator.connections).toBe(2);
    expect(simulator.coverageOf(topicOf(0))).toBe(2);
  });

  test('Events of combined topics are delivered under the expanded topic names', async () => {
    await start();
    const { socket } = await client.open([`v2.users.${simulator.userIds[0]}?presence&routingStatus`]);
    for (const suffix of ['presence', 'routingStatus', 'station'])
      simulator.emit(frameNumber(topicOf(0, suffix), 1));
    simulator.emit(frameNumber(topicOf(0), 2));
    const expected = [topicOf(0), topicOf(0, 'routingStatus'), topicOf(0)];
    await eventually(() => socket.events.map(({ topicName }) => topicName)).toEqual(expected);
  });

  test('Recorded text is sent unchanged except for its serial number', async () => {
    await start();
    const { socket } = await client.open([topicOf(0)]);
    const text = `{ "topicName": "${topicOf(0)}", "eventBody": {"b":1, "a":2} }`;
    simulator.emitText(topicOf(0), text);
    const withSerial = text.replace(/}$/, `,"metadata":{"${SERIAL_FIELD}":1}}`);
    await eventually(() => socket.texts).toEqual([withSerial]);
  });

  test('Recorded text that is not a frame is rejected', async () => {
    await start();
    expect(() => simulator.emitText(topicOf(0), '{')).toThrow(/not JSON/);
    expect(() => simulator.emitText(topicOf(0), '{}')).toThrow(/eventBody/);
  });
});

describe('a socket', () => {
  test('A socket receives heartbeats without a subscription', async () => {
    await start({ heartbeatMs: 10 });
    const { socket } = await client.open([]);
    const heartbeat = { topicName: 'channel.metadata', eventBody: { message: 'WebSocket Heartbeat' } };
    await eventually(() => socket.messages.slice(0, 2)).toEqual([heartbeat, heartbeat]);
  });

  test('The simulator answers in-band pings and ping frames', async () => {
    await start();
    const { socket } = await client.open([]);
    socket.ws.send('{"message":"ping"}');
    await eventually(() => socket.messages).toEqual([
      { topicName: 'channel.metadata', eventBody: { message: 'pong' } },
    ]);
    const pong = new Promise<string>((resolve) => socket.ws.once('pong', (data) => resolve(data.toString())));
    socket.ws.ping('mark');
    expect(await pong).toBe('mark');
  });

  test('A client can subscribe and unsubscribe in band', async () => {
    await start({ deniedTopics: ['v2.users.{id}.station'] });
    const { socket } = await client.open([]);
    const ask = async (message: unknown): Promise<unknown> => {
      const before = socket.texts.length;
      socket.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
      await eventually(() => socket.texts.length).toBe(before + 1);
      return socket.messages[before];
    };
    const subscribed = await ask({ message: 'subscribe', topics: [topicOf(0)], correlationId: 'abc' });
    expect(subscribed).toEqual({ result: '200', status: 'subscribed', correlationId: 'abc' });
    expect(simulator.coverageOf(topicOf(0))).toBe(1);
    expect(await ask({ message: 'subscribe', topics: [topicOf(0, 'station')] })).toMatchObject({
      result: '400',
    });
    expect(await ask({ message: 'subscribe', topics: 'all' })).toMatchObject({
      result: '400',
      status: 'failure',
    });
    expect(await ask({ message: 'unknown' })).toMatchObject({ result: '400', status: 'failure' });
    expect(await ask('not JSON')).toMatchObject({ result: '400', status: 'failure' });
    expect(await ask({ message: 'unsubscribe', topics: [topicOf(0)] })).toMatchObject({ result: '200' });
    expect(simulator.coverageOf(topicOf(0))).toBe(0);
  });

  test('A second socket of a channel closes the first one without a gap', async () => {
    await start();
    const { channel, socket } = await client.open([topicOf(0)]);
    const emitting = setInterval(() => simulator.emit(frameNumber(topicOf(0), performance.now())), 1);
    const second = await ClientSocket.connect(channel.connectUri);
    await closed(socket).toMatchObject({ code: 1000 });
    await eventually(() => second.events.length).toBeGreaterThan(5);
    clearInterval(emitting);
    expect(simulator.connections).toBe(1);
    await eventually(() => socket.events.length + second.events.length).toBe(simulator.ledger.report().sent);
    expect(simulator.ledger.report().uncovered).toBe(0);
  });

  test('An upgrade is rejected with 404 for an unknown channel and with 401 for a revoked token', async () => {
    await start();
    const base = cloud.url.replace('http', 'ws');
    await expect(ClientSocket.connect(`${base}/channels/streaming-0-none`)).rejects.toThrow(/404/);
    await expect(ClientSocket.connect(`${base}/elsewhere`)).rejects.toThrow(/404/);
    const channel = await client.createChannel();
    simulator.revokeTokens();
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401/);
  });

  test('The socket of a slow reader is closed, and events it did not accept do not count as sent', async () => {
    await start({ maxSocketBufferBytes: 100_000 });
    const { socket } = await client.open([topicOf(0)]);
    socket.ws.pause();
    const body = { text: 'x'.repeat(50_000) };
    for (let n = 0; simulator.liveConnections > 0; n += 1) {
      simulator.emit({ ...frameNumber(topicOf(0), n), eventBody: { ...body, n } });
      if (n % 10 === 0) await new Promise(setImmediate);
    }
    simulator.emit(frameNumber(topicOf(0), -1));
    socket.ws.resume();
    await closed(socket).toMatchObject({ code: 1008 });
    const { sent, uncovered } = simulator.ledger.report();
    expect(sent).toBe(socket.events.length);
    expect(uncovered).toBe(2);
  });
});

describe('the end of a channel', () => {
  test('A channel that expires is closed with 1001, and its id becomes unknown', async () => {
    await start({ channelLifeMs: 50 });
    const { channel, socket } = await client.open([topicOf(0)]);
    await closed(socket).toEqual({ code: 1001, reason: 'idle timeout' });
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/404/);
  });

  test('A channel does not expire while its subscriptions are renewed', async () => {
    await start({ channelLifeMs: 150 });
    const { channel, socket } = await client.open([topicOf(0)]);
    const firstEnd = Date.parse(channel.expires);
    while (Date.now() < firstEnd + 50) await client.subscribe(channel, [topicOf(0)]);
    expect(socket.closed).toBeUndefined();
    await closed(socket).toMatchObject({ code: 1001 });
  });

  test('A channel is closed when its token expires', async () => {
    await start({ tokenLifeSeconds: 1 });
    const { channel, socket } = await client.open([topicOf(0)]);
    await closed(socket).toMatchObject({ code: 1001 });
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401/);
  });

  test('A new channel above the limit evicts an unconnected channel first, then the least recently used one', async () => {
    await start({ channelsPerClient: 2 });
    const a = await client.open([topicOf(0)]);
    const idle = await client.createChannel();
    const b = await client.open([topicOf(0)]);
    expect(simulator.channelIds).toEqual([a.channel.id, b.channel.id]);
    expect(simulator.channelIds).not.toContain(idle.id);
    await client.createChannel();
    await closed(a.socket).toMatchObject({ code: 1001 });
    expect(a.socket.messages).toMatchObject([
      {
        topicName: `v2.system.no_longer_subscribed.${a.channel.id}`,
        eventBody: { channelId: a.channel.id, systemTopicType: 'no_longer_subscribed' },
      },
    ]);
    expect(b.socket.closed).toBeUndefined();
  });
});

describe('announced closes', () => {
  test('A socket that is closing soon is notified, still receives events, and is then closed with 1001', async () => {
    await start({ closingGraceMs: 100 });
    const { socket } = await client.open([topicOf(0)]);
    expect(simulator.closingSoon()).toBe(1);
    await eventually(() => socket.messages).toMatchObject([{ topicName: 'v2.system.socket_closing' }]);
    simulator.emit(frameNumber(topicOf(0), 1));
    await eventually(() => socket.events).toHaveLength(1);
    await closed(socket).toEqual({ code: 1001, reason: 'maintenance' });
  });

  test('An announced close does not affect a socket that replaced the announced one', async () => {
    await start({ closingGraceMs: 20 });
    const { channel, socket } = await client.open([topicOf(0)]);
    simulator.closingSoon();
    const second = await ClientSocket.connect(channel.connectUri);
    await closed(socket).toMatchObject({ code: 1000 });
    const third = await client.open([topicOf(0)]);
    simulator.closingSoon(third.channel.id);
    await closed(third.socket).toMatchObject({ code: 1001 });
    expect(second.closed).toBeUndefined();
  });

  test('A revoked token is invalid at once, and its channel is notified and closed', async () => {
    await start({ closingGraceMs: 50 });
    const { channel, socket } = await client.open([topicOf(0)]);
    expect(simulator.revokeTokens()).toBe(1);
    expect((await client.call('GET', '/api/v2/users')).status).toBe(401);
    await eventually(() => socket.messages).toMatchObject([
      {
        topicName: expect.stringMatching(/^v2\.system\.token_revoked\./),
        eventBody: { channelId: channel.id },
      },
    ]);
    await closed(socket).toMatchObject({ code: 1001 });
  });
});
