import type { IngesterConfig } from '../../functions/ingester/ingester-config.ts';
import type { StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';

/** The configuration of an ingester that reaches neither Genesys Cloud nor AWS over the network. */
export function offlineConfig(protocols: readonly StreamProtocol[]): IngesterConfig {
  return {
    apiUrl: 'http://127.0.0.1:1',
    loginUrl: 'http://127.0.0.1:1',
    credentials: { clientId: 'id', clientSecret: 'secret' },
    protocols: protocols.map((protocol) => ({ protocol, configuration: {} })),
    subscriptionSet: 'default',
    eventsQueueUrl: 'http://127.0.0.1:1/queue',
    tasks: 1,
    stateTable: undefined,
    oversizeBucket: undefined,
    socket: {},
    redaction: undefined,
    healthHost: '127.0.0.1',
    healthPort: 0,
    logLevel: 'INFO',
  };
}
