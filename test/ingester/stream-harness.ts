import { announceSecret } from 'switchboard-local/announcements.ts';
import { type EndCause, endOf, type Reconnect } from '../../functions/ingester/protocols/end-table.ts';
import type {
  ProtocolContext,
  Session,
  Signal,
  StreamProtocol,
  Subscription,
  TopicsGap,
} from '../../functions/ingester/protocols/stream-protocol.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { TestLog } from './test-log.ts';

export const TOKEN_LIFE_SECONDS = 86_400;

/** A protocol without sockets: its subscription, and sessions to which a test gives frames. */
export class StreamHarness<C, S extends Subscription> {
  readonly log = new TestLog();
  readonly stop = new AbortController();
  /** Recorded gaps. */
  readonly gaps: TopicsGap[] = [];
  /** Requests to the platform. */
  readonly requests: { url: string; init: RequestInit }[] = [];
  /** Answers a request to the REST API. */
  answer: (url: string) => Response = () => new Response(null, { status: 404 });
  stateTable: ProtocolContext['stateTable'];
  private tokens = 0;
  private readonly protocol: StreamProtocol<C, S>;
  private readonly clients: ProtocolContext['clients'];
  private subscribed: ReadonlyMap<string, S> | undefined;
  private readonly environment: Record<string, string>;

  constructor(protocol: StreamProtocol<C, S>, environment: Record<string, string>) {
    this.protocol = protocol;
    this.environment = environment;
    const fetch = (async (url: string | URL, init: RequestInit = {}) => {
      this.requests.push({ url: String(url), init });
      if (!String(url).endsWith('/oauth/token')) return this.answer(String(url));
      const access_token = `token-${++this.tokens}`;
      announceSecret(access_token);
      return Response.json({ access_token, expires_in: TOKEN_LIFE_SECONDS });
    }) as typeof globalThis.fetch;
    const clientSecret = 'a-client-secret';
    announceSecret(clientSecret);
    const credentials = async () => ({ clientId: 'id', clientSecret });
    const loginUrl = 'https://login.mypurecloud.de';
    const tokens = new TokenSource({ loginUrl, credentials, fetch });
    const rest = new RestClient({ apiUrl: 'https://api.mypurecloud.de', tokens, fetch });
    this.clients = async () => [{ rest, tokens }];
  }

  get context(): ProtocolContext {
    const { clients, log, stateTable } = this;
    const signal = this.stop.signal;
    return {
      clients,
      log,
      stateTable,
      signal,
      subscriptionSet: 'default',
      recordGap: (gap) => void this.gaps.push(gap),
    };
  }

  /** The subscriptions by name. */
  async subscriptions(): Promise<ReadonlyMap<string, S>> {
    if (this.subscribed) return this.subscribed;
    const configuration = this.protocol.configuration.parse(this.environment);
    for await (const subscriptions of this.protocol.subscriptions(configuration, this.context)) {
      this.subscribed = subscriptions;
      return subscriptions;
    }
    throw new Error('the protocol has no subscriptions');
  }

  /** The only subscription. */
  async subscription(): Promise<S> {
    const [subscription] = [...(await this.subscriptions()).values()];
    if (!subscription) throw new Error('the protocol has no subscription');
    return subscription;
  }

  async connect(recovery: Reconnect = 'resume', after?: EndCause): Promise<Session> {
    const subscription = await this.subscription();
    return this.protocol.connect({ subscription, recovery, ...(after ? { after } : {}) }, this.context);
  }

  /** How a close with this code is continued. */
  endOfClose(code: number, reason = '') {
    return endOf(this.protocol.ends, { code, reason });
  }

  /** How a refusal of the upgrade is continued. */
  endOfUpgrade(upgradeStatus: number) {
    return endOf(this.protocol.ends, { code: 1006, reason: '', upgradeStatus });
  }
}

/** The problems of a configuration, as the ingester reports them. */
export function configurationProblems(
  protocol: StreamProtocol,
  environment: Record<string, string>,
): string[] {
  const { error } = protocol.configuration.safeParse(environment);
  return error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
}

/** Give a text frame to a session. */
export function receive(session: Session, message: unknown): readonly Signal[] {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return session.onFrame(Buffer.from(text), false, Date.now());
}

/** The messages that the signals send. */
export function sent(signals: readonly Signal[] | undefined): unknown[] {
  return (signals ?? []).flatMap((signal) => (signal.kind === 'send' ? JSON.parse(signal.message) : []));
}
