import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ApiError,
  authenticationRequired,
  badCredentials,
  credentialsExpired,
  notFound,
  serviceUnavailable,
  tooManyRequests,
} from './api-error.ts';
import { type ApiRequest, type ApiResponse, readRequest, writeResponse } from './api-request.ts';
import type { Directory } from './directory.ts';
import type { NotificationsResource } from './notifications-resource.ts';
import { grantToken, type OAuthClient } from './oauth-endpoint.ts';
import type { RecoveryResource } from './recovery/recovery-resource.ts';
import type { RequestFaults } from './request-faults.ts';
import type { RequestQuota } from './request-quota.ts';
import type { StreamsResource } from './streams-resource.ts';
import { isExpired, type Token, type Tokens } from './tokens.ts';

const SLOW_RESPONSE_MS = 2_000;
/** `Retry-After` of an injected 429. */
const RETRY_AFTER_SECONDS = 1;

type Handler = (request: ApiRequest, token: Token, id: string) => ApiResponse;

export interface RestApiOptions {
  readonly clients: readonly OAuthClient[];
  readonly tokens: Tokens;
  readonly quota: RequestQuota;
  readonly directory: Directory;
  readonly notifications: NotificationsResource;
  readonly streams: StreamsResource;
  readonly recovery: RecoveryResource;
  readonly requestFaults: RequestFaults;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly handle: Handler;
}

/** The REST API and the token endpoint of the platform. */
export class RestApi {
  private readonly options: RestApiOptions;
  private readonly routes: readonly Route[];

  constructor(options: RestApiOptions) {
    this.options = options;
    this.routes = routesOf(options);
  }

  /** Handles a request. Never rejects: an error becomes an error response. */
  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const correlationId = randomUUID();
    const headers: Record<string, string> = { 'inin-correlation-id': correlationId };
    try {
      const request = await readRequest(incoming);
      writeResponse(response, await this.route(request, headers), headers);
    } catch (error) {
      // No response if the client disconnected before its request was complete.
      if (incoming.destroyed && !incoming.complete) return;
      const known =
        error instanceof ApiError ? error : new ApiError(500, 'internal.server.error', String(error));
      const status = known.status;
      writeResponse(response, { status, body: known.body(correlationId) }, { ...headers, ...known.headers });
    }
  }

  private async route(request: ApiRequest, headers: Record<string, string>): Promise<ApiResponse> {
    const { clients, tokens, quota } = this.options;
    if (request.path === '/oauth/token') {
      if (request.method !== 'POST') throw new ApiError(405, 'method.not.allowed', 'Use POST.');
      return grantToken(request, clients, tokens);
    }
    await this.injectFault();
    const token = this.authenticate(request);
    const usage = quota.count(token.value);
    Object.assign(headers, usage.headers);
    if (usage.exceeded) throw tooManyRequests(usage.resetSeconds, quota.allowed);
    const matching = this.routes.filter((route) => route.path.test(request.path));
    const route = matching.find((candidate) => candidate.method === request.method);
    if (route === undefined) {
      if (matching.length === 0) throw notFound(`The resource ${request.path}`);
      throw new ApiError(405, 'method.not.allowed', `${request.method} is not supported on this path.`);
    }
    return route.handle(request, token, route.path.exec(request.path)?.[1] ?? '');
  }

  private async injectFault(): Promise<void> {
    const kind = this.options.requestFaults.take('rest');
    switch (kind) {
      case undefined:
        return;
      case 'rest_401':
        throw badCredentials();
      case 'rest_429':
        throw tooManyRequests(RETRY_AFTER_SECONDS, this.options.quota.allowed);
      case 'rest_503':
        throw serviceUnavailable();
      case 'slow_rest':
        await delay(SLOW_RESPONSE_MS, undefined, { ref: false });
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

function routesOf({
  notifications,
  streams,
  recovery,
  directory,
  requestFaults,
}: RestApiOptions): readonly Route[] {
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
    route('POST', 'eventbridge/streams', (request) => streams.create(request)),
    route('GET', 'eventbridge/streams', () => streams.list()),
    route('DELETE', 'eventbridge/streams/{id}', (_request, _token, id) => streams.delete(id)),
    route('GET', 'users', (request) => {
      const expand = request.query.get('expand');
      // Listing faults apply only to listings of ids.
      const listed = directory.listUsers(request, expand ? undefined : requestFaults.takeListing('users'));
      return expand ? recovery.expanded(listed, expand) : listed;
    }),
    ...recoveryRoutes(recovery),
    route('GET', 'users/{id}', (_request, _token, id) => directory.user(id)),
    route('GET', 'routing/queues', (request) =>
      directory.listQueues(request, requestFaults.takeListing('queues')),
    ),
    route('GET', 'routing/queues/{id}', (_request, _token, id) => directory.queue(id)),
  ];
}

function recoveryRoutes(recovery: RecoveryResource): readonly Route[] {
  return [
    route('POST', 'analytics/conversations/details/query', (request) =>
      recovery.conversationDetails(request),
    ),
    route('POST', 'analytics/users/details/query', (request) => recovery.userDetails(request)),
    route('GET', 'conversations/{id}', (_request, _token, id) => recovery.conversation(id)),
    route('POST', 'analytics/queues/observations/query', (request) => recovery.queueObservations(request)),
    route('GET', 'audits/query/realtime/servicemapping', () => recovery.auditServices()),
    route('POST', 'audits/query/realtime', (request) => recovery.audits(request)),
  ];
}

function route(method: string, path: string, handle: Handler): Route {
  return { method, path: new RegExp(`^/api/v2/${path.replaceAll('{id}', '([^/]+)')}$`), handle };
}
