import { BatchExecuteStatementCommand, CreateTableCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateEventBusCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONNECTIONS, type SdkClients, sdkClients } from './sdk-clients.ts';

describe.each(CONNECTIONS)('the services together $way', ({ connect }) => {
  let emulator: Emulator;
  let clients: SdkClients;

  beforeEach(async () => {
    emulator = new Emulator();
    clients = sdkClients(await connect(emulator));
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  test('An event that matches a rule arrives in the queue of the target', async () => {
    const { sqs, eventbridge } = clients;
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'delivery' }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    await eventbridge.send(new CreateEventBusCommand({ Name: 'bus' }));
    const rule = { Name: 'all', EventBusName: 'bus' };
    const EventPattern = JSON.stringify({ source: ['genesys.cloud'] });
    await eventbridge.send(new PutRuleCommand({ ...rule, EventPattern }));
    await eventbridge.send(
      new PutTargetsCommand({
        Rule: 'all',
        EventBusName: 'bus',
        Targets: [{ Id: 'queue', Arn: Attributes!.QueueArn }],
      }),
    );
    await eventbridge.send(
      new PutEventsCommand({
        Entries: ['genesys.cloud', 'another'].map((Source) => ({
          EventBusName: 'bus',
          Source,
          DetailType: 'v2.routing.queues.{id}.conversations',
          Detail: JSON.stringify({ eventBody: { id: 7 } }),
        })),
      }),
    );
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 }),
    );
    expect(Messages!.map(({ Body }) => JSON.parse(Body!))).toMatchObject([
      {
        source: 'genesys.cloud',
        'detail-type': 'v2.routing.queues.{id}.conversations',
        detail: { eventBody: { id: 7 } },
      },
    ]);
  });

  test('A second INSERT of the same key is reported as a duplicate', async () => {
    const { dynamodb } = clients;
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'claims',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    const claim = (owner: string) =>
      dynamodb.send(
        new BatchExecuteStatementCommand({
          Statements: [
            {
              Statement: `INSERT INTO "claims" VALUE {'pk': ?, 'owner': ?}`,
              Parameters: [{ S: 'event#1' }, { S: owner }],
            },
          ],
        }),
      );
    expect((await claim('first')).Responses![0]!.Error).toBeUndefined();
    expect((await claim('second')).Responses![0]!.Error!.Code).toBe('DuplicateItem');
  });

  test('A secret that was set directly is read over the wire', async () => {
    const SecretId = emulator.secretsManager.set('genesys', '{"clientId":"x"}');
    const { SecretString } = await clients.secretsManager.send(new GetSecretValueCommand({ SecretId }));
    expect(SecretString).toBe('{"clientId":"x"}');
  });
});

test('Two emulators share nothing', () => {
  const [first, second] = [
    new Emulator(),
    new Emulator({ region: 'eu-central-1', accountId: '111122223333' }),
  ];
  first.sqs.createQueue('events');
  expect(second.sqs.queues()).toEqual([]);
  expect(second.sqs.createQueue('events').arn).toBe('arn:aws:sqs:eu-central-1:111122223333:events');
});
