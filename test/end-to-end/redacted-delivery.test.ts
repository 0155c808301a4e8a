import { randomUUID } from 'node:crypto';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { DeliveryReceiver } from 'switchboard-local/receiver/delivery-receiver.ts';
import { afterEach, expect, test } from 'vitest';
import { createLocalDelivery, type LocalDelivery, newSigningKey } from '../../bin/local/local-delivery.ts';
import { createResources, NAMES } from '../../bin/local/resources.ts';
import { dynamoDbClient, eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import type { PublishedEvent } from '../../lib/events/published-event.ts';
import { publishedEvent } from '../delivery/simulated-delivery.ts';

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const DELIVERY_TIMEOUT_MS = 30_000;
/** A name, a number and an attribute of a caller. */
const PLANTED = { name: 'Erika Mustermann', ani: 'tel:+4915112345678', customerNumber: 'KD-4711-0815' };
const CONVERSATION = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Puts an event with the planted values on the bus, and returns the receiver to which it was delivered over HTTP. */
async function delivered(options: { redaction?: string; ordered: boolean }): Promise<DeliveryReceiver> {
  const signingKey = newSigningKey();
  const receiver = new DeliveryReceiver({ secret: signingKey });
  const { url } = await receiver.listen();
  const emulator = new Emulator();
  const edge = { ...LOCAL, endpoint: (await emulator.listen()).url };
  open.push(receiver, emulator);
  const clients = { sqs: sqsClient(edge), eventbridge: eventBridgeClient(edge) };
  const { quarantineQueueUrl } = await createResources({ ...clients, dynamodb: dynamoDbClient(edge) });
  const delivery: LocalDelivery = await createLocalDelivery({
    emulator,
    edge,
    clients,
    quarantineQueueUrl,
    url,
    isBuiltIn: true,
    signingKey,
    ratePerSecond: undefined,
    logLevel: 'SILENT',
    seed: 1,
    crashRate: 0,
    onInvocation: () => undefined,
    onOrderInvocation: () => undefined,
    onBatch: () => undefined,
    ...options,
  });
  open.push({ close: () => delivery.stop() });
  await clients.eventbridge.send(new PutEventsCommand({ Entries: [plantedEvent()] }));
  delivery.start();
  await delivery.idle(DELIVERY_TIMEOUT_MS);
  return receiver;
}

function plantedEvent() {
  const { name, ani, customerNumber } = PLANTED;
  const participants = [{ id: randomUUID(), purpose: 'customer', name, ani, attributes: { customerNumber } }];
  const event = publishedEvent(randomUUID(), { id: CONVERSATION, participants });
  const { source, 'detail-type': DetailType, detail } = event as PublishedEvent;
  return { EventBusName: NAMES.bus, Source: source, DetailType, Detail: JSON.stringify(detail) };
}

const found = ({ ledger }: DeliveryReceiver) =>
  Object.values(PLANTED).filter((value) => ledger.containing([value]).length > 0);

test.each([false, true])(
  'A name, a number and an attribute never reach the destination with the preset structural (ordered: %s)',
  async (ordered) => {
    const receiver = await delivered({ redaction: 'structural', ordered });
    expect(found(receiver)).toEqual([]);
    expect(receiver.ledger.calls).toMatchObject([{ status: 200, processed: true }]);
    // The event itself has arrived.
    expect(receiver.ledger.containing([CONVERSATION])).toHaveLength(1);
  },
);

test.each([false, true])(
  'Without redaction, all of them reach the destination (ordered: %s)',
  async (ordered) => {
    const receiver = await delivered({ ordered });
    expect(found(receiver)).toEqual(Object.values(PLANTED));
    expect(receiver.ledger.calls).toMatchObject([{ status: 200, processed: true }]);
  },
);
