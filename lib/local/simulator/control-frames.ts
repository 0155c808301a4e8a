/** Frames other than events that the platform sends on a channel, from client source code and field reports. */

/** Sent on every socket at the heartbeat interval, without a subscription. */
export const HEARTBEAT_TEXT = metadataFrame('WebSocket Heartbeat');
/** Reply to `{"message":"ping"}`. */
export const PONG_TEXT = metadataFrame('pong');
/** Announces that the server closes the socket for maintenance after a grace period. */
export const SOCKET_CLOSING_TEXT = JSON.stringify({
  topicName: 'v2.system.socket_closing',
  eventBody: { message: 'Websocket closing soon' },
});

function metadataFrame(message: string): string {
  return JSON.stringify({ topicName: 'channel.metadata', eventBody: { message } });
}

/** Reports that the channel was removed to make room for a newer one. */
export function noLongerSubscribedText(channelId: string, clientId: string): string {
  return JSON.stringify({
    topicName: `v2.system.no_longer_subscribed.${channelId}`,
    version: '2',
    eventBody: {
      channelId,
      systemTopicType: 'no_longer_subscribed',
      oauthClientId: clientId,
      reason: 'another_channel_subscribed',
      message: 'The channel was removed because the limit of channels was reached.',
    },
    metadata: {},
  });
}

/** Reports that the channel's token was revoked. */
export function tokenRevokedText(channelId: string, clientId: string): string {
  return JSON.stringify({
    topicName: `v2.system.token_revoked.${clientId}`,
    version: '2',
    eventBody: {
      channelId,
      systemTopicType: 'token_revoked',
      oauthClientId: clientId,
      reason: 'user_tokens_revoked',
      message: 'The token was revoked.',
    },
    metadata: {},
  });
}

/** Reply to an in-band `subscribe` or `unsubscribe`. It has no topic. */
export function resultText(
  result: '200' | '400' | '404',
  status: string,
  message: string | undefined,
  correlationId: unknown,
): string {
  return JSON.stringify({
    result,
    status,
    ...(message === undefined ? {} : { message }),
    ...(typeof correlationId === 'string' ? { correlationId } : {}),
  });
}
