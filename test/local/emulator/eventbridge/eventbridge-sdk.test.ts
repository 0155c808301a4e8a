import {
  CreateEventBusCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { type HttpRequest, HttpResponse } from '@smithy/protocol-http';
import { AwsError, type JsonObject } from 'switchboard-local/emulator/emulated-service.ts';
import { expect, test } from 'vitest';
import { queueArn, REGION, startEventBridge } from './local-bus.ts';

/** AWS's own client, whose requests are answered by the service in this process. */
function startClient() {
  const bus = startEventBridge();
  const { service } = bus;
  const handle = async (request: HttpRequest) => {
    const [prefix, action = ''] = String(request.headers['x-amz-target']).split('.');
    expect(prefix).toBe(service.targetPrefix);
    expect(request.headers['content-type']).toBe(service.contentType);
    const respond = (statusCode: number, body: JsonObject = {}) => ({
      response: new HttpResponse({
        statusCode,
        headers: { 'content-type': service.contentType },
        body: new Blob([JSON.stringify(body)]).stream(),
      }),
    });
    try {
      return respond(
        200,
        await service.actions[action]?.(JSON.parse(new TextDecoder().decode(request.body))),
      );
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return respond(error.status, { __type: error.type, message: error.message, ...error.extra });
    }
  };
  const client = new EventBridgeClient({
    region: REGION,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { handle } as never,
  });
  return { bus, client };
}

test('The SDK creates a bus, a rule and a target, and publishes events', async () => {
  const { bus, client } = startClient();
  await client.send(new CreateEventBusCommand({ Name: 'events' }));
  await client.send(
    new PutRuleCommand({
      Name: 'r',
      EventBusName: 'events',
      EventPattern: '{"detail":{"a":[{"exists":true}]}}',
    }),
  );
  await client.send(
    new PutTargetsCommand({
      Rule: 'r',
      EventBusName: 'events',
      Targets: [{ Id: 't', Arn: queueArn('queue') }],
    }),
  );
  const { Rules } = await client.send(new ListRulesCommand({ EventBusName: 'events' }));
  expect(Rules).toMatchObject([{ Name: 'r', State: 'ENABLED' }]);

  const entry = {
    EventBusName: 'events',
    Source: 's',
    DetailType: 'd',
    Time: new Date('2026-01-02T03:04:05.678Z'),
  };
  const output = await client.send(
    new PutEventsCommand({
      Entries: [
        { ...entry, Detail: '{"a":1}' },
        { ...entry, Detail: 'no' },
      ],
    }),
  );
  expect(output.FailedEntryCount).toBe(1);
  expect(output.Entries?.[1]).toMatchObject({ ErrorCode: 'MalformedDetail' });
  expect(bus.received().map((body) => JSON.parse(body))).toMatchObject([
    { id: output.Entries?.[0]?.EventId, time: '2026-01-02T03:04:05Z', detail: { a: 1 } },
  ]);
});

test('Errors have the names that the SDK knows', async () => {
  const { client } = startClient();
  await expect(client.send(new DescribeEventBusCommand({ Name: 'none' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  await expect(client.send(new PutRuleCommand({ Name: 'r', EventPattern: '{"a":1}' }))).rejects.toMatchObject(
    {
      name: 'InvalidEventPatternException',
      message: expect.stringContaining('(at a)'),
    },
  );
});
