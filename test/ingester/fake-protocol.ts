import * as z from 'zod';
import type { EndTable, Reconnect } from '../../functions/ingester/protocols/end-table.ts';
import { CHANNEL_ENDS } from '../../functions/ingester/protocols/notification-channels/channel-ends.ts';
import type {
  Liveness,
  ProtocolContext,
  Session,
  SessionRemainder,
  Signal,
  SocketLimits,
  StreamProtocol,
  Subscription,
} from '../../functions/ingester/protocols/stream-protocol.ts';
import type { Log } from '../../lib/aws/logger.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';

/** A close code by which the server of this protocol ends a subscription permanently. */
export const STOP_CODE = 4_999;
/** A close code that may occur {@link MAX_CONFLICTS} times in a row. */
export const CONFLICT_CODE = 4_998;
/** Times that {@link CONFLICT_CODE} may occur in a row. */
export const MAX_CONFLICTS = 2;

type ConnectRequest = Parameters<StreamProtocol['connect']>[0];

/** A session whose frames are words, see {@link signalOf}; several words are separated by `+`. */
export class FakeSession implements Session {
  readonly url: string;
  readonly replaceByMs?: number;
  readonly number: number;
  readonly subscription: Subscription;
  /** Signals of {@link onClosing}. */
  closing: readonly Signal[] = [];
  update?: (subscription: Subscription) => Promise<void>;
  private readonly protocol: FakeProtocol;

  constructor(protocol: FakeProtocol, number: number, subscription: Subscription) {
    this.protocol = protocol;
    this.number = number;
    this.subscription = subscription;
    this.url = `ws://session-${number}`;
    if (Number.isFinite(protocol.lifeMs)) this.replaceByMs = Date.now() + protocol.lifeMs;
    const { update } = protocol;
    if (update) this.update = (wanted) => update(this, wanted);
  }

  onOpen(): readonly Signal[] {
    return [{ kind: 'send', message: 'hello' }];
  }

  onFrame(data: Buffer): readonly Signal[] {
    return data
      .toString()
      .split('+')
      .flatMap((word) => (word === 'alive' ? [] : signalOf(word)));
  }

  onClosing(): readonly Signal[] {
    return this.closing;
  }

  release(remainder: SessionRemainder): void {
    this.protocol.released.push([this.number, remainder]);
  }
}

/** The signal of a word: `ready`, `closing`, `revoked`, `send <message>`; others are notices. */
function signalOf(word: string): Signal {
  if (word === 'ready') return { kind: word };
  if (word === 'closing') return { kind: 'move', recovery: 'restart', reason: 'socket_closing' };
  if (word === 'revoked') return { kind: 'move', recovery: 'reauthenticate', reason: 'token_revoked' };
  if (word.startsWith('send ')) return { kind: 'send', message: word.slice('send '.length) };
  return { kind: 'notice', message: word };
}

/** A protocol with the ends of notification channels and two more, whose sessions record what happens to them. */
export class FakeProtocol implements StreamProtocol {
  readonly name: string;
  readonly configuration = z.object({});
  readonly ends: EndTable = {
    ...CHANNEL_ENDS,
    codes: {
      ...CHANNEL_ENDS.codes,
      [STOP_CODE]: { recovery: 'stop', meaning: 'the subscription was deleted' },
      [CONFLICT_CODE]: { recovery: 'resume', meaning: 'a conflict', maxInARow: MAX_CONFLICTS },
    },
  };
  readonly liveness: Liveness = { silenceMs: 40_000, ping: { everyMs: 15_000, message: 'ping' } };
  readonly limits = { openMs: 86_400_000, readyMs: 10_000 } as const satisfies SocketLimits;
  /** Every request for a session. */
  readonly requests: ConnectRequest[] = [];
  readonly sessions: FakeSession[] = [];
  /** How sessions ended, in that order: the number of the session and its remainder. */
  readonly released: [number, SessionRemainder][] = [];
  /** After this time a session has to be replaced; `Infinity` if never. */
  lifeMs = 86_400_000;
  /** Waits or throws before a session is made. */
  beforeConnect: (request: ConnectRequest, context: ProtocolContext) => Promise<void> = async () => {};
  /** Changes the subscription of a session; without it sessions cannot be updated. */
  update: ((session: FakeSession, subscription: Subscription) => Promise<void>) | undefined;

  constructor(name = 'fake') {
    this.name = name;
  }

  /** The recoveries of all requests. */
  get recoveries(): Reconnect[] {
    return this.requests.map(({ recovery }) => recovery);
  }

  async *subscriptions(): AsyncGenerator<ReadonlyMap<string, Subscription>> {
    yield new Map();
  }

  async connect(request: ConnectRequest, context: ProtocolContext): Promise<Session> {
    this.requests.push(request);
    const number = this.requests.length;
    await this.beforeConnect(request, context);
    const session = new FakeSession(this, number, request.subscription);
    this.sessions.push(session);
    return session;
  }
}

/** A context whose REST API and OAuth service cannot be reached. */
export function offlineContext(
  log: Log,
  signal: AbortSignal = new AbortController().signal,
): ProtocolContext {
  const url = 'http://127.0.0.1:1';
  const credentials = () => Promise.reject(new Error('this test needs no token'));
  const tokens = new TokenSource({ loginUrl: url, credentials });
  const rest = new RestClient({ apiUrl: url, tokens });
  const clients: ProtocolContext['clients'] = async () => [{ rest, tokens }];
  return { clients, subscriptionSet: 'default', log, recordGap: () => {}, signal };
}
