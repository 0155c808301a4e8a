import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3 } from 'switchboard-local/emulator/s3/s3.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let s3: S3;
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { status, headers, body } = s3.handle({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers as Record<string, string | undefined>,
      body: await buffer(request),
    });
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(async () => {
  s3 = new S3({ region: 'eu-central-1' });
  await send('PUT', '/events');
});

function send(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  return fetch(origin + path, { method, headers, ...(body === undefined ? {} : { body }) });
}

async function expectError(response: Response, status: number, code: string): Promise<string> {
  expect(response.headers.get('content-type')).toBe('application/xml');
  expect(response.status).toBe(status);
  const text = await response.text();
  expect(text).toContain(`<Error><Code>${code}</Code>`);
  return text;
}

describe('Buckets', () => {
  test('A bucket is created once, found, and deleted when it is empty', async () => {
    expect((await send('HEAD', '/new')).status).toBe(404);
    const created = await send('PUT', '/new');
    expect(created.status).toBe(200);
    expect(created.headers.get('location')).toBe('/new');
    await expectError(await send('PUT', '/new'), 409, 'BucketAlreadyOwnedByYou');
    const head = await send('HEAD', '/new');
    expect(head.status).toBe(200);
    expect(head.headers.get('x-amz-bucket-region')).toBe('eu-central-1');
    await send('PUT', '/new/a', 'x');
    await expectError(await send('DELETE', '/new'), 409, 'BucketNotEmpty');
    await send('DELETE', '/new/a');
    expect((await send('DELETE', '/new')).status).toBe(204);
    await expectError(await send('DELETE', '/new'), 404, 'NoSuchBucket');
  });

  test.each(['Ab', 'a', 'a_b', '-ab'])('A bucket with the name %s is refused', async (name) => {
    await expectError(await send('PUT', `/${name}`), 400, 'InvalidBucketName');
  });

  test('There are at most 100 buckets', () => {
    const request = { method: 'PUT', query: new URLSearchParams(), headers: {}, body: new Uint8Array() };
    for (let count = 1; count < 100; count += 1) s3.handle({ ...request, path: `/bucket-${count}` });
    expect(s3.handle({ ...request, path: '/one-more' }).body).toContain('<Code>TooManyBuckets</Code>');
  });
});

describe('Objects', () => {
  test('An object is returned as it was put, with its type, its metadata and its MD5', async () => {
    const body = '{"detail":"größer"}';
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    const put = await send('PUT', '/events/2026/11/event%20%C3%BC.json', body, {
      'content-type': 'application/json',
      'x-amz-meta-event-id': '42',
    });
    expect(put.status).toBe(200);
    expect(put.headers.get('etag')).toBe(etag);

    const got = await send('GET', '/events/2026/11/event%20%C3%BC.json');
    expect(await got.text()).toBe(body);
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-meta-event-id': '42',
      etag,
    });
    expect(Date.parse(got.headers.get('last-modified') ?? '')).toBeGreaterThan(0);

    const head = await send('HEAD', '/events/2026/11/event%20%C3%BC.json');
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
  });

  test('The checksum headers that SDKs send by default are accepted', async () => {
    const headers = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32' };
    expect((await send('PUT', '/events/a', 'x', headers)).status).toBe(200);
    const got = await send('GET', '/events/a?x-id=GetObject', undefined, {
      'x-amz-checksum-mode': 'ENABLED',
    });
    expect(await got.text()).toBe('x');
  });

  test('An object can be replaced, and deleted more than once', async () => {
    await send('PUT', '/events/a', 'one');
    await send('PUT', '/events/a', 'two');
    expect(await (await send('GET', '/events/a')).text()).toBe('two');
    expect((await send('DELETE', '/events/a')).status).toBe(204);
    expect((await send('DELETE', '/events/a')).status).toBe(204);
    await expectError(await send('GET', '/events/a'), 404, 'NoSuchKey');
    expect((await send('HEAD', '/events/a')).status).toBe(404);
    expect(s3.storedBytes).toBe(0);
  });

  test('A key has at most 1,024 bytes', async () => {
    expect((await send('PUT', `/events/${'k'.repeat(1_024)}`, 'x')).status).toBe(200);
    await expectError(await send('PUT', `/events/${'k'.repeat(1_025)}`, 'x'), 400, 'KeyTooLongError');
  });

  test.each(['GET', 'PUT', 'DELETE'])(
    '%s of an object in a bucket that does not exist fails',
    async (method) => {
      const response = await send(method, '/nowhere/a', method === 'PUT' ? 'x' : undefined);
      await expectError(response, 404, 'NoSuchBucket');
    },
  );

  test('Objects beyond the limit of bytes are refused until others are deleted', () => {
    const small = new S3({ maxStoredBytes: 10_000 });
    const request = { query: new URLSearchParams(), headers: {} };
    const half = new Uint8Array(4_000);
    const put = (key: string) =>
      small.handle({ ...request, method: 'PUT', path: `/events${key}`, body: half }).status;
    put('');
    expect(put('/a')).toBe(200);
    expect(put('/b')).toBe(200);
    expect(put('/c')).toBe(507);
    expect(put('/b')).toBe(200);
    small.handle({ ...request, method: 'DELETE', path: '/events/a', body: new Uint8Array() });
    expect(put('/c')).toBe(200);
    expect(small.storedBytes).toBeLessThanOrEqual(10_000);
  });
});

test.each([
  ['GET', '/', 'ListBuckets'],
  ['GET', '/events', 'ListObjects'],
  ['GET', '/events?list-type=2', 'ListObjectsV2'],
  ['GET', '/events?location', 'location'],
  ['POST', '/events?delete', 'delete'],
  ['POST', '/events/a?uploads', 'uploads'],
  ['PUT', '/events/a?partNumber=1&uploadId=x', 'partNumber'],
])('%s %s is refused with an error that names %s', async (method, path, name) => {
  const text = await expectError(await send(method, path), 501, 'NotImplemented');
  expect(text).toContain(`&quot;${name}&quot;`);
});

test.each([
  ['if-none-match', '*', 'if-none-match'],
  ['range', 'bytes=0-1', 'range'],
  ['x-amz-copy-source', '/events/b', 'x-amz-copy-source'],
  ['x-amz-acl', 'public-read', 'x-amz-acl'],
  ['content-encoding', 'aws-chunked', 'aws-chunked'],
  ['x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'aws-chunked'],
])('A request with %s: %s is refused with an error that names %s', async (header, value, name) => {
  const text = await expectError(
    await send('PUT', '/events/a', 'x', { [header]: value }),
    501,
    'NotImplemented',
  );
  expect(text).toContain(`&quot;${name}&quot;`);
  expect((await send('HEAD', '/events/a')).status).toBe(404);
});

test('A path that cannot be decoded is refused', async () => {
  await expectError(await send('GET', '/events/%E0%A4%A'), 400, 'InvalidURI');
});
