import { registerSecret } from '../../../../lib/events/redaction.ts';
import { GenesysError } from '../../../../lib/genesys/genesys-error.ts';
import { REPLACE_EARLY_MS } from '../connection-token.ts';
import type { OAuthClient } from '../stream-protocol.ts';
import { readChannel, readTopicOutcomes } from './channel-answers.ts';
import type { Channel } from './channel-store.ts';

/** The REST calls for the channels of one OAuth client. */
export class ChannelCalls {
  private readonly client: OAuthClient;
  private lastToken = '';

  constructor(client: OAuthClient) {
    this.client = client;
  }

  /** The id of the OAuth client. */
  async clientId(): Promise<string> {
    return (await this.client.tokens.get()).clientId;
  }

  /** The token of the last channel is not valid. */
  forgetToken(): void {
    this.client.tokens.invalidate(this.lastToken);
  }

  /** Create a channel with a token that does not expire soon. */
  async create(signal: AbortSignal): Promise<Channel> {
    const { rest, tokens } = this.client;
    const { accessToken, clientId, expiresAtMs: tokenExpiresAtMs } = await tokens.get(REPLACE_EARLY_MS);
    this.lastToken = accessToken;
    const path = '/api/v2/notifications/channels';
    const { id, connectUri, expires } = readChannel(
      await rest.call({ method: 'POST', path, body: {}, signal }),
      rest.apiUrl,
    );
    registerSecret(id);
    return { id, clientId, connectUri, expiresAtMs: Date.parse(expires), tokenExpiresAtMs };
  }

  /**
   * Whether Genesys Cloud still knows the channel.
   *
   * @throws {@link GenesysError} if this cannot be determined now
   */
  async exists(channel: Channel, signal: AbortSignal): Promise<boolean> {
    const { rest, tokens } = this.client;
    registerSecret(channel.id);
    this.lastToken = (await tokens.get()).accessToken;
    try {
      await rest.call({ method: 'HEAD', ...channelPath(channel), signal });
      return true;
    } catch (error) {
      if (!(error instanceof GenesysError) || error.retriable) throw error;
      return false;
    }
  }

  /**
   * Set (PUT) or add (POST) topics of a channel.
   *
   * @returns for each topic, why it was rejected, or undefined if it is permitted
   */
  async changeTopics(
    method: 'PUT' | 'POST',
    channel: Channel,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | undefined>> {
    const { path, parameters } = channelPath(channel);
    const answer = await this.client.rest.call({
      method,
      path: `${path}/subscriptions`,
      parameters,
      query: { ignoreErrors: 'true' },
      body: topics.map((id) => ({ id })),
      signal,
    });
    return readTopicOutcomes(answer);
  }
}

function channelPath(channel: Channel) {
  return { path: '/api/v2/notifications/channels/{channelId}', parameters: { channelId: channel.id } };
}
