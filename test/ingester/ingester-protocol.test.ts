import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Ingester } from '../../functions/ingester/ingester.ts';
import type {
  ProtocolContext,
  Signal,
  StreamProtocol,
  Subscription,
} from '../../functions/ingester/protocols/stream-protocol.ts';
import { envelopeSchema, type QueuedEvent } from '../../lib/events/schema.ts';
import { eventually } from './eventually.ts';
import { FakeProtocol, FakeSession } from './fake-protocol.ts';
import { FakeSockets } from './fake-socket.ts';
import { offlineConfig } from './offline-config.ts';
import { TestLog } from './test-log.ts';

/** A session of a protocol with event ids, cursors and gaps; its frames are JSON arrays of signals. */
class CursorSession extends FakeSession {
  readonly committed: string[] = [];
  /** Waits before a commit is done. */
  beforeCommit: () => Promise<void> = async () => {};

  override onFrame(data: Buffer): readonly Signal[] {
    return JSON.parse(data.toString()) as Signal[];
  }

  async commit(cursor: string): Promise<void> {
    await this.beforeCommit();
    this.committed.push(cursor);
  }
}

class CursorProtocol extends FakeProtocol implements StreamProtocol {
  readonly cursorSessions: CursorSession[] = [];
  /** Yields the subscriptions that the test sends; an error ends them. */
  wanted = Promise.withResolvers<ReadonlyMap<string, Subscription>>();

  override async *subscriptions(
    _configuration?: unknown,
    context?: ProtocolContext,
  ): AsyncGenerator<ReadonlyMap<string, Subscription>> {
    context?.signal.addEventListener('abort', () => this.wanted.reject(new Error('aborted')));
    yield new Map([['main', { topics: ['a'] }]]);
    for (;;) {
      const next = await this.wanted.promise;
      this.wanted = Promise.withResolvers();
      yield next;
    }
  }

  override async connect(
    request: Parameters<StreamProtocol['connect']>[0],
    context: ProtocolContext,
  ): Promise<CursorSession> {
    await super.connect(request, context);
    const session = new CursorSession(this, this.requests.length, request.subscription);
    this.cursorSessions.push(session);
    return session;
  }
}

let protocol: CursorProtocol;
let sockets: FakeSockets;
let log: TestLog;
let events: QueuedEvent[];
let ingester: Ingester;
/** Completes before SQS accepts a call. */
let accepted: Promise<void>;

beforeEach(async () => {
  protocol = new CursorProtocol();
  sockets = new FakeSockets();
  log = new TestLog();
  events = [];
  accepted = Promise.resolve();
  ingester = new Ingester(offlineConfig([protocol]), {
    sqs: { send } as unknown as SQSClient,
    credentials: [async () => ({ clientId: 'id', clientSecret: 'secret' })],
    log,
    fetch: async () => Response.json({ access_token: 'a-token', expires_in: 86_400 }),
    openSocket: sockets.open,
    limits: { batcher: { lingerMs: 1 }, backoff: { baseMs: 1 } },
  });
  await ingester.start();
  await eventually(() => sockets.all.length).toBe(1);
  sockets.last.open();
  receive({ kind: 'ready' });
  await eventually(() => ingester.isCovered).toBe(true);
});
afterEach(() => ingester.stop());

async function send({ input }: { input: { Entries: { Id: string; MessageBody: string }[] } }) {
  await accepted;
  for (const { MessageBody } of input.Entries)
    events.push(...(envelopeSchema.parse(JSON.parse(MessageBody)).events as QueuedEvent[]));
  return { Successful: input.Entries.map(({ Id }) => ({ Id })) };
}

function receive(...signals: Signal[]): void {
  sockets.last.message(JSON.stringify(signals));
}
const event = (id: string): Signal => ({
  kind: 'event',
  event: { id, frame: { topicName: 'v2.x', eventBody: {} } },
});
const session = () => protocol.cursorSessions[0] as CursorSession;

describe('an ingester with a protocol of event ids and cursors', () => {
  test('A cursor is committed after SQS has accepted the events before it', async () => {
    const gate = Promise.withResolvers<void>();
    accepted = gate.promise;
    receive(event('1'), event('2'), { kind: 'cursor', value: 'after 2' });
    await eventually(() => ingester.batcher.totals.calls).toBe(1);
    expect(session().committed).toEqual([]);
    gate.resolve();
    await eventually(() => session().committed).toEqual(['after 2']);
    expect(events.map(({ id }) => id)).toEqual(['fake:1', 'fake:2']);
    expect(events.map(({ protocol: name }) => name)).toEqual(['fake', 'fake']);
  });

  test('A stop waits for the commit of the last cursor', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    session().beforeCommit = () => promise;
    receive(event('1'), { kind: 'cursor', value: 'after 1' });
    const stopping = ingester.stop();
    await eventually(() => events.length).toBe(1);
    resolve();
    await stopping;
    expect(session().committed).toEqual(['after 1']);
  });

  test('Missing sequence numbers are a gap of the subscription', () => {
    receive({ kind: 'gap', from: 5, to: 9 });
    expect(ingester.coverage.totals.gaps).toBe(1);
    expect(log.about('gap')[0]?.fields).toMatchObject({
      subscription: 'fake/main',
      reason: '5 events not delivered: sequence numbers 5 to 9',
    });
  });

  test('Changed subscriptions are followed', async () => {
    protocol.wanted.resolve(
      new Map([
        ['main', { topics: ['a'] }],
        ['second', { topics: ['b'] }],
      ]),
    );
    await eventually(() => protocol.requests.map(({ subscription }) => subscription.topics)).toContainEqual([
      'b',
    ]);
  });

  test('An error of the subscriptions ends the process', async () => {
    protocol.wanted.reject(new Error('no more subscriptions'));
    await expect(ingester.failed).rejects.toThrow('no more subscriptions');
  });

  test('A permanent end of a subscription ends the process', async () => {
    sockets.last.end(4_999);
    await expect(ingester.failed).rejects.toThrow(/the server ended the subscription: 4999/);
  });
});
