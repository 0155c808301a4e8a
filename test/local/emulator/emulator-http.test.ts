import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { crc32 } from 'node:zlib';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { MAX_REQUEST_BYTES } from 'switchboard-local/emulator/request-body.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

describe('the HTTP server', () => {
  let emulator: Emulator;
  let url: string;

  beforeEach(async () => {
    emulator = new Emulator();
    ({ url } = await emulator.listen());
  });

  afterEach(() => emulator.close());

  function call(
    target: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) {
    const contentType = 'application/x-amz-json-1.0';
    return fetch(url, {
      method: 'POST',
      headers: { 'content-type': contentType, 'x-amz-target': target, ...headers },
      body,
    });
  }

  test('The server listens on the loopback interface only and answers health checks', async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${url}/_health`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      status: 'ok',
      targets: expect.arrayContaining(['AmazonSQS.SendMessage', 'AWSEvents.PutEvents']),
    });
  });

  test('Answers carry a request id and the CRC-32 of the body', async () => {
    const response = await call('AmazonSQS.CreateQueue', '{"QueueName":"events"}');
    const body = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-amz-json-1.0');
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('x-amz-crc32')).toBe(String(crc32(body)));
    expect(JSON.parse(body)).toEqual({ QueueUrl: `${url}/000000000000/events` });
  });

  test('An SQS error carries its type and the code of the query protocol', async () => {
    const response = await call('AmazonSQS.GetQueueUrl', '{"QueueName":"nowhere"}');
    expect(response.status).toBe(400);
    expect(response.headers.get('x-amzn-query-error')).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    expect(await response.json()).toMatchObject({ __type: 'com.amazonaws.sqs#QueueDoesNotExist' });
  });

  test.each([
    ['an unknown service', 'AmazonEC2.RunInstances', 'AmazonSQS.*'],
    ['an unknown action', 'AmazonSQS.AddPermission', 'SendMessageBatch'],
    ['a name from the prototype', 'AmazonSQS.constructor', 'SendMessageBatch'],
  ])('A request for %s is refused with a list of what is supported', async (_, target, hint) => {
    const response = await call(target, '{}');
    expect(response.status).toBe(400);
    const { __type, message } = (await response.json()) as { __type: string; message: string };
    expect(__type).toContain('UnknownOperationException');
    expect(message).toContain(target);
    expect(message).toContain(hint);
  });

  test('A body that is not JSON or has the wrong shape is answered with a SerializationException', async () => {
    for (const body of ['{', '[]', '{"QueueName":5}']) {
      const response = await call('AmazonSQS.CreateQueue', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        __type: expect.stringContaining('SerializationException'),
      });
    }
  });

  test('A compressed body is refused with an error that names its encoding', async () => {
    const response = await call('AmazonSQS.ListQueues', '{}', { 'content-encoding': 'gzip' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      __type: 'NotEmulatedException',
      message: expect.stringContaining('Content-Encoding "gzip"'),
    });
  });

  test('A body above the limit is answered with 413', async () => {
    const response = await call('AmazonSQS.SendMessage', 'x'.repeat(MAX_REQUEST_BYTES + 1));
    expect(response.status).toBe(413);
  });

  test('GetCallerIdentity is answered in XML, and other query calls and protocols are refused', async () => {
    const form = (Action: string) => fetch(url, { method: 'POST', body: new URLSearchParams({ Action }) });
    const identity = await form('GetCallerIdentity');
    expect(identity.headers.get('content-type')).toBe('text/xml');
    expect(await identity.text()).toContain('<Account>000000000000</Account>');
    const other = await form('SendMessage');
    expect(other.status).toBe(400);
    expect(await other.text()).toContain('<Code>InvalidAction</Code>');
    const cbor = await fetch(`${url}/service/GraniteServiceVersion20100801/operation/PutMetricData`, {
      method: 'POST',
      headers: { 'content-type': 'application/cbor' },
      body: 'x',
    });
    expect(cbor.status).toBe(400);
    expect(((await cbor.json()) as { message: string }).message).toContain('CBOR');
    const unknownBucket = await fetch(`${url}/somewhere`);
    expect(unknownBucket.status).toBe(404);
    expect(await unknownBucket.text()).toContain('NoSuchBucket');
  });

  test('PutMetricData is accepted', async () => {
    const body = '{"Namespace":"Switchboard","MetricData":[{"MetricName":"EventsPublished","Value":1}]}';
    const response = await call('GraniteServiceVersion20100801.PutMetricData', body);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  test('Closing the emulator ends idle connections and long polls', async () => {
    await call('AmazonSQS.CreateQueue', '{"QueueName":"events"}');
    const polling = call(
      'AmazonSQS.ReceiveMessage',
      `{"QueueUrl":"${url}/0/events","WaitTimeSeconds":20}`,
    ).then(
      (response) => response.status,
      () => 'connection closed',
    );
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const ended = new Promise((resolve) => idle.once('close', resolve));
    idle.on('error', () => undefined);
    await emulator.close();
    await ended;
    expect([400, 'connection closed']).toContain(await polling);
    await expect(fetch(`${url}/_health`)).rejects.toThrow();
  });
});

test('A lost answer closes the connection', async () => {
  const faults = new FaultInjector({ seed: 1, stallMs: 1 });
  const emulator = new Emulator({ faults });
  try {
    const { url } = await emulator.listen();
    const queue = emulator.sqs.createQueue('events');
    faults.next('timeout_after_commit', 'AmazonSQS.SendMessage');
    const body = JSON.stringify({ QueueUrl: emulator.sqs.queueUrl('events'), MessageBody: 'x' });
    const headers = { 'x-amz-target': 'AmazonSQS.SendMessage' };
    await expect(fetch(url, { method: 'POST', headers, body })).rejects.toThrow();
    expect(queue.counts().visible).toBe(1);
    const again = await fetch(url, { method: 'POST', headers, body });
    expect(await again.json()).toMatchObject({
      MD5OfMessageBody: createHash('md5').update('x').digest('hex'),
    });
  } finally {
    await emulator.close();
  }
});
