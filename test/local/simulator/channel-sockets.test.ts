import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, it } from 'vitest';
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
  it('sends an event to every channel that is subscribed to its topic, as it was given', async () => {
    await start();
    const a = await client.open([topicOf(0)]);
    const b = await client.open([topicOf(0), topicOf(1)]);
    const frames = [frameNumber(topicOf(0), 1), frameNumber(topicOf(1), 2), frameNumber(topicOf(2), 3)];
    for (const frame of frames) simulator.emit(frame);
    await eventually(() => b.socket.texts).toEqual(frames.slice(0, 2).map((frame) => JSON.stringify(frame)));
    expect(a.socket.texts).toEqual([JSON.stringify(frames[0])]);
    expect([simulator.connections, simulator.coverageOf(topicOf(0))]).toEqual([2, 2]);
  });

  it('delivers combined topics under their expanded names', async () => {
    await start();
    const { socket } = await client.open([`v2.users.${simulator.userIds[0]}?presence&routingStatus`]);
    for (const suffix of ['presence', 'routingStatus', 'station'])
      simulator.emit(frameNumber(topicOf(0, suffix), 1));
    simulator.emit(frameNumber(topicOf(0), 2));
    const expected = [topicOf(0), topicOf(0, 'routingStatus'), topicOf(0)];
    await eventually(() => socket.events.map(({ topicName }) => topicName)).toEqual(expected);
  });

  it('sends recorded text as it is, and refuses text that is no frame', async () => {
    await start();
    const { socket } = await client.open([topicOf(0)]);
    const text = `{ "topicName": "${topicOf(0)}", "eventBody": {"b":1, "a":2} }`;
    simulator.emitText(topicOf(0), text);
    await eventually(() => socket.texts).toEqual([text]);
    expect(() => simulator.emitText(topicOf(0), '{')).toThrow(/not JSON/);
    expect(() => simulator.emitText(topicOf(0), '{}')).toThrow(/eventBody/);
  });
});

describe('a socket', () => {
  it('gets heartbeats without a subscription', async () => {
    await start({ heartbeatMs: 10 });
    const { socket } = await client.open([]);
    const heartbeat = { topicName: 'channel.metadata', eventBody: { message: 'WebSocket Heartbeat' } };
    await eventually(() => socket.messages.slice(0, 2)).toEqual([heartbeat, heartbeat]);
  });

  it('is answered both kinds of ping', async () => {
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

  it('can subscribe and unsubscribe in band', async () => {
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
    expect(await ask({ message: 'dance' })).toMatchObject({ result: '400', status: 'failure' });
    expect(await ask('no json')).toMatchObject({ result: '400', status: 'failure' });
    expect(await ask({ message: 'unsubscribe', topics: [topicOf(0)] })).toMatchObject({ result: '200' });
    expect(simulator.coverageOf(topicOf(0))).toBe(0);
  });

  it('is one a channel: a second one ends the first without a gap', async () => {
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

  it('is refused with 404 for an unknown channel and with 401 once the token is revoked', async () => {
    await start();
    const base = cloud.url.replace('http', 'ws');
    await expect(ClientSocket.connect(`${base}/channels/streaming-0-none`)).rejects.toThrow(/404/);
    await expect(ClientSocket.connect(`${base}/elsewhere`)).rejects.toThrow(/404/);
    const channel = await client.createChannel();
    simulator.revokeTokens();
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401/);
  });

  it('that reads too slowly is closed, and what it cannot take is not counted as sent', async () => {
    await start({ socketBufferLimitBytes: 100_000 });
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
  it('comes when its life is over: 1001, and the id is unknown', async () => {
    await start({ channelLifeMs: 50 });
    const { channel, socket } = await client.open([topicOf(0)]);
    await closed(socket).toEqual({ code: 1001, reason: 'idle timeout' });
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/404/);
  });

  it('is put off as long as topics are renewed', async () => {
    await start({ channelLifeMs: 150 });
    const { channel, socket } = await client.open([topicOf(0)]);
    const firstEnd = Date.parse(channel.expires);
    while (Date.now() < firstEnd + 50) await client.subscribe(channel, [topicOf(0)]);
    expect(socket.closed).toBeUndefined();
    await closed(socket).toMatchObject({ code: 1001 });
  });

  it('comes with the end of its token', async () => {
    await start({ tokenLifeSeconds: 0.2 });
    const { channel, socket } = await client.open([topicOf(0)]);
    await closed(socket).toMatchObject({ code: 1001 });
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401/);
  });

  it('comes when another takes its place: an idle one goes first, then the one used least lately', async () => {
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

describe('announced ends', () => {
  it('leave the grace to move: socket_closing, then 1001', async () => {
    await start({ closingGraceMs: 100 });
    const { socket } = await client.open([topicOf(0)]);
    expect(simulator.closingSoon()).toBe(1);
    await eventually(() => socket.messages).toMatchObject([{ topicName: 'v2.system.socket_closing' }]);
    simulator.emit(frameNumber(topicOf(0), 1));
    await eventually(() => socket.events).toHaveLength(1);
    await closed(socket).toEqual({ code: 1001, reason: 'maintenance' });
  });

  it('leave alone a socket that took the place of the announced one', async () => {
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

  it('tell of a revoked token, which is worth nothing at once', async () => {
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
