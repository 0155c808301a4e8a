import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { RequestHandler } from 'switchboard-local/emulator/request-handler.ts';

/** SDK clients that are connected to an emulator. */
export interface SdkClients {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly eventbridge: EventBridgeClient;
  readonly secretsManager: SecretsManagerClient;
  destroy(): void;
}

/** The connection of clients: an in-process handler or the URL of a server. */
export type Connection = { requestHandler: RequestHandler } | { endpoint: string };

/** Clients that by default try once, so that tests see each error. */
export function sdkClients(connection: Connection, maxAttempts = 1): SdkClients {
  const config = {
    ...connection,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts,
  };
  const clients = {
    sqs: new SQSClient({ ...config, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(config),
    eventbridge: new EventBridgeClient(config),
    secretsManager: new SecretsManagerClient(config),
  };
  return {
    ...clients,
    destroy: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

/** Both ways to connect to an emulator, for `describe.each`. */
export const CONNECTIONS = [
  {
    way: 'in process',
    connect: async (emulator: Emulator): Promise<Connection> => ({
      requestHandler: emulator.requestHandler(),
    }),
  },
  {
    way: 'over HTTP',
    connect: async (emulator: Emulator): Promise<Connection> => ({ endpoint: (await emulator.listen()).url }),
  },
];
