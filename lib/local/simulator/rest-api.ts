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
import { type ApiResponse, type ApiRequest, jsonBody, readRequest, writeResponse } from './api-request.ts';
import type { NotificationsResource } from './notifications-resource.ts';
import { grantToken, type OAuthClient } from './oauth-endpoint.ts';
import type { RequestQuota } from './request-quota.ts';
import { isExpired, type Token, type Tokens } from './tokens.ts';

const SLOW_ANSWER_MS = 2_000;
const DISTURBED_RETRY_AFTER_SECONDS = 1;

type Handler = (request: ApiRequest, token: Token, id: string) => ApiResponse;
/** Answers a conversation details query; see {@link RestApiOptions.conversationDetails}. */
export type ConversationDetails = (query: unknown) => unknown;

export interface RestApiOptions {
  readonly client: OAuthClient;
  readonly tokens: Tokens;
  readonly quota: RequestQuota;
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
export class RestApi {
  private readonly options: RestApiOptions;
  private readonly routes: readonly Route[];

  constructor(options: RestApiOptions) {
    this.options = options;
    this.routes = routesOf(options);
  }

  /** Answers one request. Never throws: what fails is answered. */
  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const correlationId = randomUUID();
    const headers: Record<string, string> = { 'inin-correlation-id': correlationId };
    try {
      const request = await readRequest(incoming);
      writeResponse(response, await this.route(request, headers), headers);
    } catch (error) {
      // A client that went away in the middle of its request gets no answer.
      if (incoming.destroyed && !incoming.complete) return;
      const known =
        error instanceof ApiError ? error : new ApiError(500, 'internal.server.error', String(error));
      const status = known.status;
      writeResponse(response, { status, body: known.body(correlationId) }, { ...headers, ...known.headers });
    }
  }

  private async route(request: ApiRequest, headers: Record<string, string>): Promise<ApiResponse> {
    const { client, tokens, quota } = this.options;
    if (request.path === '/oauth/token') {
      if (request.method !== 'POST') throw new ApiError(405, 'method.not.allowed', 'Use POST.');
      return grantToken(request, client, tokens);
    }
    await this.disturb();
    const token = this.authenticate(request);
    const usage = quota.count(token.value);
    Object.assign(headers, usage.headers);
    if (usage.exceeded) throw tooManyRequests(usage.resetSeconds, quota.allowed);
    const matching = this.routes.filter((route) => route.path.test(request.path));
    const route = matching.find((candidate) => candidate.method === request.method);
    if (route === undefined) {
      if (matching.length === 0) throw notFound(`The resource ${request.path}`);
      throw new ApiError(405, 'method.not.allowed', `${request.method} is not allowed here.`);
    }
    return route.handle(request, token, route.path.exec(request.path)?.[1] ?? '');
  }

  private async disturb(): Promise<void> {
    const kind = this.options.disturbances.takeRest();
    switch (kind) {
      case undefined:
        return;
      case 'rest_401':
        throw badCredentials();
      case 'rest_429':
        throw tooManyRequests(DISTURBED_RETRY_AFTER_SECONDS, this.options.quota.allowed);
      case 'rest_503':
        throw serviceUnavailable();
      case 'slow_rest':
        await delay(SLOW_ANSWER_MS, undefined, { ref: false });
    }
  }

  private authenticate(request: ApiRequest): Token {
    const value = /^bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (value === undefined) throw authenticationRequired();
    const token = this.options.tokens.find(value);
    if (token === undefined || token.revoked) throw badCredentials();
    if (isExpired(token)) throw credentialsExpired();
    return token;
  }
}

function routesOf({ notifications, directory, conversationDetails }: RestApiOptions): readonly Route[] {
  const route = (method: string, path: string, handle: Handler): Route => ({
    method,
    path: new RegExp(`^/api/v2/${path.replaceAll('{id}', '([^/]+)')}$`),
    handle,
  });
  const subscriptions = 'notifications/channels/{id}/subscriptions';
  return [
    route('POST', 'notifications/channels', (request, token) => notifications.create(request, token)),
    route('GET', 'notifications/channels', (request, token) => notifications.list(request, token)),
    route('HEAD', 'notifications/channels/{id}', (request, token, id) =>
      notifications.probe(request, token, id),
    ),
    route('GET', subscriptions, (request, token, id) => notifications.subscriptions(request, token, id)),
    route('POST', subscriptions, (request, token, id) => notifications.add(request, token, id)),
    route('PUT', subscriptions, (request, token, id) => notifications.replace(request, token, id)),
    route('DELETE', subscriptions, (request, token, id) => notifications.clear(request, token, id)),
    route('GET', 'notifications/availabletopics', (request) => notifications.availableTopics(request)),
    route('GET', 'users', (request) => directory.listUsers(request)),
    route('GET', 'users/{id}', (_request, _token, id) => directory.user(id)),
    route('GET', 'routing/queues', (request) => directory.listQueues(request)),
    route('GET', 'routing/queues/{id}', (_request, _token, id) => directory.queue(id)),
    route('POST', 'analytics/conversations/details/query', (request) =>
      detailsQuery(request, conversationDetails),
    ),
  ];
}

/** The last page, here the only one, has no `conversations` at all. */
function detailsQuery(request: ApiRequest, conversationDetails: ConversationDetails): ApiResponse {
  const query = jsonBody(request);
  const interval =
    typeof query === 'object' && query !== null && 'interval' in query ? query.interval : undefined;
  const [from, to] = typeof interval === 'string' ? interval.split('/').map((end) => Date.parse(end)) : [];
  if (from === undefined || to === undefined || !(from <= to)) {
    throw badRequest('The query needs an interval of two ISO 8601 times, from/to.');
  }
  return { status: 200, body: conversationDetails(query) };
}
