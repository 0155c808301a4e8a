import { badRequest, notFound } from './api-error.ts';
import { type ApiRequest, type ApiResponse, jsonBody } from './api-request.ts';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import type { RequestFaults } from './request-faults.ts';
import { type ChannelTopicEntity, listedTopics, planSubscription } from './subscribing.ts';
import { isValid, type Token } from './tokens.ts';
import { TOPIC_PERMISSIONS } from './topic-templates.ts';

/** `/api/v2/notifications/…` */
export class NotificationsResource {
  private readonly channels: Channels;
  private readonly denied: ReadonlySet<string>;
  private readonly requestFaults: RequestFaults;
  private readonly connectUri: (channelId: string, host: string | undefined) => string;

  constructor(
    channels: Channels,
    denied: ReadonlySet<string>,
    requestFaults: RequestFaults,
    connectUri: (channelId: string, host: string | undefined) => string,
  ) {
    this.channels = channels;
    this.denied = denied;
    this.requestFaults = requestFaults;
    this.connectUri = connectUri;
  }

  create(request: ApiRequest, token: Token): ApiResponse {
    return { status: 200, body: this.channelBody(this.channels.create(token), request) };
  }

  /** Channels of the token. `includechannels=oauthclient` adds those of the client's other tokens, without their ids. */
  list(request: ApiRequest, token: Token): ApiResponse {
    const wholeClient = request.query.get('includechannels') === 'oauthclient';
    const own = this.channels.all().filter(({ token: { clientId } }) => clientId === token.clientId);
    const entities = own
      .filter((channel) => wholeClient || channel.token === token)
      .map((channel) =>
        channel.token === token
          ? this.channelBody(channel, request)
          : { expires: new Date(channel.expiresAtMs).toISOString() },
      );
    return { status: 200, body: { entities } };
  }

  /** Responds with 200 if the channel exists, otherwise 404. */
  probe(_request: ApiRequest, token: Token, channelId: string): ApiResponse {
    this.find(channelId, token);
    return { status: 200 };
  }

  subscriptions(_request: ApiRequest, token: Token, channelId: string): ApiResponse {
    return { status: 200, body: { entities: listedTopics(this.find(channelId, token)) } };
  }

  add(request: ApiRequest, token: Token, channelId: string): ApiResponse {
    return this.subscribe(request, this.find(channelId, token), 'add');
  }

  replace(request: ApiRequest, token: Token, channelId: string): ApiResponse {
    return this.subscribe(request, this.find(channelId, token), 'replace');
  }

  clear(_request: ApiRequest, token: Token, channelId: string): ApiResponse {
    this.channels.subscribe(this.find(channelId, token), new Map());
    return { status: 204 };
  }

  availableTopics(request: ApiRequest): ApiResponse {
    const expand = new Set(request.query.getAll('expand').flatMap((value) => value.split(',')));
    const entities = Object.entries(TOPIC_PERMISSIONS).map(([id, permission]) =>
      availableTopic(id, permission, expand, !this.denied.has(id)),
    );
    return { status: 200, body: { entities } };
  }

  /**
   * In-band `subscribe`: adds all topics or none.
   *
   * @throws ApiError like the REST resource
   */
  subscribeInBand(channel: Channel, topics: readonly string[]): void {
    const plan = planSubscription(channel, topics, 'add', false, this.denied);
    this.channels.subscribe(channel, plan.subscriptions);
  }

  unsubscribeInBand(channel: Channel, topics: readonly string[]): void {
    const removed = new Set(topics);
    const remaining = [...channel.subscriptions].filter(([id]) => !removed.has(id));
    this.channels.subscribe(channel, new Map(remaining));
  }

  private subscribe(request: ApiRequest, channel: Channel, mode: 'add' | 'replace'): ApiResponse {
    const ignoreErrors = request.query.get('ignoreErrors')?.toLowerCase() === 'true';
    const ids = topicIds(jsonBody(request));
    const omitted = this.requestFaults.take('subscription')?.(ids) ?? new Set();
    const asked = ids.filter((id) => !omitted.has(id));
    const plan = planSubscription(channel, asked, mode, ignoreErrors, this.denied);
    this.channels.subscribe(channel, plan.subscriptions);
    const listed = mode === 'add' ? mergeListed(listedTopics(channel), plan.entities) : plan.entities;
    return { status: 200, body: { entities: listed } };
  }

  /** A channel of the same client. A channel whose token is invalid does not exist for any client. */
  private find(channelId: string, token: Token): Channel {
    const channel = this.channels.get(channelId);
    if (channel === undefined || channel.token.clientId !== token.clientId || !isValid(channel.token)) {
      throw notFound('The channel');
    }
    return channel;
  }

  private channelBody(channel: Channel, request: ApiRequest): object {
    return {
      connectUri: this.connectUri(channel.id, request.headers.host),
      id: channel.id,
      expires: new Date(channel.expiresAtMs).toISOString(),
    };
  }
}

function topicIds(body: unknown): readonly string[] {
  if (!Array.isArray(body)) throw badRequest('The body must be an array of topics: [{"id":"…"}].');
  return body.map((topic: unknown) => {
    const id = typeof topic === 'object' && topic !== null && 'id' in topic ? topic.id : undefined;
    if (typeof id !== 'string' || id === '') throw badRequest('Each topic must have an id: [{"id":"…"}].');
    return id;
  });
}

function mergeListed(
  listed: readonly ChannelTopicEntity[],
  answered: readonly ChannelTopicEntity[],
): readonly ChannelTopicEntity[] {
  return [...listed, ...answered.filter(({ state }) => state === 'Rejected')];
}

function availableTopic(
  id: string,
  permission: string,
  expand: ReadonlySet<string>,
  allowed: boolean,
): object {
  const permissions = permission === '' ? [] : [permission];
  const all: Record<string, unknown> = {
    description: `Events of ${id}`,
    enforced: true,
    schema: { type: 'object' },
    visibility: 'Public',
    transports: id.startsWith('v2.detail.events.conversation.') ? ['All'] : ['Websocket', 'EventBridge'],
    publicApiTemplateUriPaths: [],
    requiresPermissions: permissions,
    permissionDetails: permissions.map((name) => ({
      type: 'requiresPermissions',
      permissions: [name],
      allowsCurrentUser: false,
      enforced: true,
      permitted: allowed,
    })),
    topicParameters: id.includes('{id}') ? ['id'] : [],
  };
  return { id, ...Object.fromEntries(Object.entries(all).filter(([field]) => expand.has(field))) };
}
