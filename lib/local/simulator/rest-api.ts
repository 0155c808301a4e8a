import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ApiError,
  authenticationRequired,
  badCredentials,
  badRequest,
  credentialsExpired,
  notFound,
  serviceUnavailable,
  tooManyRequests,
} from './api-error.ts';
import type { Directory } from './directory.ts';
import type { Disturbances } from './disturbances.ts';
import { type Answer, type Exchange, jsonBody, readExchange, writeAnswer } from './exchange.ts';
import type { NotificationsResource } from './notifications-resource.ts';
import { grantToken, type OAuthClient } from './oauth-endpoint.ts';
import type { RateLimit } from './request-quota.ts';
import { isExpired, type Token, type Tokens } from './tokens.ts';

const SLOW_ANSWER_MS = 2_000;
const DISTURBED_RETRY_AFTER_SECONDS = 1;

type Handler = (exchange: Exchange, token: Token, id: string) => Answer;
/** Answers a conversation details query; see {@link RestOptions.conversationDetails}. */
export type ConversationDetails = (query: unknown) => unknown;

export interface RestOptions {
  readonly client: OAuthClient;
  readonly tokens: Tokens;
  readonly rateLimit: RateLimit;
  readonly directory: Directory;
  readonly notifications: NotificationsResource;
  readonly disturbances: Disturbances;
  /** Body of the answer to a details query; by default it finds nothing. */
  readonly conversationDetails: ConversationDetails;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly handle: Handler;
}

/** The platform's REST API and token endpoint, on one host. */
export class Rest {
  private readonly options: RestOptions;
  private readonly routes: readonly Route[];

  constructor(options: RestOptions) {
    this.options = options;
    this.routes = routesOf(options);
  }

  /** Answers one request. Never throws: what fails is answered. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const correlationId = randomUUID();
    const headers: Record<string, string> = { 'inin-correlation-id': correlationId };
    try {
      const exchange = await readExchange(request);
      writeAnswer(response, await this.route(exchange, headers), headers);
    } catch (error) {
      // A client that went away in the middle of its request gets no answer.
      if (request.destroyed && !request.complete) return;
      const known =
        error instanceof ApiError ? error : new ApiError(500, 'internal.server.error', String(error));
      const status = known.status;
      writeAnswer(response, { status, body: known.body(correlationId) }, { ...headers, ...known.headers });
    }
  }

  private async route(exchange: Exchange, headers: Record<string, string>): Promise<Answer> {
    const { client, tokens, rateLimit } = this.options;
    if (exchange.path === '/oauth/token') {
      if (exchange.method !== 'POST') throw new ApiError(405, 'method.not.allowed', 'Use POST.');
      return grantToken(exchange, client, tokens);
    }
    await this.disturb();
    const token = this.authenticate(exchange);
    const rate = rateLimit.count(token.value);
    Object.assign(headers, rate.headers);
    if (rate.exceeded) throw tooManyRequests(rate.resetSeconds, rateLimit.allowed);
    const matching = this.routes.filter((route) => route.path.test(exchange.path));
    const route = matching.find((candidate) => candidate.method === exchange.method);
    if (route === undefined) {
      if (matching.length === 0) throw notFound(`The resource ${exchange.path}`);
      throw new ApiError(405, 'method.not.allowed', `${exchange.method} is not allowed here.`);
    }
    return route.handle(exchange, token, route.path.exec(exchange.path)?.[1] ?? '');
  }

  private async disturb(): Promise<void> {
    const kind = this.options.disturbances.takeRest();
    switch (kind) {
      case undefined:
        return;
      case 'rest_401':
        throw badCredentials();
      case 'rest_429':
        throw tooManyRequests(DISTURBED_RETRY_AFTER_SECONDS, this.options.rateLimit.allowed);
      case 'rest_503':
        throw serviceUnavailable();
      case 'slow_rest':
        await delay(SLOW_ANSWER_MS, undefined, { ref: false });
    }
  }

  private authenticate(exchange: Exchange): Token {
    const value = /^bearer\s+(\S+)$/i.exec(exchange.headers.authorization ?? '')?.[1];
    if (value === undefined) throw authenticationRequired();
    const token = this.options.tokens.find(value);
    if (token === undefined || token.revoked) throw badCredentials();
    if (isExpired(token)) throw credentialsExpired();
    return token;
  }
}

function routesOf({ notifications, directory, conversationDetails }: RestOptions): readonly Route[] {
  const route = (method: string, path: string, handle: Handler): Route => ({
    method,
    path: new RegExp(`^/api/v2/${path.replaceAll('{id}', '([^/]+)')}$`),
    handle,
  });
  const subscriptions = 'notifications/channels/{id}/subscriptions';
  return [
    route('POST', 'notifications/channels', (exchange, token) => notifications.create(exchange, token)),
    route('GET', 'notifications/channels', (exchange, token) => notifications.list(exchange, token)),
    route('HEAD', 'notifications/channels/{id}', (exchange, token, id) =>
      notifications.probe(exchange, token, id),
    ),
    route('GET', subscriptions, (exchange, token, id) => notifications.subscriptions(exchange, token, id)),
    route('POST', subscriptions, (exchange, token, id) => notifications.add(exchange, token, id)),
    route('PUT', subscriptions, (exchange, token, id) => notifications.replace(exchange, token, id)),
    route('DELETE', subscriptions, (exchange, token, id) => notifications.clear(exchange, token, id)),
    route('GET', 'notifications/availabletopics', (exchange) => notifications.availableTopics(exchange)),
    route('GET', 'users', (exchange) => directory.listUsers(exchange)),
    route('GET', 'users/{id}', (_exchange, _token, id) => directory.user(id)),
    route('GET', 'routing/queues', (exchange) => directory.listQueues(exchange)),
    route('GET', 'routing/queues/{id}', (_exchange, _token, id) => directory.queue(id)),
    route('POST', 'analytics/conversations/details/query', (exchange) =>
      detailsQuery(exchange, conversationDetails),
    ),
  ];
}

/** The last page, here the only one, has no `conversations` at all. */
function detailsQuery(exchange: Exchange, conversationDetails: ConversationDetails): Answer {
  const query = jsonBody(exchange);
  const interval =
    typeof query === 'object' && query !== null && 'interval' in query ? query.interval : undefined;
  const [from, to] = typeof interval === 'string' ? interval.split('/').map((end) => Date.parse(end)) : [];
  if (from === undefined || to === undefined || !(from <= to)) {
    throw badRequest('The query needs an interval of two ISO 8601 times, from/to.');
  }
  return { status: 200, body: conversationDetails(query) };
}
